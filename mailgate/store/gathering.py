"""The acknowledgements that wait to be told in one mail."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text, update

from mailgate.model.outbound import Outbound, SendState
from mailgate.store.columns import MOMENT
from mailgate.store.outbox import Queued, queue
from mailgate.store.tables import KEPT, outbox, outbox_mails, tickets

TOLD = "told in one mail with others"
MOST = 500  # references in one mail
GATHERING = text(KEPT), outbox.c.state == SendState.GATHERING


def acknowledged(connection: Connection, readers: Iterable[str], message: str, now: datetime) -> Mapping[str, int]:
    """How many mails *message* each of *readers* got in the hour before *now*."""
    query = (
        select(outbox_mails.c.recipient, func.count())
        .join(outbox, outbox.c.id == outbox_mails.c.id)
        .where(text("automatic"), outbox_mails.c.recipient.in_(sorted(readers)))
        .where(outbox_mails.c.queued_at > now - timedelta(hours=1), outbox_mails.c.message == message)
        .where(outbox.c.state == SendState.SENT)
        .group_by(outbox_mails.c.recipient)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def automatic(connection: Connection, readers: Iterable[str], since: datetime) -> Mapping[str, int]:
    """How many automatic mails were written to each of *readers* since then."""
    mails = outbox_mails.c
    query = select(mails.recipient, func.count()).where(text("automatic"), mails.recipient.in_(sorted(readers)))
    return {
        row[0]: row[1] for row in connection.execute(query.where(mails.queued_at > since).group_by(mails.recipient))
    }


def due(connection: Connection) -> Sequence[str]:
    """The readers who have waited long enough."""
    query = select(outbox_mails.c.recipient).join(outbox, outbox.c.id == outbox_mails.c.id)
    return connection.scalars(query.where(*GATHERING, outbox.c.run_at <= MOMENT).distinct()).all()


def waiting(tx: Connection, reader: str) -> Sequence[Any]:
    """Whatever waits for *reader*, the oldest first, with its ticket; nobody else takes it meanwhile."""
    columns = (tickets.c.id, tickets.c.ref, tickets.c.last_serial, tickets.c.mailbox, tickets.c.received_at)
    query = (
        select(outbox.c.id.label("mail_id"), *columns, tickets.c.team, tickets.c.marking)
        .join(outbox_mails, outbox_mails.c.id == outbox.c.id)
        .join(tickets, tickets.c.id == outbox_mails.c.ticket_id)
        .where(*GATHERING, outbox_mails.c.recipient == reader)
        .order_by(outbox.c.id)
        .limit(MOST)
        .with_for_update(of=[outbox, tickets])
    )
    return tx.execute(query).all()


def told(tx: Connection, mail: Outbound, rows: Sequence[Any], now: datetime) -> None:
    """*mail* says what *rows* would have said."""
    queue(tx, [Queued(mail, rows[0].id, now, to_stranger=False)])
    ended = {"state": SendState.CANCELLED, "error": TOLD, "finished_at": now}
    tx.execute(update(outbox).where(outbox.c.id.in_([row.mail_id for row in rows])).values(ended))
