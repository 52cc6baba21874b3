"""The outbox: everything we say is a row here first, and leaves by a claim."""

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, insert, select, text, update

from mailgate.model.outbound import Attempt, Outbound, SendState
from mailgate.model.ticket import Event
from mailgate.store import history
from mailgate.store.columns import MOMENT, SECOND, Id, instant
from mailgate.store.engine import Store, insert_new
from mailgate.store.spool import tokens_of
from mailgate.store.tables import SENDING, WAITING, outbox, outbox_mails, participants, tickets

LARGEST_CLAIM_BYTES = 16 * 1024**2
MOST_DOUBTS = 1  # what may have gone is sent once more, with the same Message-ID; after that a person decides
ENDED = frozenset({SendState.SENT, SendState.FAILED, SendState.CANCELLED})

# Made once: to make a statement takes as long as to run it.
NUMBER = update(tickets).where(tickets.c.id == bindparam("ticket")).values(last_serial=bindparam("serial"))
SENT_TOGETHER = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), outbox.c.token == bindparam("held_by"))
    .values(state=SendState.SENT, token=None, error="", finished_at=bindparam("now"))
)
_IDS: Any = bindparam("ids", expanding=True)
_DUE = (
    select(outbox.c.id)
    .where(text(WAITING), outbox.c.run_at <= MOMENT)
    .order_by(outbox.c.run_at, outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_IS_FORGOTTEN = (text(SENDING), outbox.c.run_at <= MOMENT)
_FORGOTTEN = select(outbox.c.id).where(*_IS_FORGOTTEN).limit(1)
_TAKE = (
    update(outbox)
    .where(outbox.c.id.in_(_IDS))
    .values(
        state=SendState.SENDING,
        token=bindparam("held_by"),
        attempts=outbox.c.attempts + 1,
        run_at=MOMENT + bindparam("lease", type_=Id),
    )
)
_TAKEN = (
    select(outbox_mails, outbox.c.attempts, outbox.c.run_at)
    .join(outbox, outbox.c.id == outbox_mails.c.id)
    .where(outbox.c.id.in_(_IDS), outbox.c.token == bindparam("held_by"))
    .order_by(outbox_mails.c.id)
)


@dataclass(frozen=True, slots=True)
class Queued:
    """A mail to be sent, the ticket it is about, and whether its reader is not verified."""

    mail: Outbound
    ticket_id: int | None
    at: datetime
    to_stranger: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt: SENT, UNCERTAIN or FAILED, or READY to be tried again *after_seconds*.

    *error* is for the operator: the class of what went wrong, never an address.
    """

    attempt: Attempt
    state: SendState
    after_seconds: float = 0
    error: str = ""


def queue(tx: Connection, mails: Sequence[Queued]) -> None:
    """Write mails to be sent; one that is there already, by ticket, message, recipient and cause, stays as it is."""
    if not mails:
        return
    storing = insert_new(tx, outbox_mails).returning(outbox_mails.c.id, outbox_mails.c.message_id)
    stored = tx.execute(storing, [_row(each) for each in mails]).all()
    states = {each.mail.message_id: each.mail.state for each in mails}
    work = [
        {"id": row.id, "state": states[row.message_id], "run_at": 0, "attempts": 0, "doubts": 0, "error": ""}
        for row in stored
    ]
    if work:
        tx.execute(insert(outbox), work)
    about = [each for each in mails if each.ticket_id is not None]
    if about:
        mailed = dict.fromkeys((each.ticket_id, each.mail.recipient.lower()) for each in about if each.mail.recipient)
        rows = [{"ticket_id": ticket, "address": address, "role": "mailed"} for ticket, address in mailed]
        if rows:
            tx.execute(insert_new(tx, participants), rows)
        last = {each.ticket_id: each.mail.serial for each in sorted(about, key=lambda each: each.mail.serial)}
        tx.execute(NUMBER, [{"ticket": ticket, "serial": serial} for ticket, serial in last.items()])


def _row(queued: Queued) -> dict[str, Any]:
    mail = queued.mail
    return {
        "ticket_id": queued.ticket_id,
        "serial": mail.serial if queued.ticket_id is not None else 0,
        "message": mail.message,
        "recipient": mail.recipient.lower(),
        "cause": mail.cause,
        "message_id": mail.message_id,
        "automatic": mail.automatic,
        "to_stranger": queued.to_stranger,
        "queued_at": queued.at,
        "sender": mail.sender,
        "subject": mail.subject,
        "content": mail.content,
    }


def claim(store: Store, limit: int, lease_seconds: float, *, repeatable: bool = False) -> tuple[Attempt, ...]:
    """Take up to *limit* mails whose time has come. A claim that ended without a result counts as a doubt.

    *repeatable*: there is no doubt, because the channel leaves one mail however often it sends it.
    """
    with store.read() as connection:
        if not connection.execute(_DUE, {"most": 1}).first() and not connection.execute(_FORGOTTEN).first():
            return ()
    token = f"{tokens_of(os.getpid())}{secrets.token_hex(8)}"
    with store.write() as tx:
        tx.execute(_doubted(repeatable).where(*_IS_FORGOTTEN))
        ids = list(tx.scalars(_DUE, {"most": limit}))
        tx.execute(_TAKE, {"ids": ids, "held_by": token, "lease": round(lease_seconds * SECOND)})
    with store.read() as connection:
        return _claimed(connection, ids, token)


def _doubted(repeatable: bool = False) -> Any:
    """What may have gone: ready once more, then uncertain until a person decides."""
    if repeatable:
        return update(outbox).values(state=SendState.READY, token=None)
    state = case((outbox.c.doubts < MOST_DOUBTS, SendState.READY.value), else_=SendState.UNCERTAIN.value)
    return update(outbox).values(state=state, doubts=outbox.c.doubts + 1, token=None)


def _claimed(connection: Connection, ids: Sequence[int], token: str) -> tuple[Attempt, ...]:
    return tuple(
        Attempt(
            id=row.id,
            token=token,
            attempts=row.attempts,
            sender=row.sender,
            recipient=row.recipient,
            message_id=row.message_id,
            content=row.content,
            lease_until=instant(row.run_at),
        )
        for row in connection.execute(_TAKEN, {"ids": ids, "held_by": token})
    )


def record(store: Store, results: Iterable[Result], now: datetime) -> None:
    """Write what became of attempts; one whose lease ran out meanwhile is somebody else's and stays as it is.

    A mail that will never arrive becomes an event of its ticket.
    """
    sent: dict[str, list[int]] = {}
    others: list[Result] = []
    for result in results:
        if result.state is SendState.SENT:
            sent.setdefault(result.attempt.token, []).append(result.attempt.id)
        else:
            others.append(result)
    with store.write() as tx:
        for token, ids in sent.items():
            tx.execute(SENT_TOGETHER, {"ids": ids, "held_by": token, "now": now})
        for result in others:
            ours = (outbox.c.id == result.attempt.id) & (outbox.c.token == result.attempt.token)
            changing = _doubted() if result.state is SendState.UNCERTAIN else update(outbox).values(state=result.state)
            if result.state in ENDED:
                changing = changing.values(finished_at=now)
            later = MOMENT + round(result.after_seconds * SECOND)
            done = tx.execute(changing.where(ours).values(token=None, run_at=later, error=result.error))
            if done.rowcount == 1 and result.state is SendState.FAILED:
                _tell_ticket(tx, result, now)


def _tell_ticket(tx: Connection, result: Result, now: datetime) -> None:
    columns = (outbox_mails.c.ticket_id, outbox_mails.c.serial, outbox_mails.c.message, outbox_mails.c.recipient)
    mail = tx.execute(select(*columns).where(outbox_mails.c.id == result.attempt.id)).one()
    if mail.ticket_id is not None:
        data = {"message": mail.message, "serial": mail.serial, "error": result.error}
        event = Event("could not be delivered", "mailgate", data, {"recipient": mail.recipient})
        history.append(tx, mail.ticket_id, [event], now)


def release_leases(store: Store, *, repeatable: bool = False) -> None:
    """At the start: what a worker that is gone had claimed counts as a doubt at once, unless nodes share the store.

    *repeatable* as in ``claim``.
    """
    if store.is_shared:
        return  # leases that ran out are found by claim
    with store.write() as tx:
        tx.execute(_doubted(repeatable).where(text(SENDING)).values(run_at=0))


def release_leases_of(store: Store, pid: int, *, repeatable: bool = False) -> None:
    """When a process of ours is seen to be gone: what it was sending is a doubt. *repeatable* as in ``claim``."""
    with store.write() as tx:
        held = text(SENDING) & outbox.c.token.startswith(tokens_of(pid), autoescape=True)
        tx.execute(_doubted(repeatable).where(held).values(run_at=MOMENT))


def listing(connection: Connection, states: Iterable[SendState] = ()) -> list[dict[str, Any]]:
    """The outbox for people, the oldest first; only what is in one of *states*, where any is given."""
    query = (
        select(outbox, outbox_mails, tickets.c.ref)
        .join(outbox_mails, outbox_mails.c.id == outbox.c.id)
        .outerjoin(tickets, tickets.c.id == outbox_mails.c.ticket_id)
        .order_by(outbox.c.id)
    )
    wanted = sorted(states)
    if wanted:
        query = query.where(outbox.c.state.in_(wanted))
    return [summary(row) for row in connection.execute(query)]


def summary(row: Any) -> dict[str, Any]:
    """One mail of ours for people."""
    waits = row.state == SendState.READY
    return {
        "id": row.id,
        "ref": row.ref,
        "state": row.state,
        "message": row.message,
        "to": row.recipient,
        "subject": row.subject,
        "queued_at": row.queued_at.isoformat(),
        "attempts": row.attempts,
        "next_at": instant(row.run_at).isoformat() if waits and row.run_at else None,
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "error": row.error,
    }
