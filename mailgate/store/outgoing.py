"""The outbox as people see it, and what they decide about it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, update

from mailgate.errors import Refused
from mailgate.model.outbound import SendState, Way
from mailgate.store import contacts, pacing, pauses
from mailgate.store.columns import instant
from mailgate.store.engine import Store
from mailgate.store.tables import outbox, outbox_mails, receipts, tickets

AGAIN = (SendState.FAILED, SendState.UNCERTAIN, SendState.HELD, SendState.READY, SendState.CANCELLED)
STOPPABLE = (SendState.READY, SendState.HELD, SendState.UNCERTAIN, SendState.FAILED, SendState.GATHERING)


def listing(connection: Connection, states: Iterable[SendState] = ()) -> list[dict[str, Any]]:
    """The outbox, the oldest first; only what is in one of *states*, where any is given."""
    query = _query().order_by(outbox.c.id)
    wanted = sorted(states)
    if wanted:
        query = query.where(outbox.c.state.in_(wanted))
    return [summary(row) for row in connection.execute(query)]


def of_ticket(connection: Connection, ticket_id: int) -> list[dict[str, Any]]:
    """What was said about one ticket, the oldest first."""
    query = _query().where(outbox_mails.c.ticket_id == ticket_id).order_by(outbox.c.id)
    return [summary(row) for row in connection.execute(query)]


def show(connection: Connection, mail_id: int) -> tuple[dict[str, Any], bytes]:
    """One mail, and what goes over the wire. Refused where there is none of that number."""
    row = connection.execute(_query().where(outbox.c.id == mail_id)).first()
    if row is None:
        raise Refused(f'there is no mail {mail_id} in the outbox: see "mailgate outbox list"')
    return summary(row) | {"message_id": row.message_id, "cause": row.cause, "doubts": row.doubts}, row.content


def retry(store: Store, mail_id: int) -> None:
    """Send a mail at once, whatever kept it back. Refused where it is being sent, was sent, or is only observed."""
    ready = {"state": SendState.READY, "run_at": 0, "attempts": 0, "doubts": 0, "error": "", "finished_at": None}
    with store.read() as connection:
        if connection.scalar(select(outbox_mails.c.content).where(outbox_mails.c.id == mail_id)) == b"":
            raise Refused(f"mail {mail_id} cannot be sent again: its words are kept no longer")
    _change(store, mail_id, AGAIN, ready, "can be sent again")
    with store.write() as tx:
        to = tx.execute(select(outbox_mails.c.recipient).where(outbox_mails.c.id == mail_id)).scalar_one()
        contacts.heard_from(tx, [to])  # somebody knows better


def cancel(store: Store, mail_id: int, now: datetime) -> None:
    """Never send a mail. Refused where it is being sent or was sent."""
    ended = {"state": SendState.CANCELLED, "error": "a person cancelled it", "finished_at": now}
    _change(store, mail_id, STOPPABLE, ended, "can be cancelled")


def release_held(store: Store) -> int:
    """Let everything go that is held because there was so much automatic mail (E136); how many that were."""
    with store.write() as tx:
        pauses.lift(tx, pauses.AUTOMATIC)
        pacing.forget(tx)
        held = update(outbox).where(outbox.c.state == SendState.HELD)
        return tx.execute(held.values(state=SendState.READY, run_at=0, error="")).rowcount


def _change(store: Store, mail_id: int, allowed: Iterable[SendState], values: dict[str, Any], may: str) -> None:
    with store.write() as tx:
        state = tx.execute(select(outbox.c.state).where(outbox.c.id == mail_id).with_for_update()).scalar()
        if state is None:
            raise Refused(f'there is no mail {mail_id} in the outbox: see "mailgate outbox list"')
        if state not in allowed:
            raise Refused(f"mail {mail_id} is {state}: only one that is {', '.join(allowed)} {may}")
        tx.execute(update(outbox).where(outbox.c.id == mail_id).values(values))


def _query() -> Select[Any]:
    return (
        select(outbox, outbox_mails, tickets.c.ref, receipts.c.status)
        .join(outbox_mails, outbox_mails.c.id == outbox.c.id)
        .outerjoin(tickets, tickets.c.id == outbox_mails.c.ticket_id)
        .outerjoin(receipts, receipts.c.mail_id == outbox.c.id)
    )


def summary(row: Any) -> dict[str, Any]:
    """One mail of ours for people; *receipt* is what GOV.UK Notify says became of it.

    *perhaps_twice*: it may have gone before it was sent with the same Message-ID once more, and nobody can tell.
    """
    waits = row.state == SendState.READY
    return {
        "id": row.id,
        "ref": row.ref,
        "state": row.state,
        "perhaps_twice": row.state == SendState.SENT and row.way == Way.MAIL and row.doubts > 0,
        "way": row.way,
        "message": row.message,
        "to": row.recipient,
        "subject": row.subject,
        "queued_at": row.queued_at.isoformat(),
        "attempts": row.attempts,
        "next_at": instant(row.run_at).isoformat() if waits and row.run_at else None,
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "receipt": row.status,
        "error": row.error,
    }
