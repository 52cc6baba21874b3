"""Commissions in the store: which tickets are of one, what came back, and which version of the whole is out."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, text

from mailgate.model.commission import COMMISSION, Child, Commission, Returned
from mailgate.model.ticket import FileState, Ticket
from mailgate.store import rows
from mailgate.store.objects import Objects
from mailgate.store.tables import COMMISSIONS, attachments, events, messages, raw_mails, returns, tickets

COMPILED, APPROVED, SENT = "compiled", "approved", "returned"
"""What the history of the whole calls a version that was made, approved, and sent."""


@dataclass(frozen=True, slots=True)
class StoredReturn:
    """One return as it came, the mail of the ticket *ticket_id*; *files* are those that nobody holds back."""

    ticket_id: int
    at: datetime
    sender: str
    reply_text: str
    is_nil: bool
    is_late: bool
    files: Sequence[Any]
    held: int
    content: bytes
    location: str | None

    def raw(self, objects: Objects) -> bytes:
        """The bytes of the mail; errors as of ``Objects.read``."""
        return self.content if self.location is None else objects.read(self.location)


def known(connection: Connection, found: Iterable[Ticket]) -> dict[int, Commission]:
    """The commission that each of the tickets *found* belongs to, by the id of each of its tickets."""
    parents = {each.parent or each.id for each in found if each.parent or each.starts == COMMISSION}
    if not parents:
        return {}
    of_parents = select(tickets.c.id).where(tickets.c.parent.in_(sorted(parents)))
    by_id = rows.by_id(connection, {*parents, *connection.scalars(of_parents)})
    came = _returns(connection, by_id)
    told = _versions(connection, parents)
    commissions: dict[int, Commission] = {}
    for parent in parents & by_id.keys():
        own = (ticket for ticket in by_id.values() if ticket.parent == parent)
        children = tuple(_child(ticket, came.get(ticket.id, ())) for ticket in sorted(own, key=lambda each: each.id))
        whole = Commission(by_id[parent], children, **told.get(parent, {}))
        commissions |= dict.fromkeys((parent, *(child.ticket.id for child in children)), whole)
    return commissions


def underway(connection: Connection) -> list[Commission]:
    """Every commission that is not over, the oldest first."""
    ids = connection.scalars(select(tickets.c.id).where(text(COMMISSIONS)).order_by(tickets.c.id)).all()
    found = known(connection, rows.by_id(connection, ids).values()) if ids else {}
    return [found[each] for each in ids]


def shown(connection: Connection, parent: int, now: datetime | None) -> dict[str, Any]:
    """How far the commission of the ticket *parent* is, as JSON; without *now* nobody is late yet."""
    found = known(connection, rows.by_id(connection, [parent]).values())[parent]
    children = [
        {
            "ref": child.ticket.ref,
            "unit": child.ticket.unit,
            "state": child.state(now or found.parent.received_at),
            "due_at": child.ticket.due_at.isoformat() if child.ticket.due_at else None,
            "returns": child.returns,
            "returned_at": child.returned_at.isoformat() if child.returned_at else None,
        }
        for child in found.children
    ]
    return {"children": children, "version": found.version, "approved": found.approved, "sent": found.sent}


def add(tx: Connection, mail_id: int, returned: Returned, now: datetime) -> None:
    """The mail is a return."""
    row = {"mail_id": mail_id, "ticket_id": returned.child.id, "at": now}
    tx.execute(returns.insert(), {**row, "is_nil": returned.is_nil, "is_late": returned.is_late})


def contents(connection: Connection, found: Commission) -> list[StoredReturn]:
    """All returns of a commission, the oldest first, each with the mail that it came in."""
    ids = [child.ticket.id for child in found.children]
    columns = (messages.c.sender, messages.c.reply_text, raw_mails.c.content, raw_mails.c.location)
    query = (
        select(returns, *columns)
        .join(messages, messages.c.id == returns.c.mail_id)
        .join(raw_mails, raw_mails.c.id == returns.c.mail_id, isouter=True)
        .where(returns.c.ticket_id.in_(ids))
        .order_by(returns.c.mail_id)
    )
    came = connection.execute(query).all()
    own = attachments.c.mail_id.in_([row.mail_id for row in came]) & attachments.c.inline.is_(False)
    files = connection.execute(select(attachments).where(own).order_by(attachments.c.mail_id, attachments.c.part)).all()
    given = (None, FileState.RELEASED)
    return [
        StoredReturn(
            ticket_id=row.ticket_id,
            at=row.at,
            sender=row.sender,
            reply_text=row.reply_text,
            is_nil=row.is_nil,
            is_late=row.is_late,
            files=[file for file in files if file.mail_id == row.mail_id and file.state in given],
            held=sum(file.mail_id == row.mail_id and file.state == FileState.HELD for file in files),
            content=row.content or b"",
            location=row.location,
        )
        for row in came
    ]


def _returns(connection: Connection, ticket_ids: Iterable[int]) -> dict[int, list[Any]]:
    """What came back, by ticket, the oldest first."""
    came: dict[int, list[Any]] = {}
    query = select(returns).where(returns.c.ticket_id.in_(sorted(ticket_ids))).order_by(returns.c.mail_id)
    for row in connection.execute(query):
        came.setdefault(row.ticket_id, []).append(row)
    return came


def _child(ticket: Ticket, came: Sequence[Any]) -> Child:
    last = came[-1] if came else None
    return Child(ticket, len(came), last.at, last.is_nil, last.is_late) if last else Child(ticket)


def _versions(connection: Connection, parents: Iterable[int]) -> dict[int, dict[str, int]]:
    """By the id of the whole: which version was made last, of how many returns, and which was approved and sent."""
    told: dict[int, dict[str, int]] = {}
    ours = or_(*(events.c.what == what for what in (COMPILED, APPROVED, SENT)))
    query = select(events.c.ticket_id, events.c.what, events.c.data).where(
        events.c.ticket_id.in_(sorted(parents)), ours
    )
    for row in connection.execute(query.order_by(events.c.ticket_id, events.c.serial)):
        said = json.loads(row.data)
        found = told.setdefault(row.ticket_id, {})
        if row.what == COMPILED:
            found |= {"version": said["version"], "through": said["returns"]}
        else:
            found["approved" if row.what == APPROVED else "sent"] = said["version"]
    return told
