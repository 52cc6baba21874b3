"""The record of deleted histories is a chain: whoever changes or cuts it is seen."""

from sqlalchemy import delete, update

from mailgate.store import forgotten
from mailgate.store.engine import Store
from mailgate.store.forgotten import Deleted
from mailgate.store.history import Head
from mailgate.store.tables import forgotten as table
from tests.store import made

DELETED = [Deleted(number, f"MG-{number}", Head(number, bytes([number]) * 32)) for number in (1, 2, 3)]


def added(store: Store) -> Head:
    with store.write() as tx:
        forgotten.add(tx, DELETED[:1], made.NOW, "6 years")
        forgotten.add(tx, DELETED[1:], made.NOW, "6 years")
    with store.read() as connection:
        return forgotten.head(connection)


def test_what_was_deleted_is_recorded_with_the_end_of_its_history(store: Store) -> None:
    end = added(store)
    with store.read() as connection:
        assert forgotten.verify(connection) is None
        assert forgotten.of_tickets(connection, [2, 9]) == {2: [Head(2, b"\2" * 32)]}
    assert end.count == 3


def test_a_changed_record_and_a_missing_one_are_found(store: Store) -> None:
    end = added(store)
    with store.write() as tx:
        tx.execute(update(table).where(table.c.serial == 2).values(events=9))
    with store.read() as connection:
        assert forgotten.verify(connection) == 2
    with store.write() as tx:
        tx.execute(delete(table).where(table.c.serial == 2))
    with store.read() as connection:
        assert forgotten.verify(connection) == 2
        assert forgotten.head(connection) == end  # what a seal compares
    with store.write() as tx:
        tx.execute(delete(table).where(table.c.serial == 3))
    with store.read() as connection:
        assert forgotten.head(connection).count == 1
