"""Legal holds: cases and tickets that are neither forgotten nor erased, whatever their age."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, text, union, update

from mailgate.errors import Refused
from mailgate.model.ticket import Event
from mailgate.store import history
from mailgate.store.engine import Store
from mailgate.store.tables import IN_FORCE, holds, ticket_keys, tickets

HELD, RELEASED = "legal hold", "legal hold released"
OPERATOR = "operator"


def held(connection: Connection, ticket_ids: Iterable[int]) -> dict[int, str]:
    """Those of these tickets that a hold keeps, each with the case or the reference that is held."""
    wanted = sorted(ticket_ids)
    by_key = select(ticket_keys.c.ticket_id, holds.c.value).join(holds, holds.c.value == ticket_keys.c.value)
    by_ref = select(tickets.c.id, holds.c.value).join(holds, holds.c.value == tickets.c.ref)
    in_force = text(f"holds.{IN_FORCE}")
    found = connection.execute(by_key.where(ticket_keys.c.ticket_id.in_(wanted), in_force)).all()
    return {row[0]: row[1] for row in (*found, *connection.execute(by_ref.where(tickets.c.id.in_(wanted), in_force)))}


def hold(store: Store, value: str, reason: str, by: str, now: datetime) -> int:
    """Keep the case or the ticket *value* until it is released; how many tickets that are by now. Refused if it is.

    A case is kept with every ticket about it that comes later.
    """
    with store.write() as tx:
        if tx.execute(select(holds.c.id).where(holds.c.value == value, text(IN_FORCE))).first():
            raise Refused(f"{value} is held already: see mailgate retention holds")
        row = {"value": value, "reason": reason, "set_by": by, "set_at": now}
        number = tx.execute(insert(holds).returning(holds.c.id), row).scalar_one()
        return _tell(tx, value, Event(HELD, OPERATOR, {"hold": number}, {"by": by, "reason": reason}), now)


def release(store: Store, value: str, by: str, now: datetime) -> int:
    """Let what is due be forgotten again; how many tickets that concerns. Refused where *value* is not held."""
    ending = update(holds).where(holds.c.value == value, text(IN_FORCE)).values(released_by=by, released_at=now)
    with store.write() as tx:
        number = tx.execute(ending.returning(holds.c.id)).scalar()
        if number is None:
            raise Refused(f"{value} is not held: see mailgate retention holds")
        return _tell(tx, value, Event(RELEASED, OPERATOR, {"hold": number}, {"by": by}), now)


def listing(connection: Connection) -> list[dict[str, Any]]:
    """Every hold that is in force, the oldest first, with how many tickets it keeps."""
    found = connection.execute(select(holds).where(text(IN_FORCE)).order_by(holds.c.id)).all()
    return [
        {
            "value": row.value,
            "reason": row.reason,
            "set_by": row.set_by,
            "set_at": row.set_at.isoformat(),
            "tickets": len(connection.execute(_tickets_of(row.value)).all()),
        }
        for row in found
    ]


def _tell(tx: Connection, value: str, happened: Event, now: datetime) -> int:
    """Add to the history of each ticket what happened to it; how many that are."""
    ids = tx.scalars(_tickets_of(value)).all()
    history.append_each(tx, {ticket_id: [happened] for ticket_id in ids}, now)
    return len(ids)


def _tickets_of(value: str) -> Select[Any]:
    by_ref = select(tickets.c.id).where(tickets.c.ref == value)
    found = union(by_ref, select(ticket_keys.c.ticket_id.label("id")).where(ticket_keys.c.value == value)).subquery()
    return select(found.c.id).order_by(found.c.id)
