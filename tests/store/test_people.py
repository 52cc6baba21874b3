"""The directory in the store."""

from datetime import date

from sqlalchemy import update

from mailgate.model.people import Person, Worker
from mailgate.store import people
from mailgate.store.engine import Store
from mailgate.store.tables import tickets
from tests.store import made

ANN = Person("ann@council.example", "Ann Other", "agent", "Service Desk", "desk")
BEN = Person("ben@council.example", "Ben Carter", "officer", "Planning")


def test_people_are_added_found_and_overwritten(store: Store) -> None:
    with store.write() as tx:
        assert people.put(tx, [ANN, BEN, ANN]) == 2
        assert people.put(tx, [Person("Ben@Council.Example", "Ben Carter", "officer", "Housing", "desk")]) == 1
    moved = Person("ben@council.example", "Ben Carter", "officer", "Housing", "desk")
    with store.read() as connection:
        assert people.listing(connection) == [ANN, moved]
        assert people.by_address(connection, ["ben@council.example", "nobody@x"]) == {moved.address: moved}
        assert people.by_address(connection, []) == {}
        assert people.members(connection, ["desk", "field-team"]) == {"desk": (ANN, moved), "field-team": ()}


def test_nobody_is_added_from_an_empty_file(store: Store) -> None:
    with store.write() as tx:
        assert people.put(tx, []) == 0


def test_a_worker_comes_with_what_is_open_and_what_was_last(store: Store) -> None:
    with store.write() as tx:
        people.put(tx, [Person("a@council.example", "A", team="desk"), Person("b@council.example", "B", team="desk")])
        assert people.set_away(tx, "B@council.example", date(2026, 12, 24))
        assert not people.set_away(tx, "c@council.example", None)
    first = made.opened(store, "MG-7K3F-99", assignee="a@council.example")
    last = made.opened(store, "MG-8K3F-99", assignee="a@council.example")
    with store.write() as tx:
        tx.execute(update(tickets).where(tickets.c.id == last.id).values(closed_at=made.NOW))
        found = people.workers(tx, ["desk", "other"])
    assert first.id < last.id
    assert found == (
        Worker("a@council.example", "desk", open_tickets=1, last_ticket=last.id),
        Worker("b@council.example", "desk", away_until=date(2026, 12, 24)),
    )
    with store.write() as tx:
        assert people.workers(tx, []) == ()
