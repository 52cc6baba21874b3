"""How fast mail may go, for all nodes together: rates of a way out, and how much automatic mail an hour had (E136)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, text, update

from mailgate.model.outbound import Pace, SendState, Way
from mailgate.store.columns import MOMENT, SECOND
from mailgate.store.engine import insert_new
from mailgate.store.tables import outbox, outbox_mails, paces, sent_per_minute

MINUTES = 60
LONGEST_WAIT = timedelta(days=3)  # of a text message that went an hour ago


def allowed(tx: Connection, pace: Pace, limit: int) -> int:
    """How many of *limit* may go now. The row says when the way would be free had every mail taken its time."""
    tx.execute(insert_new(tx, paces), {"name": pace.name, "free_at": 0})
    query = select(paces.c.free_at, MOMENT).where(paces.c.name == pace.name).with_for_update()
    free_at, now = tx.execute(query).one()
    left = now + pace.burst * _interval(pace) - max(free_at, now)
    return max(0, min(limit, int(left // _interval(pace))))


def use(tx: Connection, pace: Pace, mails: int) -> None:
    """*mails* are about to go."""
    if not mails:
        return
    free_at, now = tx.execute(select(paces.c.free_at, MOMENT).where(paces.c.name == pace.name)).one()
    value = max(free_at, now) + mails * _interval(pace)
    tx.execute(update(paces).where(paces.c.name == pace.name).values(free_at=value))


def _interval(pace: Pace) -> int:
    return round(pace.seconds * SECOND)


def count(tx: Connection, mails: int, now: datetime) -> None:
    """*mails* automatic ones were sent in this minute."""
    if not mails:
        return
    minute = _minute(now)
    tx.execute(delete(sent_per_minute).where(sent_per_minute.c.minute <= minute - MINUTES))
    tx.execute(insert_new(tx, sent_per_minute), {"minute": minute, "mails": 0})
    same = sent_per_minute.c.minute == minute
    tx.execute(update(sent_per_minute).where(same).values(mails=sent_per_minute.c.mails + mails))


def sent_within_an_hour(connection: Connection, now: datetime) -> int:
    """How many automatic mails were sent in the hour before *now*."""
    query = select(func.coalesce(func.sum(sent_per_minute.c.mails), 0))
    return int(connection.execute(query.where(sent_per_minute.c.minute > _minute(now) - MINUTES)).scalar_one())


def texted_within_an_hour(connection: Connection, numbers: Iterable[str], now: datetime) -> Mapping[str, int]:
    """How many text messages went to each of *numbers* in the hour before *now*, however long they had waited."""
    mails, hour = outbox_mails.c, timedelta(hours=1)
    query = (
        select(mails.recipient, func.count())
        .join(outbox, outbox.c.id == mails.id)
        .where(text("automatic"), mails.recipient.in_(sorted(numbers)), mails.queued_at > now - LONGEST_WAIT)
        .where(outbox.c.way == Way.TEXT, outbox.c.state == SendState.SENT, outbox.c.finished_at > now - hour)
        .group_by(mails.recipient)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def forget(tx: Connection) -> None:
    """Begin to count anew: a person has decided that so much is right."""
    tx.execute(delete(sent_per_minute))


def _minute(now: datetime) -> int:
    return int(now.timestamp() // timedelta(minutes=1).total_seconds())
