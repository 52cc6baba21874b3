"""Mails that could not be handled: what a person can ask about them, and their way back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update

from mailgate.errors import Refused
from mailgate.model.ticket import Event
from mailgate.store import history
from mailgate.store.engine import Connection, Store
from mailgate.store.tables import QUARANTINED, raw_mails, spool, tickets

OPERATOR = "operator"


def quarantined(connection: Connection) -> list[dict[str, Any]]:
    """What waits in quarantine for a person, the oldest first."""
    query = (
        select(spool, raw_mails.c.sender, raw_mails.c.recipients, raw_mails.c.received_at)
        .join(raw_mails, raw_mails.c.id == spool.c.id)
        .where(text(QUARANTINED))
        .order_by(spool.c.id)
    )
    return [
        {
            "id": row.id,
            "reason": row.reason,
            "error": row.error,
            "attempts": row.attempts,
            "sender": row.sender,
            "recipients": row.recipients,
            "received_at": row.received_at.isoformat(),
            "quarantined_at": row.finished_at.isoformat(),
            "size": row.size,
        }
        for row in connection.execute(query)
    ]


def quarantined_mail(store: Store, mail_id: int) -> bytes:
    """The bytes of a mail in quarantine; Refused where there is none."""
    query = select(raw_mails.c.content, raw_mails.c.location).join(spool, spool.c.id == raw_mails.c.id)
    with store.read() as connection:
        row = connection.execute(query.where(text(QUARANTINED), spool.c.id == mail_id)).first()
    if row is None:
        raise _unknown(mail_id)
    return bytes(row.content) if row.location is None else store.objects.read(row.location)


def ids_in_quarantine(connection: Connection) -> Sequence[int]:
    return connection.scalars(select(spool.c.id).where(text(QUARANTINED)).order_by(spool.c.id)).all()


def release(store: Store, mail_id: int, at: datetime) -> None:
    """Let a mail out, to be handled as if it had just come; Refused where there is none.

    The ticket that told its team about it is told, and stays.
    """
    anew = {"state": "ready", "run_at": 0, "attempts": 0, "reason": "", "error": "", "finished_at": None}
    with store.write() as tx:
        if not tx.execute(update(spool).where(text(QUARANTINED), spool.c.id == mail_id).values(anew)).rowcount:
            raise _unknown(mail_id)
        released = Event("mail_released", OPERATOR, {"mail": mail_id})
        for ticket_id in tx.scalars(select(tickets.c.id).where(tickets.c.opened_by == mail_id)).all():
            history.append(tx, ticket_id, [released], at)


def _unknown(mail_id: int) -> Refused:
    return Refused(f"there is no mail {mail_id} in quarantine: see mailgate quarantine list")
