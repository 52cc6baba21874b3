"""The history of a ticket cannot be changed unnoticed."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from mailgate.errors import Refused
from mailgate.model.ticket import Event
from mailgate.store.engine import Store
from mailgate.store.history import append, verify
from mailgate.store.tables import events
from tests.store import made

REF = "MG-7K3F-99"
LENGTH = 5
COLUMNS = ("at", "what", "data", "actor", "personal", "salt", "personal_hash", "hash")


class Undone(Exception):
    """Takes a tampering back, so that each starts from the same history."""


def long_history(store: Store) -> None:
    ticket = made.opened(store, REF)
    happened = [Event("noted", "cleo@x", {"number": number}, {"note": "ü\0\ud800"}) for number in range(LENGTH - 1)]
    with store.write() as tx:
        append(tx, ticket.id, happened[:2], made.NOW)
        append(tx, ticket.id, happened[2:], made.NOW)


def first_bad_after(store: Store, *tampering: Any) -> int | None:
    """What ``verify`` says while *tampering* is in force."""
    found: int | None = None
    try:
        with store.write() as tx:
            for statement in tampering:
                tx.execute(statement)
            found = verify(tx, REF)
            raise Undone
    except Undone:
        return found


def test_an_untouched_history_is_whole(store: Store) -> None:
    long_history(store)
    with store.read() as connection:
        assert verify(connection, REF) is None
        with pytest.raises(Refused):
            verify(connection, "MG-2346-7T")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_S77_any_change_of_any_value_is_found_where_it_was_made(store: Store, data: st.DataObject) -> None:
    if first_bad_after_nothing(store):
        long_history(store)
    serial = data.draw(st.integers(1, LENGTH))
    column = data.draw(st.sampled_from(COLUMNS))
    with store.read() as connection:
        old = connection.execute(select(events.c[column]).where(events.c.serial == serial)).scalar_one()
    new = data.draw(_another(old))
    assert first_bad_after(store, update(events).where(events.c.serial == serial).values({column: new})) == serial


def first_bad_after_nothing(store: Store) -> bool:
    with store.read() as connection:
        return connection.execute(select(events.c.serial)).first() is None


def _another(old: Any) -> st.SearchStrategy[Any]:
    printable = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
    kinds: dict[type, st.SearchStrategy[Any]] = {
        int: st.integers(0, 2**60),
        bytes: st.binary(max_size=40),
        str: printable | st.just(f"{old} "),
    }
    return kinds[type(old)].filter(lambda new: new != old)


@pytest.mark.parametrize("serial", range(1, LENGTH + 1))
def test_S77_a_missing_event_is_found_also_at_the_end(store: Store, serial: int) -> None:
    long_history(store)
    assert first_bad_after(store, delete(events).where(events.c.serial == serial)) == serial


def test_S77_events_in_another_order_and_events_added_are_found(store: Store) -> None:
    long_history(store)
    swap = [update(events).where(events.c.serial == old).values(serial=new) for old, new in ((2, 99), (3, 2), (99, 3))]
    assert first_bad_after(store, *swap) == 2
    copied = select(events.c.ticket_id, LENGTH + 1, *(events.c[name] for name in COLUMNS)).where(events.c.serial == 1)
    adding = insert(events).from_select(["ticket_id", "serial", *COLUMNS], copied)
    assert first_bad_after(store, adding) == LENGTH + 1


def test_erasing_the_personal_values_with_their_salt_leaves_the_history_whole(store: Store) -> None:
    long_history(store)
    third = update(events).where(events.c.serial == 3)
    assert first_bad_after(store, third.values(actor=None, personal=None, salt=None)) is None
    assert first_bad_after(store, third.values(salt=None)) == 3
    assert first_bad_after(store, third.values(actor=None)) == 3
