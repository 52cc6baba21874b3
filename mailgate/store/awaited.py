"""Mails that somebody answered to us and that did not come yet, by their Message-IDs (E123)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, select

from mailgate.model.facts import Post
from mailgate.model.ticket import ORDERED
from mailgate.store import known
from mailgate.store.columns import Instant
from mailgate.store.engine import insert_new
from mailgate.store.tables import awaited, events, messages, tickets
from mailgate.tickets.late import WITHIN

# Made once: to make a statement takes as long as to run it.
_WANTED: Any = bindparam("wanted", expanding=True)
WAITING = (
    select(awaited.c.message_id, awaited.c.mail_id)
    .where(awaited.c.message_id.in_(_WANTED), awaited.c.at > bindparam("after", type_=Instant()))
    .order_by(awaited.c.mail_id)
)
_MAILS = select(func.count()).where(messages.c.ticket_id == tickets.c.id).correlate(tickets).scalar_subquery()
_ORDERS = exists().where(events.c.ticket_id == tickets.c.id, events.c.what == ORDERED).correlate(tickets)
_UNTOUCHED = (
    select(messages.c.id)
    .join(tickets, (tickets.c.id == messages.c.ticket_id) & (tickets.c.opened_by == messages.c.id))
    .where(tickets.c.closed_at.is_(None), tickets.c.first_reply_at.is_(None), _MAILS == 1, ~_ORDERS)
)


def answers(connection: Connection, ids: Iterable[str], now: datetime) -> Mapping[str, tuple[Post, ...]]:
    """The mails that answered those with *ids* within the last day and whose own tickets nobody touched since."""
    wanted = sorted(set(ids) - {""})
    rows = connection.execute(WAITING, {"wanted": wanted, "after": now - WITHIN}).all() if wanted else ()
    if not rows:  # nearly always
        return {}
    untouched = connection.scalars(_UNTOUCHED.where(messages.c.id.in_(sorted({row.mail_id for row in rows}))))
    posts = known.posts(connection, untouched)
    found: dict[str, tuple[Post, ...]] = {}
    for row in rows:
        if row.mail_id in posts:
            found[row.message_id] = (*found.get(row.message_id, ()), posts[row.mail_id])
    return found


def wait(tx: Connection, mail_id: int, ids: Iterable[str], now: datetime) -> None:
    """The mail *mail_id* answers those with *ids*, which nobody here has seen."""
    rows = [{"message_id": each, "mail_id": mail_id, "at": now} for each in ids]
    if rows:
        tx.execute(delete(awaited).where(awaited.c.at <= now - WITHIN))
        tx.execute(insert_new(tx, awaited), rows)
