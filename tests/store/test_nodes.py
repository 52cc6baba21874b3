"""What the nodes of one store tell of themselves, on both engines."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from mailgate.store import nodes
from mailgate.store.nodes import Running, examine, forget, seen, tell
from mailgate.store.tables import nodes as table

OURS = Running("1.0", "0020", "abc")
MINUTE = 60_000_000


def now() -> datetime:
    return datetime.now(UTC)


def known(store):
    with store.read() as connection:
        return seen(connection)


def silent_for(store, minutes: int) -> None:
    with store.write() as tx:
        tx.execute(update(table).values(seen_at=table.c.seen_at - minutes * MINUTE))


def test_a_node_is_seen_with_what_it_runs_until_it_leaves(store):
    first = tell(store, "a", OURS, None, now)
    tell(store, "b", OURS, None, now)
    again = tell(store, "a", Running("1.1", "0020", "abc"), first.started_at, now)
    assert [(node.name, node.running.version) for node in known(store)] == [("a", "1.1"), ("b", "1.0")]
    assert (again.started_at, known(store)[0].started_at) == (first.started_at, first.started_at)
    forget(store, "a")
    assert [node.name for node in known(store)] == ["b"]


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_is_compared_with_the_databases(store, minutes):
    off = timedelta(minutes=minutes)
    told = tell(store, "a", OURS, None, lambda: now() + off)
    assert abs(told.ahead - off) < timedelta(seconds=30)
    assert abs(told.seen_at - now()) < timedelta(seconds=30)  # by the database's
    assert (told.is_wrong, known(store)[0].is_wrong) == (True, True)


def test_who_is_not_seen_is_silent_after_minutes_and_forgotten_after_a_day(store):
    tell(store, "gone", OURS, None, now)
    silent_for(store, 3)
    tell(store, "here", OURS, None, now)
    assert [(node.name, node.is_present) for node in known(store)] == [("gone", False), ("here", True)]
    silent_for(store, 24 * 60)
    tell(store, "here", OURS, None, now)
    assert [node.name for node in known(store)] == ["here"]


@pytest.mark.parametrize(
    ("running", "off", "silent", "says"),
    [
        (OURS, 0, 0, "It runs version 1.0 with configuration abc."),
        (Running("0.9", "0017", "abc"), 0, 0, "It runs version 0.9, schema 0017, which is not what is here"),
        (Running("1.0", "0020", "old"), 0, 0, "It runs configuration old, which is not what is here"),
        (OURS, 5, 0, "300 seconds before the database's"),
        (OURS, -5, 0, "300 seconds behind the database's"),
        (OURS, 0, 3, "It was last seen 18"),
    ],
)
def test_doctor_tells_of_each_node(store, running, off, silent, says):
    tell(store, "a", running, None, lambda: now() + timedelta(minutes=off))
    silent_for(store, silent)
    ((is_well, what, said),) = examine(store, OURS)
    assert (is_well, what) == (running == OURS and not off and not silent, "node a")
    assert says in said.replace("299 ", "300 ").replace("301 ", "300 ")


def test_the_limit_is_a_minute():
    assert timedelta(seconds=60) == nodes.MOST_AHEAD
