"""Addresses whose mail comes back (E142): nothing automatic goes there until somebody writes from it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from mailgate.store.columns import microseconds
from mailgate.store.engine import upsert
from mailgate.store.tables import contacts

UNREACHABLE = "mail to this address came back"
MOST_FAILURES, COUNTED_FOR = 5, timedelta(days=7)

# Made once: to make a statement takes as long as to run it.
_WANTED: Any = bindparam("wanted", expanding=True)
_OF_WANTED = contacts.c.address.in_(_WANTED)
KNOWN = select(contacts).where(_OF_WANTED)
FLAGGED = select(contacts.c.address).where(contacts.c.flagged_at.is_not(None), _OF_WANTED)
FORGET = delete(contacts).where(_OF_WANTED)


def flagged(connection: Connection, addresses: Iterable[str]) -> frozenset[str]:
    """Which of *addresses* are known to be unreachable."""
    wanted = sorted(set(addresses))
    return frozenset(connection.scalars(FLAGGED, {"wanted": wanted})) if wanted else frozenset()


def lost(connection: Connection, addresses: Sequence[str], now: datetime, *, lasting: bool) -> tuple[str, ...]:
    """Which of *addresses* become unreachable by one more failure: a *lasting* one, or the fifth in seven days."""
    if not addresses:
        return ()
    known = {row.address: row for row in connection.execute(KNOWN, {"wanted": list(addresses)})}
    return tuple(address for address in addresses if _is_lost(known.get(address), now, lasting=lasting))


def _is_lost(known: Any, now: datetime, *, lasting: bool) -> bool:
    if known is None or known.flagged_at is not None:
        return known is None and lasting
    return lasting or len(_recent(known.failures, now)) + 1 >= MOST_FAILURES


def _recent(failures: Iterable[int], now: datetime) -> list[int]:
    since = microseconds(now - COUNTED_FOR)
    return [at for at in failures if at > since]


def flag(tx: Connection, address: str, now: datetime) -> bool:
    """Mark *address* as unreachable; False where it was already."""
    if flagged(tx, [address]):
        return False
    tx.execute(upsert(tx, contacts), {"address": address, "failures": [], "flagged_at": now})
    return True


def failed_for_now(tx: Connection, address: str, now: datetime) -> bool:
    """Count a passing failure; five in seven days mark the address, True where this is the fifth."""
    known = tx.execute(select(contacts.c.failures, contacts.c.flagged_at).where(contacts.c.address == address)).first()
    if known is not None and known.flagged_at is not None:
        return False
    failures = [*_recent(known.failures if known else (), now), microseconds(now)]
    is_enough = len(failures) >= MOST_FAILURES
    row = {"address": address, "failures": failures, "flagged_at": now if is_enough else None}
    tx.execute(upsert(tx, contacts), row)
    return is_enough


def heard_from(tx: Connection, addresses: Iterable[str]) -> None:
    """Somebody wrote from there: it can be reached."""
    wanted = sorted(set(addresses) - {""})
    if wanted:
        tx.execute(FORGET, {"wanted": wanted})
