"""What a sender got from us lately and had written before, to tell whether that goes round (E135)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, text

from mailgate.model.sent_lately import SentLately
from mailgate.store.tables import messages, outbox, outbox_mails, raw_mails
from mailgate.tickets.pingpong import LATELY

ENOUGH = 2
"""So many automatic mails within the hour a sender had where anything could go round: of others nothing is asked."""

MOST = 50

_OURS, _THEIRS = outbox_mails.c, messages.c
_SENT: Any = (
    select(
        *(_OURS.message_id, _OURS.cause, _OURS.queued_at, _THEIRS.subject, _THEIRS.received_at),
        func.coalesce(outbox.c.finished_at, _OURS.queued_at).label("sent_at"),
    )
    .join(outbox, outbox.c.id == _OURS.id)
    .outerjoin(raw_mails, raw_mails.c.key == _OURS.cause)
    .outerjoin(messages, and_(_THEIRS.id == raw_mails.c.id, _THEIRS.sender == _OURS.recipient))
    .where(text("automatic"), _OURS.recipient == bindparam("sender"))
    .where(_OURS.queued_at > bindparam("since"), _OURS.queued_at <= bindparam("at"))
    .order_by(_OURS.queued_at.desc(), _OURS.id.desc())
    .limit(MOST)
)


def sent_lately(connection: Connection, sender: str, at: datetime) -> tuple[SentLately, ...]:
    """The automatic mails to *sender* within the last while before *at*, the latest first."""
    rows = connection.execute(_SENT, {"sender": sender, "since": at - LATELY, "at": at})
    return tuple(
        SentLately(row.message_id, row.cause, row.queued_at, row.sent_at, row.subject or "", row.received_at)
        for row in rows
    )
