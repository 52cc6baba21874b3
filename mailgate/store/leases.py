"""What only one may do at a time, on however many nodes: a row that is somebody's until a moment.

A holder that stops for longer than its lease has lost it without knowing. So a lease saves work, and
keeps order; that nothing is done twice is for the keys of what is done.
"""

import os
import secrets
import time
from contextlib import suppress

from sqlalchemy import case, update

from mailgate.errors import TryLater
from mailgate.store.columns import MOMENT, SECOND
from mailgate.store.engine import Store, insert_new
from mailgate.store.spool import tokens_of
from mailgate.store.tables import leases

LEASE_SECONDS = 60.0
RENEWED_AFTER_SECONDS = 20.0


class Lease:
    """The lease *name* as one of those sees it who want it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        self._holder = f"{tokens_of(os.getpid())}{secrets.token_hex(4)}"
        self._ours_until = float("-inf")

    def keep(self) -> bool:
        """Whether it is ours, now or still: to be asked often; the store is only asked every 20 seconds. TryLater."""
        asked_at = time.monotonic()
        if asked_at >= self._ours_until:
            self._ours_until = asked_at + RENEWED_AFTER_SECONDS if self._take() else float("-inf")
        return asked_at < self._ours_until

    def _take(self) -> bool:
        is_ours = leases.c.holder == self._holder
        until = MOMENT + round(LEASE_SECONDS * SECOND)
        taken = {
            "holder": self._holder,
            "expires": until,
            "epoch": case((is_ours, leases.c.epoch), else_=leases.c.epoch + 1),
        }
        with self._store.write() as tx:
            tx.execute(insert_new(tx, leases), {"name": self._name, "holder": "", "epoch": 0, "expires": 0})
            free = (leases.c.name == self._name) & (is_ours | (leases.c.expires <= MOMENT))
            return tx.execute(update(leases).where(free).values(taken)).rowcount == 1

    def let_go(self) -> None:
        """So that nobody has to wait until it runs out; while the store is away it does that by itself."""
        if self._ours_until > float("-inf"):
            self._ours_until = float("-inf")
            with suppress(TryLater), self._store.write() as tx:
                tx.execute(update(leases).where(leases.c.holder == self._holder).values(expires=0))


def release_leases(store: Store) -> None:
    """At the start: those of a gateway that is gone may be taken at once, unless nodes share the store."""
    if not store.is_shared:
        with store.write() as tx:
            tx.execute(update(leases).values(expires=0))


def release_leases_of(store: Store, pid: int) -> None:
    """When a process of ours is seen to be gone."""
    with store.write() as tx:
        tx.execute(update(leases).where(leases.c.holder.startswith(tokens_of(pid), autoescape=True)).values(expires=0))
