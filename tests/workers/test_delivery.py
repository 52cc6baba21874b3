"""Sending what waits: each outcome of a channel and what the outbox says of it afterwards."""

import time
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import text

from mailgate.errors import GiveUp, TryLater, Uncertain
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.model.outbound import Doubt, Outbound, SendState, Way
from mailgate.store.engine import open_store
from mailgate.store.outbox import Queued, claim, queue, release_leases
from mailgate.store.schema import upgrade
from mailgate.workers import delivery as module
from mailgate.workers.delivery import Around, Delivery


def now() -> datetime:
    return datetime.now(UTC)  # leases run by the store's clock, which is the real one here


class ScriptedChannel:
    """Sends into a list; *outcomes* are raised, one for each mail, None sends."""

    longest_seconds = 10.0
    doubt = Doubt.ONCE_MORE
    pace = None

    def __init__(self, *outcomes: BaseException | None) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[str] = []
        self.unsettled: Exception | None = None

    def send(self, attempt) -> str:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome:
            raise outcome
        self.sent.append(attempt.message_id)
        return ""

    def settle(self) -> None:
        if self.unsettled:
            raise self.unsettled

    def close(self) -> None: ...


@pytest.fixture
def store(tmp_path):
    opened = open_store(Operator(store=StoreSettings(url=f"sqlite:///{tmp_path}/mailgate.db")))
    upgrade(opened)
    yield opened
    opened.close()


def waiting(store, count: int) -> None:
    mails = [
        Outbound("received", f"p{number}@x.example", "", "s", f"<{number}@x.example>", b"x", f"c{number}", 1)
        for number in range(count)
    ]
    with store.write() as tx:
        queue(tx, [Queued(mail, None, now(), to_stranger=False) for mail in mails])


def delivery(store, channel, stop: Event | None = None) -> Delivery:
    around = Around(store, now, lambda: 0.5, stop or Event(), lambda *_: None)
    return Delivery(Way.MAIL, channel, around)


def states(store) -> list[tuple]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT state, doubts FROM outbox ORDER BY id"))]


def test_what_waits_is_sent_once(store):
    waiting(store, 3)
    worker = delivery(store, channel := ScriptedChannel())
    assert [worker.turn(), worker.turn()] == [3, 0]
    assert channel.sent == ["<0@x.example>", "<1@x.example>", "<2@x.example>"]
    assert states(store) == [("sent", 0)] * 3


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TryLater("busy"), (SendState.READY, 0)),
        (GiveUp("refused"), (SendState.FAILED, 0)),
        (Uncertain("broke off"), (SendState.READY, 1)),
        (ValueError("a bug"), (SendState.READY, 1)),
    ],
)
def test_one_failure_is_recorded_and_the_next_mail_still_goes(store, error, expected):
    waiting(store, 2)
    worker = delivery(store, channel := ScriptedChannel(error))
    worker.turn()
    assert worker.turn() == 0  # what failed waits for its time
    assert channel.sent == ["<1@x.example>"]
    assert states(store) == [expected, ("sent", 0)]


def test_what_the_channel_is_not_sure_of_is_not_recorded_as_sent(store):
    waiting(store, 2)
    channel = ScriptedChannel(GiveUp("refused"))
    channel.unsettled = TryLater("the disk is full")
    delivery(store, channel).turn()
    assert states(store) == [("failed", 0), ("ready", 0)]


def test_E140_what_may_have_gone_is_sent_once_more_and_then_left_to_a_person(store):
    waiting(store, 1)
    for expected in [("ready", 1), ("uncertain", 2)]:
        delivery(store, ScriptedChannel(Uncertain("broke off"))).turn()
        assert states(store) == [expected]
        with store.write() as tx:
            tx.execute(text("UPDATE outbox SET run_at = 0"))
    assert delivery(store, channel := ScriptedChannel()).turn() == 0
    assert channel.sent == []


def test_after_five_days_a_mail_is_given_up(store):
    waiting(store, 1)
    with store.write() as tx:
        tx.execute(text("UPDATE outbox SET attempts = 60"))
    delivery(store, ScriptedChannel(TryLater("busy"))).turn()
    assert states(store) == [("failed", 0)]


def test_a_worker_that_died_leaves_a_doubt_unless_sending_twice_is_harmless(store):
    waiting(store, 1)
    for doubt, expected in [(Doubt.ONCE_MORE, 1), (Doubt.HARMLESS, 1)]:
        (attempt,) = claim(store, 10, lease_seconds=-1, doubt=doubt)
        store.begun.begin(attempt.token, attempt.id)
        channel = ScriptedChannel(TryLater("busy"))
        channel.doubt = doubt
        delivery(store, channel).turn()
        assert states(store) == [("ready", expected)]
        with store.write() as tx:
            tx.execute(text("UPDATE outbox SET run_at = 0"))


class Killed(BaseException):
    """The process ended in the middle of its work."""


def test_a_worker_that_dies_in_a_batch_leaves_one_doubt(store):
    waiting(store, 4)
    with pytest.raises(Killed):
        delivery(store, ScriptedChannel(None, TryLater("busy"), Killed())).turn()
    release_leases(store)
    assert states(store) == [("sent", 0), ("ready", 0), ("ready", 1), ("ready", 0)]


def test_a_mail_whose_beginning_cannot_be_noted_is_not_sent(store, monkeypatch):
    waiting(store, 2)

    def full(*_):
        raise TryLater("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store.begun, "begin", full)
        worker = delivery(store, channel := ScriptedChannel())
        assert [worker.turn(), worker.turn()] == [2, 0]  # nothing is tried again at once
    with store.read() as connection:
        rows = connection.execute(text("SELECT state, attempts FROM outbox")).all()
    assert (channel.sent, [tuple(row) for row in rows]) == ([], [("ready", 0)] * 2)


def test_a_worker_that_stood_still_sends_nothing_that_another_may_have(store, monkeypatch):
    waiting(store, 1)
    stood_still = 0.0

    def stand_still(*about):
        nonlocal stood_still
        note(*about)
        stood_still = 3600.0

    note = store.begun.begin
    monkeypatch.setattr(store.begun, "begin", stand_still)
    monkeypatch.setattr(module, "monotonic", lambda: time.monotonic() + stood_still)
    delivery(store, channel := ScriptedChannel()).turn()
    assert channel.sent == []
    assert states(store) == [("ready", 0)]


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_that_is_wrong_keeps_nothing_from_being_sent(store, minutes):
    waiting(store, 1)
    around = Around(store, lambda: now() + timedelta(minutes=minutes), lambda: 0.5, Event(), lambda *_: None)
    Delivery(Way.MAIL, channel := ScriptedChannel(), around).turn()
    assert (channel.sent, states(store)) == (["<0@x.example>"], [("sent", 0)])


def test_results_that_could_not_be_recorded_are_recorded_by_the_next_turn(store, monkeypatch):
    waiting(store, 1)
    worker = delivery(store, channel := ScriptedChannel())
    real, failures = store.write, [TryLater("away")]

    def write():
        if channel.sent and failures:
            raise failures.pop()
        return real()

    monkeypatch.setattr(store, "write", write)
    with pytest.raises(TryLater):
        worker.turn()
    worker.turn()
    assert states(store) == [("sent", 0)]
    assert len(channel.sent) == 1


def test_nothing_leaves_from_a_transaction_that_failed(store):
    mail = Outbound("received", "p@x.example", "", "s", "<1@x.example>", b"x", "c", 1)

    def fail() -> None:
        with store.write() as tx:
            queue(tx, [Queued(mail, None, now(), to_stranger=False)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert delivery(store, channel := ScriptedChannel()).turn() == 0
    assert channel.sent == []


def test_nothing_is_begun_once_the_gateway_stops(store):
    waiting(store, 2)
    stop = Event()
    stop.set()
    delivery(store, channel := ScriptedChannel(), stop).turn()
    assert channel.sent == []
    assert states(store) == [("ready", 0)] * 2
