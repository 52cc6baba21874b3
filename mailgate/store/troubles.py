"""What a summary says of the gateway itself: mails that need a person, and what was written already."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, text

from mailgate.store.tables import QUARANTINED, STUCK, outbox, outbox_mails, raw_mails, spool, tickets


def quarantined(connection: Connection) -> list[Sequence[str]]:
    """To whom each mail in quarantine came."""
    query = select(raw_mails.c.recipients).join(spool, spool.c.id == raw_mails.c.id).where(text(QUARANTINED))
    return list(connection.scalars(query))


def undelivered(connection: Connection) -> list[str | None]:
    """The ticket of each mail of ours that is in doubt or could not be delivered; None where it is about none."""
    mails = outbox_mails.c
    query = select(tickets.c.ref).select_from(outbox).join(outbox_mails, mails.id == outbox.c.id)
    return list(connection.scalars(query.outerjoin(tickets, tickets.c.id == mails.ticket_id).where(text(STUCK))))


def first_mail_at(connection: Connection) -> datetime | None:
    """When the first mail came; None where there was none yet."""
    return connection.scalar(select(raw_mails.c.received_at).order_by(raw_mails.c.id).limit(1))


def was_written(connection: Connection, message: str, recipient: str, cause: str) -> bool:
    """Whether a mail about no ticket is there already, sent or not."""
    mails = outbox_mails.c
    same = (mails.message == message) & (mails.recipient == recipient.lower()) & (mails.cause == cause)
    return connection.execute(select(mails.id).where(text("ticket_id IS NULL"), same)).first() is not None
