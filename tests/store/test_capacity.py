"""Capacity levels over a store: what they do to open and new tickets, whoever does it and wherever it is stopped."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailgate.app import context_of
from mailgate.errors import TryLater
from mailgate.model.capacity import Effect, NewLevel
from mailgate.model.operator import Operator
from mailgate.model.people import Person
from mailgate.model.ticket import Change, Event, Held, Status, Ticket, WaitingFor
from mailgate.store import holding, levels, people, rows, tables
from mailgate.store.engine import Store
from mailgate.store.history import verify
from mailgate.store.tickets import listing, show
from mailgate.tickets.timing import timed
from mailgate.workers import capacity
from mailgate.workers.capacity import Capacity
from tests.make import ANN, SERVICE, make_config
from tests.store import made

START = made.NOW  # a Monday, 10am
REPLY, DUE = START + timedelta(hours=4), datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
DOUBLE = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
REVIEW = date(2026, 12, 7)
UNIT = "Harbour"
LEVELS = {
    "green": {},
    "amber": {"pausable": {"finish": "2 x longer"}},
    "red": {"pausable": {"pause": "yes", "tell_requester": "paused"}, "reducible": {"finish": "2 x longer"}},
    "black": {"pausable": {"decline": "yes", "tell_requester": "declined"}, "reducible": {"pause": "yes"}},
}
CATEGORIES = {
    "hardware": {**SERVICE["categories"]["hardware"], "framework": "pausable"},
    "network": {**SERVICE["categories"]["network"], "framework": "reducible"},
    "safety": {"framework": "mandatory", "tasks": {"alarm": {"recognise": ["fire alarm"]}}},
}
TEAMS = {"desk": {"lead": "lena.brook", "units": [UNIT]}, "field-team": {"lead": "omar.finch"}}


class Desk:
    """A store, and a clock that the test turns."""

    def __init__(self, store: Store, keys: Path, **changes: Any) -> None:
        config = make_config(**{"capacity_levels": LEVELS, "categories": CATEGORIES, "teams": TEAMS, **changes})
        self.config = config.model_copy(update={"operator": Operator(keys=str(keys))})
        self.store, self.now = store, START
        self.context = context_of(self.config, store)

    def opened(self, ref: str = "MG-7K3F-99", by: str = ANN, **more: Any) -> Ticket:
        usual = {"first_reply_due": REPLY, "due_at": DUE, "task": "hardware.repair", "category": "hardware"}
        usual |= {"sla_policy": "standard", "priority": "normal", "received_at": START, "clock_started_at": START}
        return made.opened(self.store, ref, made.reading(by), **(usual | more))

    def set(self, level: str, unit: str = UNIT, starts_at: datetime | None = None) -> int:
        with self.store.write() as tx:
            levels.order(tx, NewLevel(unit, level, "two are ill", REVIEW, "operator"), self.now, starts_at)
        return self.turn()

    def turn(self) -> int:
        return Capacity(self.store, self.context, lambda: self.now).bring_up()

    def later(self, **time: float) -> "Desk":
        self.now += timedelta(**time)
        return self

    def ticket(self, ref: str = "MG-7K3F-99") -> Ticket:
        with self.store.read() as connection:
            return rows.by_ref(connection, ref)

    def changed(self, ref: str = "MG-7K3F-99", **change: Any) -> None:
        ticket = self.ticket(ref)
        asked = timed(Change(ticket, **change), self.config, self.now)
        made.applied(self.store, made.follow_up(made.spooled(self.store), ticket, changes=(asked,)))

    def told(self, ref: str = "MG-7K3F-99") -> list[str]:
        with self.store.read() as connection:
            assert verify(connection, ref) is None
            return [mail["message"] for mail in show(connection, ref)["outgoing"] if mail["message"] != "received"]

    def events(self, ref: str = "MG-7K3F-99") -> list[dict[str, Any]]:
        with self.store.read() as connection:
            happened = show(connection, ref)["events"]
        return [each for each in happened if each["what"] in ("timed anew", "capacity level")]

    def clocks(self, ref: str = "MG-7K3F-99") -> list[Any]:
        with self.store.read() as connection:
            query = select(tables.clocks).where(tables.clocks.c.ticket_id == self.ticket(ref).id)
            return sorted((each.kind, each.due_at, each.stopped_at) for each in connection.execute(query))


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path / "keys")


def test_a_level_that_slows_gives_open_tickets_more_time_and_is_taken_back_exactly(desk: Desk) -> None:
    before = desk.opened()
    assert desk.later(hours=1).set("amber") == 1
    slowed = desk.ticket()
    assert (slowed.due_at, slowed.first_reply_due, str(slowed.level)) == (DOUBLE, REPLY, "amber (Harbour)")
    assert desk.later(hours=3).set("green") == 1
    after = desk.ticket()
    assert (after.due_at, after.status, after.level) == (before.due_at, before.status, None)
    assert desk.clocks() == [("finish", DUE, None), ("first_reply", REPLY, None)]
    assert [each["data"].get("due_at") for each in desk.events() if each["what"] == "timed anew"] == [
        {"was": DUE.isoformat(), "now": DOUBLE.isoformat()},
        {"was": DOUBLE.isoformat(), "now": DUE.isoformat()},
    ]
    assert desk.told() == ["status", "status"]


def test_a_pause_stops_the_clocks_and_its_end_moves_them_by_the_working_time_that_passed(desk: Desk) -> None:
    desk.opened()
    desk.later(hours=1).set("red")
    paused = desk.ticket()
    assert (paused.status, paused.waiting_for, paused.due_at) == (Status.WAITING, WaitingFor.CAPACITY, DUE)
    assert all(stopped for _, _, stopped in desk.clocks())
    desk.later(hours=2).set("green")
    again = desk.ticket()
    assert (again.status, again.waiting_for) == (Status.NEW, None)
    assert (again.first_reply_due, again.due_at) == (REPLY + timedelta(hours=2), datetime(2026, 11, 26, 11, tzinfo=UTC))
    assert [each["what"] for each in desk.events()] == ["capacity level", "capacity level", "timed anew"]
    assert desk.told() == ["paused", "status", "new"]


def test_what_waited_for_somebody_waits_for_them_again_unless_an_answer_came(desk: Desk) -> None:
    refs = ("MG-7K3F-99", "MG-2346-7T")
    for ref in refs:
        desk.opened(ref, status=Status.WAITING, waiting_for=WaitingFor.REQUESTER, clock_started_at=None)
    desk.set("red")
    assert {desk.ticket(ref).waiting_for for ref in refs} == {WaitingFor.CAPACITY}
    ticket = desk.ticket(refs[1])
    answered = made.follow_up(made.spooled(desk.store), ticket, events=(Event("follow-up", "sender"),))
    made.applied(desk.store, answered)
    desk.set("green")
    assert [desk.ticket(ref).status for ref in refs] == [Status.WAITING, Status.OPEN]
    assert desk.ticket(refs[0]).waiting_for is WaitingFor.REQUESTER


@pytest.mark.parametrize("level", ["amber", "red"])
def test_what_a_person_changed_or_closed_meanwhile_stays_as_it_is(desk: Desk, level: str) -> None:
    friday = datetime(2026, 11, 27, 17, tzinfo=UTC) + timedelta(days=7)
    desk.opened("MG-7K3F-99")
    desk.opened("MG-2346-7T")
    desk.set(level)
    desk.changed("MG-7K3F-99", status=Status.DONE, closed_at=desk.now)
    desk.changed("MG-2346-7T", status=Status.OPEN, due_at=friday)
    before = [desk.ticket(ref) for ref in ("MG-7K3F-99", "MG-2346-7T")]
    assert desk.later(hours=2).set("green") == 0
    assert [desk.ticket(ref) for ref in ("MG-7K3F-99", "MG-2346-7T")] == [replaced(each) for each in before]


def replaced(ticket: Ticket) -> Ticket:
    """The ticket with no level: what else there is must be as it was."""

    return replace(ticket, level=None)


def test_a_time_that_a_person_set_is_not_slowed(desk: Desk) -> None:
    desk.opened()
    desk.changed(due_at=DUE + timedelta(days=1))
    assert desk.set("amber") == 0
    assert desk.ticket().due_at == DUE + timedelta(days=1)


def test_mandatory_and_unsorted_tickets_and_those_of_other_units_go_on(desk: Desk) -> None:
    desk.opened("MG-7K3F-99", task="safety.alarm", category="safety")
    desk.opened("MG-2346-7T", task=None, category=None)
    desk.opened("MG-2347-6P", team="field-team")
    assert desk.set("black") == 0


def test_a_team_of_many_units_follows_the_level_of_whoever_asks(desk: Desk) -> None:
    with desk.store.write() as tx:
        people.put(tx, [Person(ANN, "Ann", "clerk", "Harbour Office, 2nd floor")])
    desk.opened(team="field-team")
    assert desk.set("red") == 1


def test_from_one_level_to_the_next_nothing_is_counted_twice(desk: Desk) -> None:
    before = desk.opened()
    for level, due, waits in (
        ("amber", DOUBLE, None),
        ("red", DUE, WaitingFor.CAPACITY),
        ("black", DUE, WaitingFor.CAPACITY),  # what was accepted is paused, never declined
        ("amber", DOUBLE, None),
        ("green", DUE, None),
    ):
        desk.set(level)
        assert (level, desk.ticket().due_at, desk.ticket().waiting_for) == (level, due, waits)
    assert (desk.ticket().status, desk.ticket().due_at) == (before.status, before.due_at)
    assert desk.told() == ["status", "paused", "status", "new", "status"]


def test_waiting_while_slowed_moves_the_time_that_comes_back(desk: Desk) -> None:
    desk.opened()
    desk.set("amber")
    desk.changed(status=Status.WAITING, waiting_for=WaitingFor.REQUESTER)
    desk.later(hours=2.123).changed(status=Status.OPEN)
    desk.set("green")
    paused = timedelta(seconds=int(2.123 * 3600))
    assert desk.ticket().due_at == datetime(2026, 11, 26, 9, tzinfo=UTC) + paused


def test_an_order_for_later_begins_when_its_time_has_come(desk: Desk) -> None:
    desk.opened()
    assert desk.set("red", starts_at=START + timedelta(hours=2)) == 0
    assert desk.later(hours=1).turn() == 0
    assert desk.later(hours=1).turn() == 1
    assert desk.ticket().waiting_for is WaitingFor.CAPACITY


def test_R19_it_goes_on_where_it_was_killed_and_does_nothing_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "BATCH", 3)
    monkeypatch.setattr(capacity, "SEARCHED", 5)
    refs = [f"MG-{number}" for number in range(8)]
    for ref in refs:
        desk.opened(ref)
    change = capacity.change_ticket

    def kill(*values: Any) -> None:
        change(*values)
        if values[1].ticket.ref in ("MG-3", "MG-6") and next(killed):
            raise KeyboardInterrupt

    for level, due in (("amber", DOUBLE), ("green", DUE)):
        killed = iter([True, True, *[False] * 99])
        monkeypatch.setattr(capacity, "change_ticket", kill)
        with desk.store.write() as tx:
            levels.order(tx, NewLevel(UNIT, level, "why", REVIEW, "operator"), desk.now)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                desk.turn()
        desk.turn()
        assert {desk.ticket(ref).due_at for ref in refs} == {due}
        assert desk.turn() == 0
    assert {tuple(desk.told(ref)) for ref in refs[:4]} == {("status", "status")}
    assert {len([each for each in desk.events(ref) if each["what"] == "timed anew"]) for ref in refs} == {2}


def test_two_nodes_share_the_work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "BATCH", 2)
    refs = [f"MG-{number}" for number in range(9)]
    for ref in refs:
        desk.opened(ref)
    with desk.store.write() as tx:
        levels.order(tx, NewLevel(UNIT, "amber", "why", REVIEW, "operator"), desk.now)
    nodes = [Capacity(desk.store, desk.context, lambda: desk.now) for _ in range(2)]
    with desk.store.read() as connection:
        (level,) = holding.to_apply(connection, capacity._version(desk.config))
    version, done = capacity._version(desk.config), 0
    for number in range(12):
        done += nodes[number % 2]._batch(level, version) or 0
    assert done == len(refs)
    assert {desk.ticket(ref).due_at for ref in refs} == {DOUBLE}


def test_a_changed_meaning_of_a_level_brings_its_tickets_up_to_it(desk: Desk, tmp_path: Path) -> None:
    desk.opened()
    desk.set("amber")
    other = Desk(desk.store, tmp_path / "keys", capacity_levels={"amber": {}})
    assert (other.turn(), desk.ticket().due_at) == (1, DUE)


def test_a_mail_decided_by_an_older_level_is_decided_again(desk: Desk) -> None:
    mail = made.spooled(desk.store)
    decided = made.new_ticket(mail)
    known = made.looked_up(desk.store, decided.reading)[0]
    desk.set("red")

    with pytest.raises(TryLater):
        made.applied(desk.store, replace(decided, facts=known))


def test_a_ticket_opened_under_a_level_is_undone_like_the_others(desk: Desk) -> None:
    desk.set("amber")
    with desk.store.read() as connection:
        level = levels.in_force(connection).by_unit[UNIT]
    held = Held(level, Effect.SLOWED, Status.NEW, None, DUE, DOUBLE)
    desk.opened(due_at=DOUBLE, held=held)
    assert str(desk.ticket().level) == "amber (Harbour)"
    assert (desk.set("green"), desk.ticket().due_at) == (1, DUE)


def test_requesters_are_told_within_the_caps(desk: Desk) -> None:
    for number in range(4):
        desk.opened(f"MG-{number}", "sam@mail.example")
    for number in range(40):
        desk.opened(f"MG-A{number}")
    with desk.store.write() as tx:
        tx.execute(tables.outbox_mails.update().values(queued_at=START - timedelta(days=3)))
    assert desk.set("amber") == 44
    said = [desk.told(f"MG-{number}") for number in range(4)]
    assert said == [["status"], [], [], []]  # E189
    assert sum(desk.told(f"MG-A{number}") == ["status"] for number in range(40)) == 30


def test_the_level_is_seen_in_lists_and_in_what_is_shown_of_a_ticket(desk: Desk) -> None:
    desk.opened()
    desk.set("red")
    with desk.store.read() as connection:
        assert [each["level"] for each in listing(connection)] == ["red (Harbour)"]
        assert show(connection, "MG-7K3F-99")["review_on"] == REVIEW.isoformat()
        (known,) = levels.listing(connection)
    assert (known["unit"], known["level"], known["paused"], known["slowed"]) == (UNIT, "red", 1, 0)
