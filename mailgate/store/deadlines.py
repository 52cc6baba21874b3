"""The clocks whose ladder is to be looked at, what was taken of it, and who is still to be told.

Whoever moves ``next_check_at`` owns the look; the keys of ``rungs`` and ``tellings`` hold even where two did.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, text, tuple_, update

from mailgate.model.outbound import Outbound
from mailgate.model.people import Person
from mailgate.model.ticket import Change, Event
from mailgate.store import history, outbox, people
from mailgate.store.changing import change_ticket
from mailgate.store.engine import Store, insert_new, upsert
from mailgate.store.tables import clocks, instance, rungs, tellings, tickets

RUNS = "next_check_at IS NOT NULL"
LADDER = "ladder"
_OURS = (
    (clocks.c.ticket_id == bindparam("ticket"))
    & (clocks.c.kind == bindparam("which"))
    & (clocks.c.next_check_at == bindparam("seen"))
)
# Made once: to make a statement takes as long as to run it.
_DUE = (
    select(clocks)
    .where(text(RUNS), clocks.c.next_check_at <= bindparam("now"))
    .order_by(clocks.c.next_check_at)
    .limit(bindparam("most"))
)
_MOVE = update(clocks).where(_OURS).values(next_check_at=bindparam("next"))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look at one clock came to: the rungs it took, as (name, nth), and whom they tell, as (name, nth, reader).

    *seen* is when the look was due, *next_at* when the next one is. *late* are the names of rungs of a broken promise.
    """

    ticket_id: int
    kind: str
    seen: datetime
    next_at: datetime | None
    rungs: tuple[tuple[str, int], ...] = ()
    readers: tuple[tuple[str, int, str], ...] = ()
    late: frozenset[str] = frozenset()
    change: Change | None = None
    event: Event | None = None


def due(connection: Connection, now: datetime, most: int) -> Sequence[Any]:
    """The clocks to be looked at, the longest due first: what this costs follows from how many they are."""
    return connection.execute(_DUE, {"now": now, "most": most}).all()


def next_check_at(connection: Connection) -> datetime | None:
    """When the next look is due."""
    return connection.execute(select(func.min(clocks.c.next_check_at)).where(text(RUNS))).scalar()


def taken(connection: Connection, ticket_ids: Iterable[int]) -> dict[tuple[int, str], dict[str, int]]:
    """How often each rung was taken, by ticket and clock."""
    query = select(rungs.c.ticket_id, rungs.c.kind, rungs.c.rung, func.max(rungs.c.nth))
    query = query.where(rungs.c.ticket_id.in_(sorted(set(ticket_ids)))).group_by(*query.selected_columns[:3])
    found: dict[tuple[int, str], dict[str, int]] = {}
    for ticket_id, kind, rung, nth in connection.execute(query):
        found.setdefault((ticket_id, kind), {})[rung] = nth
    return found


def with_roles(connection: Connection, roles: Iterable[str]) -> Sequence[Person]:
    """Everybody who has one of *roles*, in whatever letters it is written."""
    wanted = {role.casefold() for role in roles}
    return [person for person in people.listing(connection) if person.role.casefold() in wanted] if wanted else []


def take(store: Store, looks: Sequence[Taken], now: datetime) -> int:
    """Write what *looks* came to, in one transaction; how many rungs. A clock that changed meanwhile is left alone."""
    if not looks:
        return 0
    with store.write() as tx:
        ids = sorted({each.ticket_id for each in looks if each.rungs})
        tx.execute(select(tickets.c.id).where(tickets.c.id.in_(ids)).order_by(tickets.c.id).with_for_update())
        idle = [each for each in looks if not each.rungs]
        if idle:
            tx.execute(_MOVE, [_move(each) for each in idle])
        return sum(_take(tx, each, now) for each in looks if each.rungs)


def _move(look: Taken) -> dict[str, Any]:
    return {"ticket": look.ticket_id, "which": look.kind, "seen": look.seen, "next": look.next_at}


def _take(tx: Connection, look: Taken, now: datetime) -> int:
    if tx.execute(_MOVE, _move(look)).rowcount != 1:
        return 0
    clock = {"ticket_id": look.ticket_id, "kind": look.kind}
    tx.execute(
        insert_new(tx, rungs), [{**clock, "rung": name, "nth": nth, "taken_at": now} for name, nth in look.rungs]
    )
    told = [
        {**clock, "rung": name, "nth": nth, "reader": reader, "is_late": name in look.late}
        for name, nth, reader in look.readers
    ]
    if told:
        tx.execute(insert_new(tx, tellings), told)
    happened = [look.event] if look.event else []
    if look.change is not None:
        change_ticket(tx, look.change, happened, now)
    else:
        history.append(tx, look.ticket_id, happened, now)
    return len(look.rungs)


# ------------------------------------------------------------------ telling


def readers(connection: Connection, most: int) -> Sequence[str]:
    """Who is still to be told of something, the longest waiting first."""
    query = select(tellings.c.reader).group_by(tellings.c.reader).order_by(func.min(tellings.c.id)).limit(most)
    return connection.scalars(query).all()


def waiting(tx: Connection, reader: str, most: int) -> Sequence[Any]:
    """What *reader* is to be told, the oldest first; nobody else writes to the tickets meanwhile."""
    query = (
        select(tellings)
        .join(tickets, tickets.c.id == tellings.c.ticket_id)
        .where(tellings.c.reader == reader)
        .order_by(tellings.c.id)
        .limit(most)
        .with_for_update(of=[tellings, tickets])
    )
    return tx.execute(query).all()


def told(tx: Connection, ids: Sequence[int], mails: Sequence[tuple[int, Outbound]], now: datetime) -> None:
    """The tellings with these *ids* are said by *mails*, each about the ticket of that id."""
    outbox.queue(tx, [outbox.Queued(mail, ticket_id, now, to_stranger=False) for ticket_id, mail in mails])
    tx.execute(delete(tellings).where(tellings.c.id.in_(ids)))


# ------------------------------------------------------------------ another ladder


def look_again(store: Store, version: str, now: datetime, batch: int = 1000) -> None:
    """Where another *version* of the ladder was climbed last, every clock that still climbs is looked at."""
    with store.read() as connection:
        known = connection.execute(select(instance.c.value).where(instance.c.name == LADDER)).scalar()
    if known == version:
        return
    climbing = select(clocks.c.ticket_id, clocks.c.kind).where(text(RUNS), clocks.c.next_check_at > now).limit(batch)
    some = update(clocks).where(tuple_(clocks.c.ticket_id, clocks.c.kind).in_(climbing)).values(next_check_at=now)
    left = batch
    while left == batch:
        with store.write() as tx:
            left = tx.execute(some).rowcount
    with store.write() as tx:
        tx.execute(upsert(tx, instance), {"name": LADDER, "value": version})
