"""How many tickets senders opened in the last hour, and which ticket collects what is too much of it (E136)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, delete, exists, func, select, text, update

from mailgate.model.reading import Reading
from mailgate.store.engine import insert_new
from mailgate.store.tables import OPEN, floods, openings, tickets

HOUR = timedelta(hours=1)


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
    domains = {reading.sender_domain for reading in capped}
    query = select(floods.c.domain, floods.c.ticket_id).join(tickets, tickets.c.id == floods.c.ticket_id)
    collecting = connection.execute(query.where(floods.c.domain.in_(sorted(domains)), text(OPEN)))
    return Opened(
        _counted(connection, openings.c.sender, {reading.sender for reading in capped}, now),
        _counted(connection, openings.c.domain, domains, now),
        {row.domain: row.ticket_id for row in collecting},
    )


def _counted(connection: Connection, by: "Column[str]", wanted: Iterable[str], now: datetime) -> dict[str, int]:
    query = select(by, func.count()).where(by.in_(sorted(wanted)), openings.c.at > now - HOUR).group_by(by)
    return {row[0]: row[1] for row in connection.execute(query)}


def count(tx: Connection, reading: Reading, ticket_ids: Iterable[int], now: datetime) -> None:
    """A mail that came over the network opened these tickets."""
    rows = [
        {"ticket_id": ticket_id, "sender": reading.sender, "domain": reading.sender_domain, "at": now}
        for ticket_id in ticket_ids
    ]
    if rows:
        tx.execute(delete(openings).where(openings.c.at <= now - HOUR))
        tx.execute(openings.insert(), rows)


def collect(tx: Connection, domain: str, ticket_id: int) -> bool:
    """From now on *ticket_id* collects what is too much from *domain*; False where an open ticket does already."""
    row = {"domain": domain, "ticket_id": ticket_id}
    if tx.execute(insert_new(tx, floods).returning(floods.c.domain), row).first():
        return True
    is_open = exists().where(tickets.c.id == floods.c.ticket_id, text(OPEN))
    return tx.execute(update(floods).where(floods.c.domain == domain, ~is_open).values(row)).rowcount == 1
