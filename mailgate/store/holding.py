"""What capacity levels did to tickets: written beside each, and brought up to the level in force in batches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, or_, select, text, update

from mailgate.model.capacity import Effect, Level
from mailgate.model.ticket import Held, Status, WaitingFor
from mailgate.store.engine import upsert
from mailgate.store.levels import IN_FORCE, of_row
from mailgate.store.rows import LEVEL, level_of
from mailgate.store.tables import OPEN, capacity_levels, events, held_tickets, people, tickets
from mailgate.tickets.timing import ORDERED, RETIMED

FOLLOW_UP = "follow-up"
_BY_HAND = f'%"because":"{ORDERED}"%'


@dataclass(frozen=True, slots=True)
class Open:
    """A ticket that a level may concern: the *unit* of its requester, and what is *held*, by which unit's level.

    *events* is how long its history was when it was held.
    """

    id: int
    unit: str
    team: str | None
    task: str | None
    held: Held | None = None
    held_by: str = ""
    events: int = 0


def levels_of(connection: Connection) -> dict[int, Level]:
    """The level by which each ticket is held, by the ticket's id."""
    query = select(held_tickets.c.ticket_id, *LEVEL).join(
        capacity_levels, capacity_levels.c.id == held_tickets.c.level_id
    )
    return {row.ticket_id: level_of(row) for row in connection.execute(query)}


def hold(tx: Connection, held: Mapping[int, tuple[Held, int]]) -> None:
    """Write what holds each ticket, by its id, and how long its history is."""
    rows = [_row(ticket_id, each, events) for ticket_id, (each, events) in held.items()]
    if rows:
        tx.execute(upsert(tx, held_tickets), rows)


def let_go(tx: Connection, ticket_ids: Sequence[int]) -> None:
    if ticket_ids:
        tx.execute(delete(held_tickets).where(held_tickets.c.ticket_id.in_(ticket_ids)))


def _row(ticket_id: int, held: Held, events: int) -> dict[str, Any]:
    return {
        "ticket_id": ticket_id,
        "level_id": held.level.id,
        "unit": held.level.unit,
        "effect": held.effect,
        "status": held.status,
        "waiting_for": held.waiting_for,
        "due_before": held.due_before,
        "due_after": held.due_after,
        "paused_seconds": held.paused_seconds,
        "events": events,
    }


# ------------------------------------------------------------------ bringing open tickets up to a level


def to_apply(connection: Connection, version: str) -> list[Level]:
    """The levels in force that some open tickets do not follow yet, as *version* of the configuration says."""
    left = or_(capacity_levels.c.reached.is_not(None), capacity_levels.c.applied != version)
    query = IN_FORCE.where(left)
    return [of_row(row) for row in connection.execute(query)]


def reached(tx: Connection, level: Level, version: str) -> int | None:
    """The last ticket that follows *level*, None for all; nobody else brings others up to it meanwhile."""
    columns = (capacity_levels.c.reached, capacity_levels.c.applied)
    row = tx.execute(select(*columns).where(capacity_levels.c.id == level.id).with_for_update()).one()
    if row.applied == version:
        found: int | None = row.reached
        return found
    values = {"applied": version, "reached": 0}
    tx.execute(update(capacity_levels).where(capacity_levels.c.id == level.id).values(values))
    return 0


def move(tx: Connection, level: Level, to: int | None) -> None:
    """All tickets up to and with that one follow *level*; None: all there are."""
    tx.execute(update(capacity_levels).where(capacity_levels.c.id == level.id).values(reached=to))


def candidates(tx: Connection, unit: str, after: int, most: int, *, only_held: bool) -> list[Open]:
    """The next tickets after that id which are open, or held by a level of *unit*: those alone where *only_held*."""
    held = select(held_tickets.c.ticket_id).where(held_tickets.c.unit == unit, held_tickets.c.ticket_id > after)
    found = set(tx.scalars(held.order_by(held_tickets.c.ticket_id).limit(most)))
    if not only_held:
        still_open = select(tickets.c.id).where(text(OPEN), tickets.c.id > after)
        found.update(tx.scalars(still_open.order_by(tickets.c.id).limit(most)))
    columns = (tickets.c.id, tickets.c.team, tickets.c.task, people.c.unit.label("requesters_unit"))
    query = (
        select(*columns, *(column.label(f"held_{column.name}") for column in held_tickets.c), *LEVEL)
        .outerjoin(held_tickets, held_tickets.c.ticket_id == tickets.c.id)
        .outerjoin(capacity_levels, capacity_levels.c.id == held_tickets.c.level_id)
        .outerjoin(people, people.c.address == tickets.c.requester)
        .where(tickets.c.id.in_(sorted(found)[:most]))
        .order_by(tickets.c.id)
    )
    return [_open(row) for row in tx.execute(query)]


def _open(row: Any) -> Open:
    common = (row.id, row.requesters_unit or "", row.team, row.task)
    if row.held_ticket_id is None:
        return Open(*common)
    held = Held(
        level=level_of(row),
        effect=Effect(row.held_effect),
        status=Status(row.held_status),
        waiting_for=WaitingFor(row.held_waiting_for) if row.held_waiting_for else None,
        due_before=row.held_due_before,
        due_after=row.held_due_after,
        paused_seconds=row.held_paused_seconds,
    )
    return Open(*common, held, row.held_unit, row.held_events)


def locked(tx: Connection, ticket_ids: Iterable[int]) -> None:
    """Nobody else changes these tickets until the transaction ends."""
    wanted = tickets.c.id.in_(sorted(ticket_ids))
    tx.execute(select(tickets.c.id).where(wanted).order_by(tickets.c.id).with_for_update())


def lengths(tx: Connection, ticket_ids: Iterable[int]) -> dict[int, int]:
    """How long the history of each ticket is."""
    query = select(tickets.c.id, tickets.c.events).where(tickets.c.id.in_(sorted(ticket_ids)))
    return {row.id: row.events for row in tx.execute(query)}


def set_by_hand(tx: Connection, ticket_ids: Iterable[int]) -> set[int]:
    """Those of these tickets whose times a person set."""
    query = select(events.c.ticket_id).where(events.c.ticket_id.in_(sorted(ticket_ids)), events.c.what == RETIMED)
    return set(tx.scalars(query.where(events.c.data.like(_BY_HAND))))


def went_on(tx: Connection, since: Mapping[int, int]) -> set[int]:
    """Those of these tickets about which somebody wrote since their history was as long as given."""
    query = select(events.c.ticket_id, events.c.serial)
    found = tx.execute(query.where(events.c.ticket_id.in_(sorted(since)), events.c.what == FOLLOW_UP))
    return {row.ticket_id for row in found if row.serial > since[row.ticket_id]}
