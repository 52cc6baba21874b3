"""What people wrote about tickets: what opened them, and what their team has not read yet."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from mailgate.model.decision import Decision
from mailgate.model.outbound import SendState
from mailgate.model.ticket import Standing
from mailgate.store import people
from mailgate.store.outbox import SUPERSEDED
from mailgate.store.tables import messages, outbox, outbox_mails, raw_mails, tickets
from mailgate.tickets import telling

MOST_UNTOLD = 5

_WANTED: Any = bindparam("wanted", expanding=True)
REQUESTS = (
    select(tickets.c.id, messages.c.reply_text)
    .join(messages, messages.c.id == tickets.c.opened_by)
    .where(tickets.c.id.in_(_WANTED))
)
_WAITS = (outbox.c.state == SendState.READY) | (
    (outbox.c.state == SendState.CANCELLED) & (outbox.c.error == SUPERSEDED)
)
_SHOWN = (outbox_mails.c.ticket_id == bindparam("ticket")) & (outbox_mails.c.message == telling.NEWS)
_WITH_STATE = outbox_mails.join(outbox, outbox.c.id == outbox_mails.c.id)
_LAST_LEFT = select(func.coalesce(func.max(outbox_mails.c.id), 0)).select_from(_WITH_STATE).where(_SHOWN, ~_WAITS)
_CAUSES = (
    select(outbox_mails.c.cause)
    .select_from(_WITH_STATE)
    .where(_SHOWN, _WAITS, outbox_mails.c.id > _LAST_LEFT.scalar_subquery())
)
UNTOLD = (
    select(messages.c.id, messages.c.sender, messages.c.reply_text, messages.c.standing)
    .join(raw_mails, raw_mails.c.id == messages.c.id)
    .where(messages.c.ticket_id == bindparam("ticket"), raw_mails.c.key.in_(_CAUSES))
    .order_by(messages.c.id.desc())
    .limit(MOST_UNTOLD)
)


def known(connection: Connection, decisions: Sequence[Decision]) -> telling.Known:
    """What has to be known to tell the people who do the work of *decisions*."""
    return telling.Known(
        members=people.members(connection, telling.teams_of(decisions)),
        asked=requests(connection, telling.tickets_of(decisions, telling.ASSIGNED, telling.NEW)),
        untold=untold(connection, telling.tickets_of(decisions, telling.NEWS)),
    )


def requests(connection: Connection, ticket_ids: Iterable[int]) -> dict[int, str]:
    """What was asked in the mail that opened each ticket."""
    wanted = sorted(ticket_ids)
    found = connection.execute(REQUESTS, {"wanted": wanted}) if wanted else ()
    return {row.id: row.reply_text for row in found}


def untold(connection: Connection, ticket_ids: Iterable[int]) -> dict[int, tuple[telling.Said, ...]]:
    """The last posts to each ticket that nobody was shown yet, the oldest first.

    The mail that shows them waits, as there was one just before (E137); the next takes its place, and shows them all.
    """
    found = {ticket: connection.execute(UNTOLD, {"ticket": ticket}).all() for ticket in sorted(ticket_ids)}
    return {ticket: tuple(map(_said, reversed(mails))) for ticket, mails in found.items() if mails}


def _said(mail: Any) -> telling.Said:
    return telling.Said(mail.id, mail.sender, mail.reply_text, mail.standing == Standing.DOUBTFUL)
