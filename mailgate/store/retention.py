"""Forgetting what is due: the words first, then who, then what happened; in small transactions with rests between.

Nothing is remembered from one run to the next but what each row says of itself, so a run that was killed goes on where
it stopped. A dry run does the same and takes each transaction back: it counts what a run then deletes.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, tuple_, update

from mailgate.model.keeping import Keep
from mailgate.model.ticket import Event
from mailgate.store import emptying, forgotten, history, holds, together
from mailgate.store.cases import AGAIN
from mailgate.store.columns import instant
from mailgate.store.emptying import remove_unwanted
from mailgate.store.engine import Store
from mailgate.store.figures import CANARY
from mailgate.store.history import GENESIS, Head
from mailgate.store.tables import (
    ALONE,
    FORGOTTEN,
    QUARANTINED,
    TO_FORGET,
    awaited,
    events,
    messages,
    openings,
    outbox,
    outbox_mails,
    raw_mails,
    repeats,
    spool,
    tickets,
)
from mailgate.store.together import Forgotten
from mailgate.tickets.late import WITHIN

GATEWAY = "mailgate"
WHAT = "forgotten"
MOST = 100  # rows of one transaction, so that whoever writes waits for a moment only
RESTS = 9  # after each it rests for so many times as long as it took
HOUR = timedelta(hours=1)

After = tuple[datetime, int]
"""The instant and the id of the last row that was looked at."""

START: After = (instant(0), 0)

Step = Callable[[Connection, After], tuple[Counter[str], After | None]]
"""What forgets the next rows of one kind, in order of age: how much, and where it got to, None at the end."""


class _TakenBack(Exception):
    """How a dry run ends each transaction."""


def rest(seconds: float) -> None:
    """Leave the store to others after so many seconds of work."""
    time.sleep(seconds * RESTS)


def run(
    store: Store,
    keep: Keep,
    now: datetime,
    *,
    dry: bool = False,
    rests: Callable[[float], None] = rest,
    goes_on: Callable[[], bool] = lambda: True,
) -> Counter[str]:
    """Forget what is due by *now*, as long as it *goes_on*; how much of each kind. *dry*: only count it."""
    counts: Counter[str] = Counter()
    for step in _walks(keep, now):
        after: After | None = START
        while after is not None and goes_on():
            began = time.monotonic()
            with suppress(_TakenBack), store.write() as tx:
                found, after = step(tx, after)
                counts += found
                if dry:
                    raise _TakenBack
            rests(time.monotonic() - began)
    if not dry:
        remove_unwanted(store)
        with store.write() as tx:
            for table, lasts in ((openings, HOUR), (awaited, WITHIN)):
                tx.execute(delete(table).where(table.c.at <= now - lasts))
    return counts


def _walks(keep: Keep, now: datetime) -> Iterator[Step]:
    """Fingerprints first, as a run only now makes words fingerprints; then every ticket is looked at once."""
    due = together.Due(keep, now)
    yield lambda tx, after: _fingerprints(tx, after, keep.fingerprints.before(now))
    yield lambda tx, after: _quarantined(tx, after, keep.quarantine.before(now), now)
    yield lambda tx, after: _ignored(tx, after, keep.ignored_mail.before(now), now)
    yield lambda tx, after: _sent_about_none(tx, after, keep.ignored_mail.before(now))
    for far in (Forgotten.PEOPLE, Forgotten.WORDS, Forgotten.NOTHING):
        yield lambda tx, after, far=far: _tickets(tx, after, far, due)  # type: ignore[misc]


def _end(found: list[Any], at: str) -> After | None:
    """Where a walk got to; None where these were the last."""
    return (found[-1]._mapping[at], found[-1].id) if len(found) == MOST else None


# ------------------------------------------------------------------ tickets


def _tickets(tx: Connection, after: After, far: Forgotten, due: together.Due) -> tuple[Counter[str], After | None]:
    """The next tickets that are as *far*: each becomes as far as all are that belong to it."""
    query = (
        select(tickets.c.id, tickets.c.closed_at)
        .where(text(TO_FORGET), tickets.c.forgotten == far, tickets.c.closed_at <= due.latest(far))
        .where(tuple_(tickets.c.closed_at, tickets.c.id) > after)
        .order_by(tickets.c.closed_at, tickets.c.id)
        .limit(MOST)
    )
    found = list(tx.execute(query))
    wanted = together.due(tx, [row.id for row in found], due) if found else {}
    going = {ticket_id: to for ticket_id, to in wanted.items() if to > far}
    return _forget(tx, going, far, due.now) if going else Counter(), _end(found, "closed_at")


def _forget(tx: Connection, going: dict[int, Forgotten], far: Forgotten, now: datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    happened: dict[int, list[Event]] = {ticket_id: [] for ticket_id, to in going.items() if to < Forgotten.HISTORY}
    if far < Forgotten.WORDS:
        mails = {row.id: row.ticket_id for row in tx.execute(_words_of(going))}
        counts.update(emptying.empty_mails(tx, mails, now))
        counts["our_mails"] += emptying.empty_sent(tx, tx.scalars(_sent_about(going)).all())
        of_each = Counter(mails.values())
        for ticket_id, told in happened.items():
            told.append(Event(WHAT, GATEWAY, {"what": "mail_and_attachments", "mails": of_each[ticket_id]}))
    nameless = [ticket_id for ticket_id, to in going.items() if far < Forgotten.PEOPLE <= to]
    emptying.empty_tickets(tx, nameless)
    counts["tickets"] += len(nameless)
    for ticket_id in happened.keys() & set(nameless):
        happened[ticket_id].append(Event(WHAT, GATEWAY, {"what": "tickets"}))
    history.append_each(tx, happened, now)
    counts.update(_delete_histories(tx, going.keys() - happened.keys(), now))
    for to in set(going.values()):
        those = [ticket_id for ticket_id, each in going.items() if each is to]
        tx.execute(update(tickets).where(tickets.c.id.in_(those)).values(forgotten=to))
    return counts


def _words_of(ticket_ids: Iterable[int]) -> Any:
    own = messages.c.ticket_id.in_(list(ticket_ids)) & messages.c.forgotten_at.is_(None)
    return select(messages.c.id, messages.c.ticket_id).where(own)


def _sent_about(ticket_ids: Iterable[int]) -> Any:
    return select(outbox_mails.c.id).where(outbox_mails.c.ticket_id.in_(list(ticket_ids)))


def _delete_histories(tx: Connection, ticket_ids: Iterable[int], now: datetime) -> Counter[str]:
    ids = sorted(ticket_ids)
    if not ids:
        return Counter()
    columns = (tickets.c.id, tickets.c.ref, tickets.c.events, tickets.c.head)
    ends = tx.execute(select(*columns).where(tickets.c.id.in_(ids)).order_by(tickets.c.id)).all()
    deleted = [forgotten.Deleted(row.id, row.ref, Head(row.events, row.head)) for row in ends if row.events]
    forgotten.add(tx, deleted, now, "audit_trail")
    names = ("ticket_id", "serial", "at", "what")
    counted = select(*(events.c[name] for name in names)).where(events.c.ticket_id.in_(ids), events.c.what.in_(AGAIN))
    tx.execute(insert(repeats).from_select(names, counted))
    count = tx.execute(delete(events).where(events.c.ticket_id.in_(ids))).rowcount
    tx.execute(update(tickets).where(tickets.c.id.in_(ids)).values(events=0, head=GENESIS))
    return Counter({"histories": len(deleted), "events": count})


# ------------------------------------------------------------------ what belongs to no ticket


def _ignored(tx: Connection, after: After, before: datetime, now: datetime) -> tuple[Counter[str], After | None]:
    """The words of mail that belongs to no ticket."""
    found = list(tx.execute(_aged(text(ALONE), before, after)))
    counts = emptying.empty_mails(tx, [row.id for row in found], now)
    counts["ignored_mails"] = counts.pop("mails")
    return Counter(counts), _end(found, "received_at")


def _fingerprints(tx: Connection, after: After, before: datetime) -> tuple[Counter[str], After | None]:
    """What tells of mails without words that they were here, but of tickets that are open again or held."""
    found = list(tx.execute(_aged(text(FORGOTTEN), before, after)))
    about = {row.ticket_id for row in found if row.ticket_id}
    kept = _open(tx, about) | holds.held(tx, about).keys()
    count = emptying.delete_mails(tx, [row.id for row in found if row.ticket_id not in kept])
    return Counter({"fingerprints": count}), _end(found, "received_at")


def _aged(among: Any, before: datetime, after: After) -> Any:
    return (
        select(messages.c.id, messages.c.received_at, messages.c.ticket_id)
        .where(among, messages.c.received_at <= before)
        .where(tuple_(messages.c.received_at, messages.c.id) > after)
        .order_by(messages.c.received_at, messages.c.id)
        .limit(MOST)
    )


def _quarantined(tx: Connection, after: After, before: datetime, now: datetime) -> tuple[Counter[str], After | None]:
    """Mails that nobody could read, once nobody has to look at them any more; the newest of all waits (its id)."""
    newest = select(func.max(raw_mails.c.id)).scalar_subquery()
    query = (
        select(spool.c.id, spool.c.finished_at)
        .where(text(QUARANTINED), spool.c.finished_at <= before, spool.c.id > after[1], spool.c.id < newest)
        .order_by(spool.c.id)
        .limit(MOST)
    )
    found = list(tx.execute(query))
    telling = select(tickets.c.id, tickets.c.opened_by).where(tickets.c.opened_by.in_([row.id for row in found]))
    opened = {row.id: row.opened_by for row in tx.execute(telling)}
    kept = _open(tx, opened) | holds.held(tx, opened).keys()
    going = {row.id for row in found} - {opened[ticket_id] for ticket_id in kept}
    emptying.empty_mails(tx, going, now)
    return Counter({"quarantined_mails": emptying.delete_mails(tx, going)}), _end(found, "finished_at")


def _open(tx: Connection, ids: Iterable[int]) -> set[int]:
    query = select(tickets.c.id, tickets.c.closed_at).where(tickets.c.id.in_(sorted(ids)))
    return {row.id for row in tx.execute(query) if row.closed_at is None}


def _sent_about_none(tx: Connection, after: After, before: datetime) -> tuple[Counter[str], After | None]:
    """What we sent about no ticket, such as summaries; canaries see to themselves."""
    query = (
        select(outbox_mails.c.id, outbox_mails.c.queued_at, outbox_mails.c.message, outbox.c.state)
        .join(outbox, outbox.c.id == outbox_mails.c.id)
        .where(text("ticket_id IS NULL"), outbox_mails.c.queued_at <= before)
        .where(tuple_(outbox_mails.c.queued_at, outbox_mails.c.id) > after)
        .order_by(outbox_mails.c.queued_at, outbox_mails.c.id)
        .limit(MOST)
    )
    found = list(tx.execute(query))
    going = [row.id for row in found if row.state not in together.PENDING and row.message != CANARY]
    return Counter({"our_mails": emptying.delete_sent(tx, going)}), _end(found, "queued_at")
