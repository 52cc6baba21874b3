"""A node that tells of itself, and of its clock (docs/reliability.md section 2, "clock")."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mailgate.errors import TryLater
from mailgate.model.operator import Operator, Smtp
from mailgate.model.operator import Store as StoreSettings
from mailgate.store.engine import open_store
from mailgate.store.nodes import Running, seen
from mailgate.store.schema import upgrade
from mailgate.workers.presence import Presence, name_of_node
from tests.make import make_config


class Time:
    """The real clock, which is *wrong* by so much, and a steady one that is put on."""

    def __init__(self) -> None:
        self.steady, self.wrong = 0.0, timedelta()

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.wrong

    def passes(self, seconds: float) -> None:
        self.steady += seconds


@pytest.fixture
def store(tmp_path):
    opened = open_store(Operator(store=StoreSettings(url=f"sqlite:///{tmp_path}/mailgate.db")))
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def told():
    return []


@pytest.fixture
def presence(store, time, told):
    def tell(name, subject, detail, now):
        told.append(detail)

    return Presence(store, "a", lambda: Running("1", "2", "3"), time.clock, tell, lambda: time.steady)


def beats(store) -> list[int]:
    with store.read() as connection:
        return list(connection.scalars(text("SELECT seen_at FROM nodes")))


def test_it_tells_every_30_seconds_and_leaves_in_good_order(store, presence, time):
    assert presence.turn() == 0
    (first,) = beats(store)
    presence.turn()
    assert beats(store) == [first]
    time.passes(30)
    presence.turn()
    assert beats(store) > [first]
    presence.leave()
    assert beats(store) == []


def test_a_clock_that_is_off_by_less_than_a_minute_is_not_told_of(presence, time, told):
    for seconds in (0, -20, 20):
        time.wrong = timedelta(seconds=seconds)
        presence.turn()
        time.passes(30)
    assert told == []


@pytest.mark.parametrize("minutes", [-2, 2])
def test_a_clock_that_was_moved_by_more_than_a_minute_is_told_of_once(presence, time, told, minutes):
    presence.turn()
    time.passes(30)
    time.wrong = timedelta(minutes=minutes)
    presence.turn()
    time.passes(30)
    presence.turn()
    assert sum("was moved" in detail for detail in told) == 1
    assert "is off the database's" in told[-1]


def test_while_the_store_is_away_it_tries_again_later(store, presence, time, monkeypatch):
    def away():
        raise TryLater("away")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", away)
        with pytest.raises(TryLater):
            presence.turn()
        presence.leave()
    time.passes(30)
    presence.turn()
    with store.read() as connection:
        assert [node.name for node in seen(connection)] == ["a"]


def test_two_gateways_of_one_machine_have_two_names():
    config = make_config()
    listening = [config.operator.model_copy(update={"smtp": Smtp(listen=f"127.0.0.1:{port}")}) for port in (1, 2)]
    here, there = (config.model_copy(update={"operator": operator}) for operator in listening)
    assert name_of_node(here) != name_of_node(there)
