"""What was known about each mail when it was decided, so that it can be decided again by other rules.

Kept with the mail, in the same transaction: what was read of it, less what stands in columns of its own or
follows from the configuration, and the facts that were looked up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, select

from mailgate.model.decision import Action
from mailgate.model.facts import Facts, Post
from mailgate.model.reading import Reading
from mailgate.model.ticket import Standing, Ticket
from mailgate.store import rows
from mailgate.store.tables import events, messages, raw_mails, tickets

COLUMNS = (
    *(messages.c.id, messages.c.subject, messages.c.reply_text, messages.c.fingerprint, messages.c.content),
    *(messages.c.action, messages.c.known, tickets.c.ref, tickets.c.task, tickets.c.opened_by),
)

_OF_POST = (*COLUMNS, messages.c.ticket_id, messages.c.standing)

_KEPT: Any = {"reading": {"message", "envelope", "mailbox", "verdict"}, "facts": True}
_LEFT_OUT: Any = {
    "reading": {"message": {"subject", "text", "text_from_html", "reply_text", "quoted"}},
    "facts": {"workers", "listing", "own_work", "sent_lately", "posts", "answers"},
}


@dataclass(frozen=True, slots=True)
class _Known:
    reading: Reading
    facts: Facts


@dataclass(frozen=True, slots=True)
class KnownMail:
    """A stored mail: give *reading* to ``understand.reread`` before anything else is asked of it.

    *ref* is the ticket it went to, *task* what that ticket is about today, where the mail opened it.
    """

    id: int
    action: Action
    ref: str | None
    task: str | None
    opened: bool
    reading: Reading
    facts: Facts


def kept(reading: Reading, facts: Facts) -> Any:
    """*reading* and *facts* as JSON, a kilobyte or less for most mails; not how busy everybody was."""
    known = _Known(reading, facts)
    return _json().dump_python(known, mode="json", include=_KEPT, exclude=_LEFT_OUT, exclude_defaults=True)


def count(connection: Connection, since: datetime, after: int = 0) -> int:
    """How many mails ``mails`` would hand over."""
    return connection.execute(select(func.count()).select_from(messages).where(*_wanted(since, after))).scalar_one()


def edge(connection: Connection, since: datetime, after: int, most: int) -> int | None:
    """The id of the last of the next *most* mails behind the id *after*; None where there are no more."""
    ids = select(messages.c.id).where(*_wanted(since, after)).order_by(messages.c.id).limit(most)
    found: int | None = connection.execute(select(func.max(ids.subquery().c.id))).scalar_one()
    return found


def mails(connection: Connection, since: datetime, after: int, through: int) -> list[KnownMail]:
    """The mails behind the id *after*, *through* that one, that came since *since*, in order of their ids."""
    query = select(*COLUMNS).join(tickets, tickets.c.id == messages.c.ticket_id, isouter=True)
    found = connection.execute(query.where(*_wanted(since, after), messages.c.id <= through).order_by(messages.c.id))
    return [_mail(row) for row in found]


def joined(connection: Connection, keys: Iterable[str]) -> dict[str, Post]:
    """The mails with these ingest keys that joined a ticket as the same request, where that ticket has them still."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    query = (
        select(raw_mails.c.key, *_OF_POST)
        .join(messages, messages.c.id == raw_mails.c.id)
        .join(tickets, tickets.c.id == messages.c.ticket_id)
        .where(raw_mails.c.key.in_(wanted), messages.c.action == Action.DUPLICATE, messages.c.known.is_not(None))
    )
    found = connection.execute(query).all()
    keys_of = {row.id: row.key for row in found}
    return {keys_of[number]: post for number, post in _posts(connection, found).items() if post.before is not None}


def posts(connection: Connection, numbers: Iterable[int]) -> dict[int, Post]:
    """The mails of these numbers that belong to tickets, with the ticket that each of these is part of by now."""
    wanted = sorted(set(numbers))
    if not wanted:
        return {}
    query = select(*_OF_POST).join(tickets, tickets.c.id == messages.c.ticket_id)
    found = connection.execute(query.where(messages.c.id.in_(wanted), messages.c.known.is_not(None)))
    return _posts(connection, found.all())


def _posts(connection: Connection, found: Sequence[Any]) -> dict[int, Post]:
    own = rows.by_id(connection, (row.ticket_id for row in found))
    wholes = rows.wholes(connection, own)
    mails = [(row, _mail(row)) for row in found]
    return {
        mail.id: Post(
            number=mail.id,
            reading=mail.reading,
            ticket=wholes[row.ticket_id],
            before=None if mail.opened else _as_it_was(row.ticket_id, mail.facts),
            is_request=mail.action is Action.DUPLICATE,
            standing=Standing(row.standing) if row.standing else None,
        )
        for row, mail in mails
    }


def _as_it_was(ticket_id: int, facts: Facts) -> Ticket | None:
    """The ticket as it was when a mail came that joined it."""
    answered = (ticket for each in facts.evidence for ticket in (each.part, each.ticket) if ticket)
    return next((ticket for ticket in (*facts.same_case, *answered) if ticket.id == ticket_id), None)


def corrected(connection: Connection, since: datetime) -> dict[int, str]:
    """The mails that came *since* whose ticket a person gave another task: by the mail's id that of today."""
    orders = select(events.c.ticket_id).where(events.c.what == "command", events.c.data.contains('"task":'))
    opening = (tickets.c.opened_by == messages.c.id) & (tickets.c.id == messages.c.ticket_id)
    query = select(messages.c.id, tickets.c.task).join(tickets, opening)
    found = connection.execute(query.where(*_wanted(since), tickets.c.id.in_(orders)))
    return {mail_id: task for mail_id, task in found if task}


def _wanted(since: datetime, after: int = 0) -> Sequence[Any]:
    return messages.c.id > after, messages.c.received_at >= since, messages.c.known.is_not(None)


def _mail(row: Any) -> KnownMail:
    known = _json().validate_python(row.known)
    message = replace(known.reading.message, subject=row.subject, reply_text=row.reply_text)
    return KnownMail(
        id=row.id,
        action=Action(row.action),
        ref=row.ref,
        task=row.task,
        opened=row.opened_by == row.id,
        reading=replace(known.reading, message=message, fingerprint=row.fingerprint, content=row.content),
        facts=known.facts,
    )


@cache
def _json() -> TypeAdapter[_Known]:
    return TypeAdapter(_Known)
