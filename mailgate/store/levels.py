"""The capacity levels of units: what was ordered, what is in force, and how far open tickets follow it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from mailgate.errors import TryLater
from mailgate.model.capacity import Level, Levels, NewLevel
from mailgate.store.columns import storable
from mailgate.store.engine import upsert
from mailgate.store.tables import capacity_levels, held_tickets, instance

CHANGES = "capacity"
"""The note in ``instance`` that counts how often a level began."""

_NEWEST = (
    select(func.max(capacity_levels.c.id))
    .where(capacity_levels.c.in_force_since.is_not(None))
    .group_by(capacity_levels.c.unit)
)
IN_FORCE = select(capacity_levels).where(capacity_levels.c.id.in_(_NEWEST)).order_by(capacity_levels.c.unit)
_COUNT: Select[Any] = select(instance.c.value).where(instance.c.name == CHANGES)
_COUNT_AS_IT_IS = _COUNT.with_for_update(read=True)


def in_force(connection: Connection) -> Levels:
    """The level of each unit that ever had one."""
    change = connection.execute(_COUNT).scalar()
    if change is None:
        return Levels()
    return Levels(int(change), {row.unit: of_row(row) for row in connection.execute(IN_FORCE)})


def of_row(row: Any) -> Level:
    return Level(row.id, row.unit, row.level, row.review_on)


def unchanged(tx: Connection, known: Levels) -> None:
    """TryLater unless the levels are those that are *known*; they stay so until the transaction ends."""
    change = tx.execute(_COUNT_AS_IT_IS).scalar()
    if int(change or 0) != known.change:
        raise TryLater("a capacity level began meanwhile")


def order(tx: Connection, new: NewLevel, now: datetime, starts_at: datetime | None = None) -> int:
    """Set a level, now or from *starts_at* on; the number of the order. What was planned before comes to nothing."""
    starts_at = max(now, starts_at or now)
    row = {
        "unit": new.unit,
        "level": new.name,
        "reason": storable(new.reason),
        "set_by": new.by,
        "set_at": now,
        "starts_at": starts_at,
        "review_on": new.review_on,
        "in_force_since": now if starts_at == now else None,
        "reached": 0,
    }
    found: int = tx.execute(insert(capacity_levels).returning(capacity_levels.c.id), row).scalar_one()
    if starts_at == now:
        _count(tx)
    return found


def begin(tx: Connection, now: datetime) -> None:
    """Bring into force what was planned for a time that has come, unless something newer was ordered since."""
    waits = capacity_levels.c.in_force_since.is_(None) & (capacity_levels.c.starts_at <= now)
    begun = list(tx.scalars(select(capacity_levels.c.id).where(waits).order_by(capacity_levels.c.id).with_for_update()))
    if begun:
        tx.execute(update(capacity_levels).where(capacity_levels.c.id.in_(begun)).values(in_force_since=now))
        _count(tx)


def may_begin(connection: Connection, now: datetime) -> bool:
    waits = capacity_levels.c.in_force_since.is_(None) & (capacity_levels.c.starts_at <= now)
    return connection.execute(select(capacity_levels.c.id).where(waits).limit(1)).first() is not None


def _count(tx: Connection) -> None:
    change = int(tx.execute(_COUNT.with_for_update()).scalar() or 0)
    tx.execute(upsert(tx, instance), {"name": CHANGES, "value": str(change + 1)})


def listing(connection: Connection) -> list[dict[str, Any]]:
    """The levels in force and those that are planned, in order of units, with how many tickets each holds."""
    planned = capacity_levels.c.in_force_since.is_(None)
    wanted = capacity_levels.c.id.in_(_NEWEST) | planned
    query = select(capacity_levels).where(wanted).order_by(capacity_levels.c.unit, capacity_levels.c.id)
    held = select(held_tickets.c.level_id, held_tickets.c.effect, func.count())
    counts = {
        (level, effect): count
        for level, effect, count in connection.execute(held.group_by(held_tickets.c.level_id, held_tickets.c.effect))
    }
    return [
        {
            "unit": row.unit,
            "level": row.level,
            "reason": row.reason,
            "set_by": row.set_by,
            "set_at": row.set_at.isoformat(),
            "starts_at": row.starts_at.isoformat(),
            "review_on": row.review_on.isoformat(),
            "in_force": row.in_force_since is not None,
            "slowed": counts.get((row.id, "slowed"), 0),
            "paused": counts.get((row.id, "paused"), 0),
        }
        for row in connection.execute(query)
    ]


def to_review(connection: Connection, today: date) -> Sequence[Any]:
    """The rows of the levels in force whose review date has come."""
    return connection.execute(IN_FORCE.where(capacity_levels.c.review_on <= today)).all()
