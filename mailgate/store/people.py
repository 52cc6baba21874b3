"""The directory in the store: who has which role, in which unit and team."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from mailgate.model.people import Person, Worker
from mailgate.store.engine import upsert
from mailgate.store.tables import people, tickets

COLUMNS = (people.c.address, people.c.name, people.c.role, people.c.unit, people.c.team)

# Two look-ups in an index for each member, however many tickets there are.
_OWN = tickets.c.assignee == people.c.address
_WANTED: Any = bindparam("wanted", expanding=True)
BY_ADDRESS = select(*COLUMNS).where(people.c.address.in_(_WANTED))
MEMBERS = select(*COLUMNS).where(people.c.team.in_(_WANTED)).order_by(people.c.address)
_OPEN = select(func.count()).where(_OWN, tickets.c.closed_at.is_(None)).scalar_subquery()
_LAST = select(func.max(tickets.c.id)).where(_OWN).scalar_subquery()
WORKERS = (
    select(
        *(people.c.address, people.c.team, people.c.away_until),
        *(_OPEN.label("open_tickets"), _LAST.label("last_ticket")),
    )
    .where(people.c.team.in_(_WANTED))
    .order_by(people.c.address)
)


def put(tx: Connection, persons: Iterable[Person]) -> int:
    """Add *persons*, or overwrite those that have the same address; how many there were."""
    by_address = {person.address.lower(): person for person in persons}
    rows = [
        {"address": address, "name": one.name, "role": one.role, "unit": one.unit, "team": one.team}
        for address, one in by_address.items()
    ]
    if rows:
        tx.execute(upsert(tx, people), rows)
    return len(rows)


def by_address(connection: Connection, addresses: Iterable[str]) -> dict[str, Person]:
    """Who of *addresses* is in the directory."""
    wanted = sorted(set(addresses))
    found = connection.execute(BY_ADDRESS, {"wanted": wanted}) if wanted else ()
    return {row.address: _person(row) for row in found}


def members(connection: Connection, teams: Iterable[str]) -> dict[str, tuple[Person, ...]]:
    """The members of each of *teams*, in order of address."""
    wanted = sorted(set(teams))
    if not wanted:
        return {}
    found = [_person(row) for row in connection.execute(MEMBERS, {"wanted": wanted})]
    return {team: tuple(person for person in found if person.team == team) for team in wanted}


def workers(connection: Connection, teams: Iterable[str]) -> tuple[Worker, ...]:
    """The members of *teams*, with how much work each has."""
    wanted = sorted(set(teams))
    found = connection.execute(WORKERS, {"wanted": wanted}).all() if wanted else ()
    return tuple(Worker(row.address, row.team, row.open_tickets, row.last_ticket or 0, row.away_until) for row in found)


def absences(connection: Connection, teams: Iterable[str]) -> tuple[Worker, ...]:
    """The members of *teams* and until when they are away; not how much work they have."""
    columns = (people.c.address, people.c.team, people.c.away_until)
    query = select(*columns).where(people.c.team.in_(sorted(set(teams)))).order_by(people.c.address)
    return tuple(Worker(row.address, row.team, away_until=row.away_until) for row in connection.execute(query))


def set_away(tx: Connection, address: str, until: date | None) -> bool:
    """That somebody is away, up to and with the day *until*; None: back again. False for one who is not listed."""
    away = update(people).where(people.c.address == address.lower()).values(away_until=until)
    return tx.execute(away).rowcount == 1


def listing(connection: Connection) -> Sequence[Person]:
    """Everybody in the directory, in order of address."""
    return [_person(row) for row in connection.execute(select(*COLUMNS).order_by(people.c.address))]


def _person(row: Any) -> Person:
    return Person(address=row.address, name=row.name, role=row.role, unit=row.unit, team=row.team)
