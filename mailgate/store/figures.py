"""What an operator watches, asked by queries whose cost follows what waits and not what ever was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, Text, delete, func, select, text, type_coerce, union_all

from mailgate.model.decision import Action
from mailgate.store import spool as spooled
from mailgate.store.pauses import Pause, standing
from mailgate.store.tables import (
    FRESH,
    KEPT,
    QUARANTINED,
    SENDING,
    STUCK,
    TRIED,
    WAITING,
    attachments,
    messages,
    outbox,
    outbox_mails,
    raw_mails,
    spool,
)

CANARY = "canary"
MOST_FORGOTTEN = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """The store at one moment; an instant is None where there is no such mail. *outbox* counts by state."""

    waiting: int
    oldest_waiting_at: datetime | None
    quarantined: int
    outbox: dict[str, int]
    oldest_ready_at: datetime | None
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True, slots=True)
class Canary:
    """One canary; *returned_at* is None as long as it is not back."""

    sent_at: datetime
    returned_at: datetime | None


def figures(connection: Connection) -> Figures:
    """What waits, for the metrics and for ``/health``."""
    return Figures(
        waiting=spooled.waiting(connection),
        oldest_waiting_at=_oldest_waiting(connection),
        quarantined=_count(connection, spool, QUARANTINED),
        outbox=_outbox(connection),
        oldest_ready_at=_oldest_ready(connection),
        pauses=tuple(standing(connection).values()),
    )


def _oldest_waiting(connection: Connection) -> datetime | None:
    fresh, tried = (select(func.min(spool.c.id).label("id")).where(text(rows)) for rows in (FRESH, TRIED))
    ids = union_all(fresh, tried).subquery()
    return connection.execute(select(func.min(raw_mails.c.received_at)).where(raw_mails.c.id.in_(select(ids)))).scalar()


def _oldest_ready(connection: Connection) -> datetime | None:
    query = select(func.min(outbox_mails.c.queued_at)).join(outbox, outbox.c.id == outbox_mails.c.id)
    return connection.execute(query.where(text(WAITING))).scalar()


def _outbox(connection: Connection) -> dict[str, int]:
    """Mails of ours by state, without those that are done with."""
    counts = {"ready": _count(connection, outbox, WAITING), "sending": _count(connection, outbox, SENDING)}
    for rows in (STUCK, KEPT):
        found = select(outbox.c.state, func.count()).where(text(rows)).group_by(outbox.c.state)
        counts |= {row[0]: row[1] for row in connection.execute(found)}
    return {"uncertain": 0, "failed": 0, "held": 0, "gathering": 0} | counts


def _count(connection: Connection, table: object, rows: str) -> int:
    query: Select[int] = select(func.count()).select_from(table).where(text(rows))  # type: ignore[arg-type]
    return connection.execute(query).scalar_one()


def accepted_between(connection: Connection, begin: datetime, end: datetime) -> dict[str, int]:
    """How many decided mails arrived at each mailbox from *begin* until *end*, canaries left out."""
    arrived = (messages.c.received_at >= begin) & (messages.c.received_at < end)
    query = (
        select(messages.c.mailbox, func.count())
        .where(arrived, messages.c.mailbox.is_not(None), ~messages.c.message_id.startswith("<canary."))
        .group_by(messages.c.mailbox)
    )
    return {mailbox: count for mailbox, count in connection.execute(query) if mailbox}


def first_mail_at(connection: Connection) -> datetime | None:
    """When the first decided mail that is still stored arrived."""
    return connection.execute(select(func.min(messages.c.received_at))).scalar()


def forget_canaries(tx: Connection, before: datetime) -> None:
    """Remove some of the canaries that were sent *before* an instant, and what came back of them."""
    old = (outbox_mails.c.message == CANARY) & (outbox_mails.c.cause < _hour(before))
    query = select(outbox_mails.c.id, outbox_mails.c.message_id).where(text("ticket_id IS NULL"), old)
    sent = tx.execute(query.limit(MOST_FORGOTTEN)).all()
    for table in (outbox, outbox_mails):
        tx.execute(delete(table).where(table.c.id.in_([row.id for row in sent])))
    came = messages.c.message_id.in_([row.message_id for row in sent])
    ignored = (messages.c.action == Action.IGNORE) & messages.c.ticket_id.is_(None)
    back = list(tx.scalars(select(messages.c.id).where(came, ignored)))
    for column in (attachments.c.mail_id, messages.c.id, spool.c.id, raw_mails.c.id):
        tx.execute(delete(column.table).where(column.in_(back)))


def _hour(at: datetime) -> str:
    """The cause of the canary of that hour."""
    return at.strftime("%Y-%m-%dT%H")


def canaries(connection: Connection, mailbox: str, now: datetime) -> Sequence[Canary]:
    """The canaries of the last day to *mailbox*, the newest first, and when each came back."""
    ours = (outbox_mails.c.message == CANARY) & (outbox_mails.c.recipient == mailbox.lower())
    since = _hour(now - timedelta(days=1))
    back = select(func.min(messages.c.received_at)).where(messages.c.message_id == outbox_mails.c.message_id)
    query = (
        select(outbox_mails.c.queued_at, back.scalar_subquery())
        .where(text("ticket_id IS NULL"), ours, outbox_mails.c.cause >= since)
        .order_by(outbox_mails.c.cause.desc())
    )
    return [Canary(sent, returned) for sent, returned in connection.execute(query)]


def fitted_rules(connection: Connection, since: datetime) -> tuple[int, frozenset[str]]:
    """How many mails were decided that came *since*, and the names of the rules that fitted any of them."""
    came = messages.c.received_at >= since
    count = connection.execute(select(func.count()).select_from(messages).where(came)).scalar_one()
    has_rule = type_coerce(messages.c.trace, Text).contains('["rule",')
    traces = connection.execute(select(messages.c.trace).where(came, has_rule))
    return count, frozenset(name for (trace,) in traces for stage, name, *_ in trace if stage == "rule")
