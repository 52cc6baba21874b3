"""What GOV.UK Notify says became of the messages it took (docs/notify.md section 8).

A receipt can come before we have noted the sending, twice, and out of order: it is matched by Notify's
own id, else by our reference, and a final status never goes back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from mailgate.model.folder import Sent
from mailgate.model.outbound import SendState, Way
from mailgate.store.columns import microseconds
from mailgate.store.engine import insert_new
from mailgate.store.tables import TO_ASK, outbox, outbox_mails, receipts, tickets

TAKEN = "created"
AGAIN = " again"
ASK_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
    timedelta(hours=73),
)
FINAL = frozenset({"sent", "delivered", "permanent-failure", "temporary-failure", "technical-failure"})
UNSURE = (SendState.READY, SendState.SENDING, SendState.UNCERTAIN)


def taken(tx: Connection, ids: Mapping[int, str], now: datetime) -> None:
    """Notify took these mails under these ids; what a receipt said already stays."""
    rows = [
        {"mail_id": mail, "id": name, "status": TAKEN, "asked": 0, "ask_at": now + ASK_AFTER[0], "changed_at": now}
        for mail, name in ids.items()
    ]
    if rows:
        tx.execute(insert_new(tx, receipts), rows)


def renamed(tx: Connection, ids: Mapping[int, str], now: datetime) -> None:
    """A relay gave our mails these Message-IDs (E124): answers will name them, and there is nothing to ask."""
    rows = [
        {"mail_id": mail, "id": name, "status": "sent", "asked": 0, "ask_at": None, "changed_at": now}
        for mail, name in ids.items()
    ]
    if rows:
        tx.execute(insert_new(tx, receipts), rows)


def found(tx: Connection, sent: Sequence[Sent], now: datetime) -> None:
    """These mails of ours are among what a server sent: under which Message-IDs (E124), and so they went (E140)."""
    given = {(each.ref, each.serial): each.message_id for each in sent}
    mails = select(tickets.c.ref, outbox_mails.c.serial, outbox_mails.c.id, outbox_mails.c.message_id)
    of_tickets = mails.join(tickets, tickets.c.id == outbox_mails.c.ticket_id).where(outbox_mails.c.serial > 0)
    known = tx.execute(of_tickets.where(tickets.c.ref.in_(sorted({ref for ref, _ in given})))).all()
    names = {row.id: given[row.ref, row.serial] for row in known if (row.ref, row.serial) in given}
    renamed(tx, {row.id: names[row.id] for row in known if names.get(row.id, row.message_id) != row.message_id}, now)
    in_doubt = outbox.c.state.in_((SendState.READY, SendState.UNCERTAIN)) & (outbox.c.doubts > 0)
    went = {"state": SendState.SENT, "doubts": 0, "error": "", "finished_at": now}
    tx.execute(update(outbox).where(outbox.c.id.in_(sorted(names)), in_doubt).values(went))


def note(tx: Connection, notify_id: str, mail_id: int | None, status: str, now: datetime) -> int | None:
    """Write down a receipt: the mail whose status became final by it, None where nothing changes.

    *mail_id* is what our reference names, if it is ours. That Notify knows the mail proves that it was sent.
    """
    if mail_id is not None and _is_ours(tx, mail_id):
        taken(tx, {mail_id: notify_id}, now)
        sure = {"state": SendState.SENT, "token": None, "doubts": 0, "error": "", "finished_at": now}
        tx.execute(update(outbox).where(outbox.c.id == mail_id, outbox.c.state.in_(UNSURE)).values(sure))
    changed = (receipts.c.id == notify_id) & receipts.c.status.not_in(FINAL) & (receipts.c.status != status)
    row = tx.execute(select(receipts.c.mail_id).where(changed).with_for_update()).first()
    if row is None:
        return None
    values = {"status": status, "changed_at": now} | ({"ask_at": None} if status in FINAL else {})
    tx.execute(update(receipts).where(receipts.c.mail_id == row.mail_id).values(values))
    return int(row.mail_id) if status in FINAL else None


def _is_ours(tx: Connection, mail_id: int) -> bool:
    query = select(outbox.c.id).where(outbox.c.id == mail_id, outbox.c.way != Way.MAIL)
    return tx.execute(query).first() is not None


def to_ask(connection: Connection, now: datetime, limit: int) -> Sequence[Any]:
    """The receipts that are to be asked for now: mail_id, id."""
    query = select(receipts.c.mail_id, receipts.c.id).where(text(TO_ASK), receipts.c.ask_at <= now)
    return connection.execute(query.order_by(receipts.c.ask_at).limit(limit)).all()


def asked(tx: Connection, mail_id: int, now: datetime) -> None:
    """It was asked for; when next, counted from when the mail was sent."""
    query = select(receipts.c.asked, outbox.c.finished_at).join(outbox, outbox.c.id == receipts.c.mail_id)
    row = tx.execute(query.where(receipts.c.mail_id == mail_id)).one()
    times = row.asked + 1
    begun = row.finished_at or now
    next_at = begun + ASK_AFTER[times] if times < len(ASK_AFTER) else None
    unknown = (receipts.c.mail_id == mail_id) & receipts.c.status.not_in(FINAL)
    tx.execute(update(receipts).where(unknown).values(asked=times, ask_at=next_at))


def mail(connection: Connection, mail_id: int) -> Any:
    """The row of the mail that a receipt is about."""
    query = select(outbox_mails, outbox.c.way).join(outbox, outbox.c.id == outbox_mails.c.id)
    return connection.execute(query.where(outbox_mails.c.id == mail_id)).one()


def send_again(tx: Connection, row: Any, now: datetime, after: timedelta) -> None:
    """A message that Notify could not send goes out once more *after* a while, as a row of its own."""
    if row.cause.endswith(AGAIN):
        return
    values = {name: value for name, value in row._mapping.items() if name not in ("id", "way")}
    values |= {"cause": row.cause + AGAIN, "message_id": f"{row.message_id}{AGAIN}", "queued_at": now}
    storing = insert_new(tx, outbox_mails).returning(outbox_mails.c.id)
    mail_id = tx.execute(storing, values).scalar()
    if mail_id is not None:
        run_at = microseconds(now + after) if after else 0
        work = {"id": mail_id, "way": row.way, "state": SendState.READY, "run_at": run_at}
        tx.execute(insert(outbox), work | {"attempts": 0, "doubts": 0, "error": ""})
