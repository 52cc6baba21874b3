"""Requests as figures see them: rows of tickets, with what their histories say of chasers and of the same asked again.

A report reads every ticket that was open in its period once; nothing of the pipeline asks this.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, union_all

from mailgate.model.config import Config
from mailgate.model.ticket import Status, WaitingFor
from mailgate.rules.units import unit_of
from mailgate.sla.clock import stands
from mailgate.sla.figures import Case, Period
from mailgate.store.columns import instant
from mailgate.store.rows import values
from mailgate.store.tables import events, people, repeats, tickets

CHASED = "chased"
JOINED = ("same request again", "another copy arrived", "sent again")
"""What a ticket's history calls a mail that would have been done once more."""

AGAIN = (CHASED, *JOINED)
"""What figures ask of a history."""


def of_period(connection: Connection, period: Period, config: Config) -> list[Case]:
    """Every request that was open at some time of *period*, the oldest first."""
    came = select(tickets.c.id).where(tickets.c.received_at < period.end)
    still_open, since_closed = tickets.c.closed_at.is_(None), tickets.c.closed_at >= period.begin
    # two look-ups: SQLite would read the whole table for "one or the other"
    open_then = union_all(came.where(still_open), came.where(since_closed))
    return _cases(connection, tickets.c.id.in_(open_then), config)


def still_open(connection: Connection, config: Config) -> list[Case]:
    """Every request that is open now, the oldest first."""
    return _cases(connection, tickets.c.closed_at.is_(None), config)


def _cases(connection: Connection, wanted: ColumnElement[bool], config: Config) -> list[Case]:
    office = func.coalesce(tickets.c.office, people.c.unit).label("requesters_unit")
    query = select(tickets, office).outerjoin(people, people.c.address == tickets.c.requester)
    told: dict[int, list[Any]] = {}
    for table in (events, repeats):  # the second are those of histories that were deleted
        happened = select(table.c.ticket_id, table.c.what, table.c.at).join(tickets, tickets.c.id == table.c.ticket_id)
        for event in connection.execute(happened.where(wanted, table.c.what.in_(AGAIN))):
            told.setdefault(event.ticket_id, []).append(event)
    rows = connection.execute(query.where(wanted).order_by(tickets.c.id))
    return [_case(row, told.get(row.id, ()), config) for row in rows]


def _case(row: Any, happened: Iterable[Any], config: Config) -> Case:
    status, waiting_for = Status(row.status), WaitingFor(row.waiting_for) if row.waiting_for else None
    names = ("category", "task", "team", "priority", "sla_policy", "assignee")
    times = [(event.what, instant(event.at)) for event in happened]
    return Case(
        ref=row.ref,
        received_at=row.received_at,
        status=status,
        **{name: row._mapping[name] or "" for name in names},
        unit=row.unit or unit_of(row.requesters_unit or "", row.team, config),
        key=row.keys[0] if row.keys else "",
        mailbox=row.mailbox,
        fields=values(row.fields),
        is_restricted=bool(row.show_to),
        waiting_since=row.waiting_since if status is Status.WAITING else None,
        stands_since=row.waiting_since if status is Status.WAITING and stands(status, waiting_for, config) else None,
        due_at=row.due_at,
        closed_at=row.closed_at,
        paused=timedelta(seconds=row.paused_seconds),
        joined=tuple(sorted(at for what, at in times if what in JOINED)),
        chased=tuple(sorted(at for what, at in times if what == CHASED)),
    )
