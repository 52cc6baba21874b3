"""How many tickets senders opened in the last hour, and which ticket collects what is too much of it (E136)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Select, bindparam, delete, exists, func, select, text, update

from mailgate.model.reading import Reading
from mailgate.store.columns import Instant
from mailgate.store.engine import insert_all, insert_new
from mailgate.store.tables import OPEN, floods, openings, tickets

HOUR = timedelta(hours=1)

# Made once: to make a statement takes as long as to run it.
_WANTED: Any = bindparam("wanted", expanding=True)
_HOUR_AGO = bindparam("hour_ago", type_=Instant())
COLLECTING = (
    select(floods.c.domain, floods.c.ticket_id)
    .join(tickets, tickets.c.id == floods.c.ticket_id)
    .where(floods.c.domain.in_(_WANTED), text(OPEN))
)
FORGET = delete(openings).where(openings.c.at <= _HOUR_AGO)


def _opened_by(column: Column[Any]) -> Select[Any]:
    return select(column, func.count()).where(column.in_(_WANTED), openings.c.at > _HOUR_AGO).group_by(column)


OPENED_BY_SENDER, OPENED_BY_DOMAIN = _opened_by(openings.c.sender), _opened_by(openings.c.domain)


@dataclass(frozen=True, slots=True)
class Opened:
    """New tickets of an hour by sender and by domain, and the open tickets that collect, by domain."""

    by_sender: Mapping[str, int] = field(default_factory=dict)
    by_domain: Mapping[str, int] = field(default_factory=dict)
    collecting: Mapping[str, int] = field(default_factory=dict)


def opened(connection: Connection, readings: Iterable[Reading], now: datetime) -> Opened:
    """What is known about the senders of those of *readings* for which the caps may hold."""
    capped = [reading for reading in readings if reading.may_be_too_many]
    if not capped:
        return Opened()
    domains = sorted({reading.sender_domain for reading in capped})
    senders = sorted({reading.sender for reading in capped})
    return Opened(
        _counted(connection, OPENED_BY_SENDER, senders, now),
        _counted(connection, OPENED_BY_DOMAIN, domains, now),
        {row.domain: row.ticket_id for row in connection.execute(COLLECTING, {"wanted": domains})},
    )


def _counted(connection: Connection, query: Select[Any], wanted: Sequence[str], now: datetime) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(query, {"wanted": wanted, "hour_ago": now - HOUR})}


def count(tx: Connection, opened: Sequence[tuple[int, Reading, datetime]]) -> None:
    """Mails that came over the network opened these tickets, each at its time."""
    if opened:
        tx.execute(FORGET, {"hour_ago": max(at for _, _, at in opened) - HOUR})
    rows = [
        {"ticket_id": ticket_id, "sender": reading.sender, "domain": reading.sender_domain, "at": at}
        for ticket_id, reading, at in opened
    ]
    insert_all(tx, openings, rows)


def collect(tx: Connection, domain: str, ticket_id: int) -> bool:
    """From now on *ticket_id* collects what is too much from *domain*; False where an open ticket does already."""
    row = {"domain": domain, "ticket_id": ticket_id}
    if tx.execute(insert_new(tx, floods, floods.c.domain), row).first():
        return True
    is_open = exists().where(tickets.c.id == floods.c.ticket_id, text(OPEN))
    return tx.execute(update(floods).where(floods.c.domain == domain, ~is_open).values(row)).rowcount == 1
