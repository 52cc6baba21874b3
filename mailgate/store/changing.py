"""Changing a ticket that is there, as long as nobody else has changed it meanwhile, with its clocks and people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from mailgate.errors import TryLater
from mailgate.model.ticket import NOBODY, OPEN_STATUSES, UNLINKED, Change, Event, Status, Ticket
from mailgate.store import history
from mailgate.store.engine import insert_all, insert_new
from mailgate.store.history import Head
from mailgate.store.opening import key_rows
from mailgate.store.tables import clocks, messages, participants, rungs, ticket_keys, tickets

CHANGEABLE = (
    *("status", "waiting_for", "assignee", "category", "task", "priority", "team", "sla_policy"),
    *("keys", "fields", "missing", "first_reply_due", "first_reply_at", "due_at", "paused_seconds", "linked_to"),
)

# Made once: to make a statement takes as long as to run it.
_WANTED: Any = bindparam("wanted", expanding=True)
HEADS = (
    select(tickets.c.id, tickets.c.status, tickets.c.assignee, tickets.c.last_serial, tickets.c.merged_into)
    .add_columns(tickets.c.events, tickets.c.head)
    .where(tickets.c.id.in_(_WANTED))
    .order_by(tickets.c.id)
    .with_for_update()
)


def change_ticket(tx: Connection, change: Change, happened: Sequence[Event], now: datetime) -> None:
    """Change one ticket; TryLater where it is no longer as it was when it was looked up."""
    heads(tx, [change.ticket])
    history.append(tx, change.ticket.id, [*happened, *change.events], now)
    change_row(tx, change, now)


def heads(tx: Connection, known: Sequence[Ticket]) -> dict[int, Head]:
    """The ends of the histories, once it is sure that nobody changed the tickets since they were looked up."""
    by_id = {ticket.id: ticket for ticket in known}
    found = {row.id: row for row in tx.execute(HEADS, {"wanted": sorted(by_id)})}
    for ticket in known:
        row = found[ticket.id]
        if _state(row) != _state(ticket):
            raise TryLater("a ticket was changed meanwhile")
    if len(by_id) < len(known):
        raise TryLater("two mails of one batch are about the same ticket")
    return {row.id: Head(row.events, row.head) for row in found.values()}


def _state(ticket: Any) -> tuple[object, ...]:
    """What shows of a ticket, or of its row, that somebody changed it."""
    return ticket.status, ticket.assignee, ticket.last_serial, ticket.merged_into


def change_row(tx: Connection, change: Change, now: datetime) -> None:
    """Bring one ticket's row, and what stands about it in other tables, to what *change* says."""
    ticket_id = change.ticket.id
    values = {name: value for name in CHANGEABLE if (value := getattr(change, name)) is not None}
    if change.assignee == NOBODY:
        values["assignee"] = None
    if change.linked_to == UNLINKED:
        values["linked_to"] = None
    if change.merged_into is not None:
        values["merged_into"] = change.merged_into or None
    if change.merged_into is not None or change.status is not None:
        values["closed_at"] = _closed_at(change, now)
    if change.status is not None:
        if change.status is not Status.WAITING:
            values |= {"waiting_for": None, "waiting_since": None}
        elif change.ticket.status is not Status.WAITING or change.waiting_for not in (None, change.ticket.waiting_for):
            values["waiting_since"] = now
    if values:
        tx.execute(update(tickets).where(tickets.c.id == ticket_id).values(values))
    for role, address in (("watcher", change.watcher), ("added", change.added)):
        if address:
            tx.execute(insert_new(tx, participants), {"ticket_id": ticket_id, "address": address, "role": role})
    if change.leaver:
        leaving = (participants.c.ticket_id == ticket_id) & (participants.c.address == change.leaver)
        tx.execute(delete(participants).where(leaving))
    if change.standing:
        number, standing = change.standing
        tx.execute(update(messages).where(messages.c.id == number).values(standing=standing))
    if change.keys is not None:
        tx.execute(delete(ticket_keys).where(ticket_keys.c.ticket_id == ticket_id))
        insert_all(tx, ticket_keys, list(key_rows(change.keys, ticket_id)))
    _set_clocks(tx, change, now)


def _closed_at(change: Change, now: datetime) -> datetime | None:
    """Since when a ticket counts as closed: what is part of another one does, whatever its status."""
    if (change.status or change.ticket.status) not in OPEN_STATUSES:
        return change.closed_at or (now if change.status else change.ticket.closed_at)
    return (change.ticket.closed_at or now) if _is_part(change) else None


def _is_part(change: Change) -> bool:
    """Whether the ticket is part of another one after *change*."""
    return bool(change.ticket.merged_into if change.merged_into is None else change.merged_into)


def _set_clocks(tx: Connection, change: Change, now: datetime) -> None:
    """Move the clocks of a ticket as *change* says; those that run are looked at at once.

    Those of a part count on, for the day that it is split off; nobody looks at them until then.
    """
    _move_clocks(tx, change, now)
    if _is_part(change):
        tx.execute(update(clocks).where(clocks.c.ticket_id == change.ticket.id).values(next_check_at=None))


def _move_clocks(tx: Connection, change: Change, now: datetime) -> None:
    ticket_id = change.ticket.id
    for kind, due in (("first_reply", change.first_reply_due), ("finish", change.due_at)):
        if due is not None:
            begun = {"ticket_id": ticket_id, "kind": kind, "started_at": change.ticket.received_at, "due_at": due}
            tx.execute(insert_new(tx, clocks), begun)
            policy = {"policy": change.sla_policy} if change.sla_policy else {}
            tx.execute(update(clocks).where(_clock(ticket_id, kind)).values(due_at=due, **policy))
        if due is not None and change.ticket.unit:  # reminded and chased anew
            tx.execute(delete(rungs).where((rungs.c.ticket_id == ticket_id) & (rungs.c.kind == kind)))
    if change.runs is None:
        return
    moved = {"stopped_at": None, "next_check_at": now} if change.runs else {"next_check_at": None}
    tx.execute(update(clocks).where(clocks.c.ticket_id == ticket_id).values(moved))
    if not change.runs:
        running = (clocks.c.ticket_id == ticket_id) & clocks.c.stopped_at.is_(None)
        tx.execute(update(clocks).where(running).values(stopped_at=now))
    if change.first_reply_at or change.ticket.first_reply_at:
        tx.execute(update(clocks).where(_clock(ticket_id, "first_reply")).values(next_check_at=None))


def _clock(ticket_id: int, kind: str) -> ColumnElement[bool]:
    return (clocks.c.ticket_id == ticket_id) & (clocks.c.kind == kind)
