"""A hint that there is something to do (docs/reliability.md section 6), between two gateways on one PostgreSQL."""

from contextlib import closing
from threading import Event, Thread

import pytest
from sqlalchemy import text

from mailgate.errors import TryLater
from mailgate.store.hints import Hints
from tests.store.conftest import opened


@pytest.fixture
def two(empty_database):
    """Two nodes, and what wakes each."""
    made = []
    with closing(opened(empty_database)) as first, closing(opened(empty_database)) as second:
        for store in (first, second):
            woken = Event()
            made.append((Hints(store, woken.set), woken))
            made[-1][0].turn()  # listens
        yield made
        for hints, _ in made:
            hints.close()


def test_another_node_wakes_and_the_one_that_told_does_not(two):
    (first, own), (second, others) = two
    for _ in range(100):
        first.tell()
    first.turn()
    second.turn()
    assert others.is_set()
    first.turn()
    assert not own.is_set()
    others.clear()
    second.turn()
    assert not others.is_set()  # one hint for a hundred


def test_a_hint_comes_while_somebody_waits_for_it(two):
    (first, _), (second, others) = two
    waiting = Thread(target=lambda: [second.turn() for _ in range(40)])
    waiting.start()
    first.tell()
    first.turn()
    assert others.wait(10)
    waiting.join()


def test_a_connection_that_broke_is_made_anew(two, empty_database):
    (first, _), (second, others) = two
    with closing(opened(empty_database)) as beside, beside.write() as tx:
        listening = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        assert len(tx.execute(text(listening)).all()) == 2
    for hints in (first, second):
        with pytest.raises(TryLater):
            hints.turn()
        hints.turn()
    first.tell()
    first.turn()
    second.turn()
    assert others.is_set()
