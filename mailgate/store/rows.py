"""Tickets as rows, and rows as tickets."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from mailgate.errors import Refused
from mailgate.model.capacity import Level
from mailgate.model.ticket import OPEN_STATUSES, Draft, Status, Ticket, Values, WaitingFor
from mailgate.store.history import Head
from mailgate.store.tables import capacity_levels, held_tickets, participants, tickets

LEVEL = (
    *(capacity_levels.c.id.label("level_id"), capacity_levels.c.unit.label("level_unit")),
    *(capacity_levels.c.level.label("level_name"), capacity_levels.c.review_on.label("level_review_on")),
)
"""What ``level_of`` reads."""

# Made once: to make a statement takes as long as to run it.
_WANTED: Any = bindparam("wanted", expanding=True)
WITH_LEVEL = (
    select(tickets, *LEVEL)
    .outerjoin(held_tickets, held_tickets.c.ticket_id == tickets.c.id)
    .outerjoin(capacity_levels, capacity_levels.c.id == held_tickets.c.level_id)
    .where(tickets.c.id.in_(_WANTED))
)
ROLES = select(participants.c.ticket_id, participants.c.address, participants.c.role).where(
    participants.c.ticket_id.in_(_WANTED)
)
PARTS = select(tickets.c.id, tickets.c.merged_into).where(tickets.c.merged_into.in_(_WANTED))


def by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Ticket]:
    """The tickets with these ids, as the pure parts know them, by two queries."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = connection.execute(WITH_LEVEL, {"wanted": wanted}).all()
    roles: dict[int, dict[str, str]] = {}
    for ticket_id, address, role in connection.execute(ROLES, {"wanted": wanted}):
        roles.setdefault(ticket_id, {})[address] = role
    return {row.id: _ticket(row, roles.get(row.id, {})) for row in rows}


def wholes(connection: Connection, known: Mapping[int, Ticket]) -> dict[int, Ticket]:
    """By the id of each of *known* the ticket that it is part of by now, or itself (E128).

    Who takes part in a part does so in the whole.
    """
    above = dict(known)
    while missing := {each.merged_into for each in above.values() if each.merged_into} - above.keys():
        above |= by_id(connection, missing)
    found = {}
    for ticket in known.values():
        whole = ticket
        while whole.merged_into:
            whole = above[whole.merged_into]
        taking_part = whole.participants | ticket.participants
        found[ticket.id] = replace(whole, participants=taking_part) if taking_part != whole.participants else whole
    return found


def parts(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[Ticket, ...]]:
    """By the id of each ticket that has any: all that was merged into it, and into that (E158)."""
    found: dict[int, tuple[Ticket, ...]] = {}
    above = {ticket_id: ticket_id for ticket_id in ids}  # what may have parts -> the ticket that is asked about
    while above:
        merged = connection.execute(PARTS, {"wanted": sorted(above)})
        below = {row.id: above[row.merged_into] for row in merged}
        for ticket in by_id(connection, below).values():
            found[below[ticket.id]] = (*found.get(below[ticket.id], ()), ticket)
        above = below
    return found


def by_ref(connection: Connection, ref: str) -> Ticket:
    """The ticket of that reference; Refused where there is none."""
    ticket_id = connection.execute(select(tickets.c.id).where(tickets.c.ref == ref)).scalar()
    if ticket_id is None:
        raise Refused(f"there is no ticket {ref}: see mailgate ticket list")
    return by_id(connection, [ticket_id])[ticket_id]


def _ticket(row: Row[Any], roles: Mapping[str, str]) -> Ticket:
    return Ticket(
        id=row.id,
        ref=row.ref,
        mailbox=row.mailbox,
        status=Status(row.status),
        requester=row.requester,
        received_at=row.received_at,
        opening_id=row.opening_id,
        subject=row.subject,
        waiting_for=WaitingFor(row.waiting_for) if row.waiting_for else None,
        waiting_since=row.waiting_since,
        category=row.category,
        task=row.task,
        priority=row.priority,
        team=row.team,
        assignee=row.assignee,
        sla_policy=row.sla_policy,
        keys=tuple(row.keys),
        fields=values(row.fields),
        missing=tuple(row.missing),
        marking=row.marking,
        show_to=row.show_to,
        starts=row.starts,
        first_reply_due=row.first_reply_due,
        first_reply_at=row.first_reply_at,
        due_at=row.due_at,
        paused_seconds=row.paused_seconds,
        closed_at=row.closed_at,
        merged_into=row.merged_into,
        level=level_of(row) if row.level_id else None,
        linked_to=row.linked_to,
        parent=row.parent,
        unit=row.unit or "",
        participants=frozenset(roles),
        watchers=frozenset(address for address, role in roles.items() if role == "watcher"),
        last_serial=row.last_serial,
    )


def level_of(row: Any) -> Level:
    """The level in the columns ``LEVEL``."""
    return Level(row.level_id, row.level_unit, row.level_name, row.level_review_on)


def values(stored: Mapping[str, Iterable[str]]) -> Values:
    return {name: tuple(found) for name, found in stored.items()}


def draft_row(
    draft: Draft, ref: str, head: Head, now: datetime, opened_by: int | None = None, opening_id: str = ""
) -> dict[str, Any]:
    """The row of a new ticket, but for the mails it has sent."""
    return {
        "ref": ref,
        "opened_by": opened_by,
        "opening_id": opening_id,
        "mailbox": draft.mailbox,
        "status": draft.status,
        "waiting_for": draft.waiting_for,
        "waiting_since": now if draft.status is Status.WAITING else None,
        "requester": draft.requester,
        "subject": draft.subject,
        "category": draft.category,
        "task": draft.task,
        "priority": draft.priority,
        "team": draft.team,
        "assignee": draft.assignee,
        "sla_policy": draft.sla_policy,
        "keys": draft.keys,
        "fields": draft.fields,
        "missing": draft.missing,
        "tags": draft.tags,
        "marking": draft.marking,
        "show_to": draft.show_to,
        "attachments": draft.attachments,
        "starts": draft.starts,
        "linked_to": draft.linked_to,
        "received_at": draft.received_at,
        "first_reply_due": draft.first_reply_due,
        "first_reply_at": None,
        "due_at": draft.due_at,
        "paused_seconds": 0,
        "closed_at": None if draft.status in OPEN_STATUSES else now,
        "merged_into": None,
        "parent": None,
        "unit": draft.unit or None,
        "changed_at": now,
        "last_serial": 0,
        "events": head.count,
        "head": head.hash,
    }
