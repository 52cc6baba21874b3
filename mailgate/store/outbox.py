"""The outbox: everything we say is a row here first, and leaves by a claim."""

import os
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, select, text, update

from mailgate.model.outbound import ENDED, Attempt, Doubt, Outbound, Pace, SendState, Way
from mailgate.model.ticket import Event
from mailgate.store import contacts, history, pacing, receipts
from mailgate.store.begun import Ended, Note
from mailgate.store.columns import MOMENT, SECOND, Id, instant, microseconds
from mailgate.store.engine import Store, insert_all, insert_new
from mailgate.store.spool import tokens_of
from mailgate.store.tables import SENDING, WAITING, outbox, outbox_mails, participants, tickets

MOST_DOUBTS = 1  # what may have gone is sent once more, with the same Message-ID; after that a person decides
ASK_FIRST = 1  # the doubts of a mail about which the other side is asked before anything else
COALESCED_WITHIN = timedelta(minutes=2)  # E137
FOR_STAFF = frozenset({"unreadable", "unreachable", "alert", "assigned", "new", "news", "at_risk", "breached"})
FOR_OPEN_TICKETS = frozenset({"at_risk", "breached", "late", "at_risk_text", "breached_text", "commission_reminder"})
SUPERSEDED = "a later mail says the same"

# Made once: to make a statement takes as long as to run it.
NUMBER = update(tickets).where(tickets.c.id == bindparam("ticket")).values(last_serial=bindparam("serial"), forgotten=0)
SENT_TOGETHER = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), outbox.c.token == bindparam("held_by"))
    .values(state=SendState.SENT, token=None, error="", finished_at=bindparam("now"))
)
_IDS: Any = bindparam("ids", expanding=True)
_OF_WAY = outbox.c.way == bindparam("by_way")
_DUE = (
    select(outbox.c.id)
    .where(text(WAITING), _OF_WAY, outbox.c.run_at <= MOMENT)
    .order_by(outbox.c.run_at, outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_RAN_OUT = text(SENDING) & (outbox.c.run_at <= MOMENT)
_FORGOTTEN = select(outbox.c.id).where(_RAN_OUT, _OF_WAY).limit(1)
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
    select(outbox_mails, outbox.c.way, outbox.c.attempts, outbox.c.doubts, tickets.c.closed_at)
    .join(outbox, outbox.c.id == outbox_mails.c.id)
    .outerjoin(tickets, tickets.c.id == outbox_mails.c.ticket_id)
    .where(outbox.c.id.in_(_IDS), outbox.c.token == bindparam("held_by"))
    .order_by(outbox_mails.c.id)
)


_ToStaff = tuple[int | None, str, Way]
"""The ticket, the reader and the way of a mail for staff."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A mail to be sent, the ticket it is about, and whether its reader is not verified."""

    mail: Outbound
    ticket_id: int | None
    at: datetime
    to_stranger: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt: an end, UNCERTAIN, or READY to be tried again *after_seconds*.

    *error* is for the operator: the class of what went wrong, never an address. *counts*: whether it was a try.
    *doubts*, where given, says how far we are with asking the other side, *receipt* is its own name for what it took.
    """

    attempt: Attempt
    state: SendState
    after_seconds: float = 0
    error: str = ""
    counts: bool = True
    doubts: int | None = None
    receipt: str = ""


_TO_STAFF = (
    select(
        *(outbox_mails.c.ticket_id, outbox_mails.c.recipient, outbox_mails.c.message, outbox_mails.c.queued_at),
        *(outbox.c.id, outbox.c.way, outbox.c.state, outbox.c.run_at, outbox.c.finished_at),
    )
    .join(outbox_mails, outbox_mails.c.id == outbox.c.id)
    .where(
        outbox_mails.c.ticket_id.in_(bindparam("about", expanding=True)),
        outbox_mails.c.message.in_(FOR_STAFF),
        outbox.c.state.in_([SendState.READY, SendState.SENDING, SendState.SENT]),
    )
    .order_by(outbox.c.id)
)


# ------------------------------------------------------------------ in


def queue(tx: Connection, mails: Sequence[Queued], opened: Collection[int] = ()) -> None:
    """Write mails to be sent; one that is there already, by ticket, message, recipient and cause, stays as it is.

    *opened* are tickets that were opened with these mails, so that they know of them, and had none before.
    Nothing automatic is sent to an address whose mail comes back (E142).
    """
    if not mails:
        return
    storing = insert_new(tx, outbox_mails, outbox_mails.c.id, outbox_mails.c.message_id)
    stored = tx.execute(storing, [_row(each) for each in mails]).all()
    by_id = {each.mail.message_id: each for each in mails}
    unreachable = contacts.flagged(tx, (each.mail.recipient.lower() for each in mails))
    queued = {row.id: by_id[row.message_id] for row in stored}
    before = _last_to_staff(tx, [each for each in queued.values() if each.ticket_id not in opened])
    work = [_work(tx, mail_id, each, unreachable, before) for mail_id, each in queued.items()]
    insert_all(tx, outbox, work)
    numbered = [each for each in mails if each.mail.way is Way.MAIL and each.ticket_id not in opened]
    about = [each for each in numbered if each.ticket_id is not None]
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


def _work(
    tx: Connection, mail_id: int, queued: Queued, unreachable: frozenset[str], before: Mapping[_ToStaff, Any]
) -> dict[str, Any]:
    mail = queued.mail
    row = {"id": mail_id, "way": mail.way, "state": mail.state, "run_at": 0, "attempts": 0, "doubts": 0, "error": ""}
    if mail.state is SendState.READY and mail.automatic and mail.recipient.lower() in unreachable:
        return row | {"state": SendState.CANCELLED, "error": contacts.UNREACHABLE}
    last = before.get(_to_staff(queued)) if mail.message in FOR_STAFF else None
    return row | {"run_at": _coalesced(tx, queued, last)} if last is not None else row


def _to_staff(queued: Queued) -> _ToStaff:
    return queued.ticket_id, queued.mail.recipient.lower(), queued.mail.way


def _last_to_staff(tx: Connection, mails: Iterable[Queued]) -> dict[_ToStaff, Any]:
    """The last mail for staff before *mails* about the same ticket, to the same reader, by the same way."""
    about = {each.ticket_id for each in mails if each.mail.message in FOR_STAFF and each.ticket_id is not None}
    rows = tx.execute(_TO_STAFF, {"about": sorted(about)}) if about else ()
    return {(row.ticket_id, row.recipient, Way(row.way)): row for row in rows}


def _coalesced(tx: Connection, queued: Queued, before: Any) -> int:
    """When a mail for staff may go: one in two minutes for a ticket, reader and way. One of its kind is replaced.

    What was sent or is being sent has the end of its claim in *run_at*, which says nothing about when it went.
    """
    waits = before.state == SendState.READY
    if waits and before.message == queued.mail.message:
        told = {"state": SendState.CANCELLED, "error": SUPERSEDED, "finished_at": queued.at}
        tx.execute(update(outbox).where(outbox.c.id == before.id, outbox.c.state == SendState.READY).values(told))
        return int(before.run_at)
    at = before.finished_at or before.queued_at
    return microseconds((max(at, instant(before.run_at)) if waits else at) + COALESCED_WITHIN)


# ------------------------------------------------------------------ out


def claim(
    store: Store,
    limit: int,
    lease_seconds: float,
    *,
    way: Way = Way.MAIL,
    doubt: Doubt = Doubt.ONCE_MORE,
    pace: Pace | None = None,
) -> tuple[Attempt, ...]:
    """Take up to *limit* mails of *way* whose time has come, fewer where *pace* allows no more.

    What was being sent when an earlier claim ended without a result counts as a *doubt*.
    """
    with store.read() as connection:
        due = connection.execute(_DUE, {"by_way": way, "most": 1}).first()
        forgotten = connection.execute(_FORGOTTEN, {"by_way": way}).first()
    if forgotten:
        _forget(store, way, doubt, _RAN_OUT)
    elif not due:
        return ()
    token = f"{tokens_of(os.getpid())}{secrets.token_hex(8)}"
    if doubt is not Doubt.HARMLESS:
        store.begun.open(token)
    try:
        ids = _take(store, limit, lease_seconds, way, pace, token)
        with store.read() as connection:
            claimed = _claimed(connection, ids, token) if ids else ()
    except BaseException:
        store.begun.leave(token)
        raise
    if not claimed:
        store.begun.close(token)
    return claimed


def _take(store: Store, limit: int, lease_seconds: float, way: Way, pace: Pace | None, token: str) -> list[int]:
    with store.write() as tx:
        if pace is not None:
            limit = pacing.allowed(tx, pace, limit)
        ids = list(tx.scalars(_DUE, {"by_way": way, "most": limit}))
        if pace is not None:
            pacing.use(tx, pace, len(ids))
        if ids:
            tx.execute(_TAKE, {"ids": ids, "held_by": token, "lease": round(lease_seconds * SECOND)})
    return ids


def _doubted(doubt: Doubt = Doubt.ONCE_MORE) -> Any:
    """What may have gone."""
    match doubt:
        case Doubt.HARMLESS:
            return update(outbox).values(state=SendState.READY, token=None)
        case Doubt.ASK:
            return update(outbox).values(state=SendState.READY, doubts=ASK_FIRST, token=None)
        case Doubt.ONCE_MORE:
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
            message=row.message,
            way=Way(row.way),
            doubts=row.doubts,
            automatic=row.automatic,
            is_outdated=row.message in FOR_OPEN_TICKETS and row.closed_at is not None,
        )
        for row in connection.execute(_TAKEN, {"ids": ids, "held_by": token})
    )


def record(store: Store, results: Iterable[Result], now: datetime) -> None:
    """Write what became of attempts; one whose lease ran out meanwhile is somebody else's and stays as it is.

    A mail that will never arrive becomes an event of its ticket.
    """
    sent: dict[str, list[Result]] = {}
    others: list[Result] = []
    for result in results:
        if result.state is SendState.SENT:
            sent.setdefault(result.attempt.token, []).append(result)
        else:
            others.append(result)
    with store.write() as tx:
        for token, together in sent.items():
            ids = [result.attempt.id for result in together]
            tx.execute(SENT_TOGETHER, {"ids": ids, "held_by": token, "now": now})
            named = {result.attempt: result.receipt for result in together if result.receipt}
            receipts.taken(tx, {each.id: name for each, name in named.items() if each.way is not Way.MAIL}, now)
            receipts.renamed(tx, {each.id: name for each, name in named.items() if each.way is Way.MAIL}, now)
        pacing.count(tx, sum(result.attempt.automatic for together in sent.values() for result in together), now)
        for result in others:
            _record_one(tx, result, now)


def _record_one(tx: Connection, result: Result, now: datetime) -> None:
    ours = (outbox.c.id == result.attempt.id) & (outbox.c.token == result.attempt.token)
    changing = _doubted() if result.state is SendState.UNCERTAIN else update(outbox).values(state=result.state)
    if result.doubts is not None:
        changing = changing.values(doubts=result.doubts)
    if result.state in ENDED:
        changing = changing.values(finished_at=now)
    if not result.counts:
        changing = changing.values(attempts=outbox.c.attempts - 1)
    later = MOMENT + round(result.after_seconds * SECOND)
    done = tx.execute(changing.where(ours).values(token=None, run_at=later, error=result.error))
    if done.rowcount == 1 and result.state is SendState.FAILED:
        tell_ticket(tx, result.attempt.id, "could not be delivered", result.error, now)


def tell_ticket(tx: Connection, mail_id: int, what: str, error: str, now: datetime) -> None:
    """Add what became of a mail to the history of its ticket, where it has one."""
    columns = (outbox_mails.c.ticket_id, outbox_mails.c.serial, outbox_mails.c.message, outbox_mails.c.recipient)
    mail = tx.execute(select(*columns).where(outbox_mails.c.id == mail_id)).one()
    if mail.ticket_id is not None:
        data = {"message": mail.message, "serial": mail.serial, "error": error}
        history.append(tx, mail.ticket_id, [Event(what, "mailgate", data, {"recipient": mail.recipient})], now)


def release_leases(store: Store, mail: Doubt = Doubt.ONCE_MORE) -> None:
    """At the start: what a worker that is gone was sending is a doubt at once, unless nodes share the store.

    *mail* is the doubt of the way that ``send.via`` names.
    """
    if not store.is_shared:  # else leases that ran out are found by claim
        for way in Way:
            _forget(store, way, mail if way is Way.MAIL else Doubt.ASK, text(SENDING))
    store.begun.forget_old()


def release_leases_of(store: Store, pid: int, mail: Doubt = Doubt.ONCE_MORE) -> None:
    """When a process of ours is seen to be gone: what it was sending is a doubt. *mail* as in ``release_leases``."""
    held = text(SENDING) & outbox.c.token.startswith(tokens_of(pid), autoescape=True)
    for way in Way:
        _forget(store, way, mail if way is Way.MAIL else Doubt.ASK, held)


def _forget(store: Store, way: Way, doubt: Doubt, claimed: Any) -> None:
    """What the rows *claimed* came to is recorded as far as their worker noted it down, the others are a *doubt*."""
    with store.read() as connection:
        now = instant(connection.execute(select(MOMENT)).scalar_one())
        found = connection.execute(select(outbox.c.token, outbox.c.id).where(claimed, outbox.c.way == way)).all()
    for token in {row.token for row in found}:
        notes = store.begun.read(token)
        with store.read() as connection:
            attempts = _claimed(connection, [row.id for row in found if row.token == token], token)
        sure = [result for attempt in attempts if (result := _noted(attempt, notes)) is not None]
        record(store, sure, now)
        with store.write() as tx:
            left = claimed & (outbox.c.way == way) & (outbox.c.token == token)
            tx.execute(_doubted(doubt).where(left).values(run_at=MOMENT))
        store.begun.forget(token)


def _noted(attempt: Attempt, notes: Mapping[int, Note] | None) -> Result | None:
    """What is sure about *attempt*; None where it may have gone."""
    if notes is None:
        return None
    match notes.get(attempt.id):
        case None:
            return Result(attempt, SendState.READY, counts=False)
        case Ended.SENT, name:
            return Result(attempt, SendState.SENT, receipt=name)
        case Ended.NOT_SENT, _:
            return Result(attempt, SendState.READY)
    return None
