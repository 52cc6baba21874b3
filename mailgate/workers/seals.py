"""Seals what has changed, every five minutes, and says so in the log: what is there, nobody takes back (S77)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mailgate import journal
from mailgate.store.engine import Store
from mailgate.store.seals import seal_all
from mailgate.tickets.seal import keys_from
from mailgate.tickets.token import Keys

LEASE = "seals"
MOST_SEALS = 200  # of a turn: the first one after an upgrade has all the histories there are


@dataclass(frozen=True, slots=True)
class Sealing:
    """*is_leader* says whether this is the one that does it now (store/leases.py)."""

    store: Store
    keys: Keys
    clock: Callable[[], datetime]
    is_leader: Callable[[], bool]

    def turn(self) -> None:
        if self.is_leader():
            for seal in seal_all(self.store, keys_from(self.keys.secrets), self.clock(), MOST_SEALS):
                journal.sealed(str(seal), seal.tickets)
