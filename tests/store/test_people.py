"""The directory in the store."""

from mailgate.model.people import Person
from mailgate.store import people
from mailgate.store.engine import Store

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
