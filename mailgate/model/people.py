"""The directory: who may do what, in which team."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Person:
    """One entry of the directory; *address* is in lower case."""

    address: str
    name: str
    role: str = ""
    unit: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Worker:
    """A member of *team* to whom work can be given.

    *open_tickets* is how many are theirs, *last_ticket* the number of the latest that ever was, 0
    for none. *away_until* is the last day of an absence.
    """

    address: str
    team: str
    open_tickets: int = 0
    last_ticket: int = 0
    away_until: date | None = None
