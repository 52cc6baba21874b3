"""What rests for a while, and why: a way out, automatic mail as a whole (E136), a template. All nodes share it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from mailgate.store.engine import upsert
from mailgate.store.tables import pauses

AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class Pause:
    """*failures* counts how often it rests in a row because something is wrong; 0: it is only too fast."""

    name: str
    until: datetime
    failures: int
    why: str


def standing(connection: Connection) -> Mapping[str, Pause]:
    """All of them by name, those that have run out too: whoever tries again lifts them."""
    return {row.name: Pause(row.name, row.until, row.failures, row.why) for row in connection.execute(select(pauses))}


def rest(tx: Connection, pause: Pause) -> None:
    values = {"name": pause.name, "until": pause.until, "failures": pause.failures, "why": pause.why}
    tx.execute(upsert(tx, pauses), values)


def lift(tx: Connection, name: str) -> None:
    tx.execute(delete(pauses).where(pauses.c.name == name))
