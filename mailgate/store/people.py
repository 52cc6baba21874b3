"""The directory in the store: who has which role, in which unit and team."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from mailgate.model.people import Person
from mailgate.store.engine import upsert
from mailgate.store.tables import people

COLUMNS = (people.c.address, people.c.name, people.c.role, people.c.unit, people.c.team)


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
    query = select(*COLUMNS).where(people.c.address.in_(sorted(set(addresses))))
    return {row.address: _person(row) for row in connection.execute(query)}


def members(connection: Connection, teams: Iterable[str]) -> dict[str, tuple[Person, ...]]:
    """The members of each of *teams*, in order of address."""
    wanted = sorted(set(teams))
    if not wanted:
        return {}
    query = select(*COLUMNS).where(people.c.team.in_(wanted)).order_by(people.c.address)
    found = [_person(row) for row in connection.execute(query)]
    return {team: tuple(person for person in found if person.team == team) for team in wanted}


def listing(connection: Connection) -> Sequence[Person]:
    """Everybody in the directory, in order of address."""
    return [_person(row) for row in connection.execute(select(*COLUMNS).order_by(people.c.address))]


def _person(row: Any) -> Person:
    return Person(address=row.address, name=row.name, role=row.role, unit=row.unit, team=row.team)
