"""What a change does to a ticket's clocks: waits, another service level, an order's own date."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailgate.model.ticket import Change, Status, Ticket, WaitingFor
from mailgate.tickets.timing import RETIMED, timed
from tests.make import NOW, make_config, make_ticket

CONFIG = make_config()  # 9am to 5pm; NOW is a Monday, 10am
DUE, REPLY_DUE = NOW + timedelta(hours=5), NOW + timedelta(hours=1)
PLAIN = {"due_at": DUE, "first_reply_due": REPLY_DUE, "sla_policy": "standard"}


def waiting(for_whom: WaitingFor, **since: int) -> Ticket:
    return make_ticket(status="waiting", waiting_for=for_whom, waiting_since=NOW - timedelta(**since), **PLAIN)


def test_a_wait_for_the_requester_moves_both_times_by_the_working_time_that_passed() -> None:
    change = timed(Change(waiting(WaitingFor.REQUESTER, minutes=30), Status.OPEN), CONFIG, NOW)
    assert (change.first_reply_due, change.due_at) == (
        REPLY_DUE + timedelta(minutes=30),
        DUE + timedelta(minutes=30),
    )
    assert (change.paused_seconds, change.runs) == (1800, True)


def test_a_night_and_a_weekend_of_waiting_cost_nothing() -> None:
    change = timed(Change(waiting(WaitingFor.REQUESTER, days=2, hours=18), Status.OPEN), CONFIG, NOW)
    assert change.paused_seconds == 2 * 3600  # Friday 4pm to 5pm, and this morning from 9am


def test_a_wait_for_a_third_party_moves_nothing_and_the_clock_runs() -> None:
    begun = timed(Change(make_ticket(**PLAIN), Status.WAITING, WaitingFor.THIRD_PARTY), CONFIG, NOW)
    assert (begun.runs, begun.due_at, begun.events) == (True, None, ())
    ended = timed(Change(waiting(WaitingFor.THIRD_PARTY, hours=1), Status.OPEN), CONFIG, NOW)
    assert (ended.runs, ended.due_at, ended.paused_seconds) == (True, None, None)


def test_the_configuration_may_stop_the_clock_for_a_third_party() -> None:
    config = make_config(defaults={"calendar": "office", "clock_stops_for": ["requester", "third party"]})
    begun = timed(Change(make_ticket(**PLAIN), Status.WAITING, WaitingFor.THIRD_PARTY), config, NOW)
    assert begun.runs is False
    ended = timed(Change(waiting(WaitingFor.THIRD_PARTY, hours=1), Status.OPEN), config, NOW)
    assert ended.due_at == DUE + timedelta(hours=1)


def test_who_waits_for_somebody_else_now_waits_no_more_for_the_requester() -> None:
    change = Change(waiting(WaitingFor.REQUESTER, hours=1), Status.WAITING, WaitingFor.THIRD_PARTY)
    change = timed(change, CONFIG, NOW)
    assert (change.runs, change.due_at) == (True, DUE + timedelta(hours=1))


def test_a_ticket_that_is_closed_while_it_waits_and_reopened_stood_still_all_the_time() -> None:
    closed = timed(Change(waiting(WaitingFor.REQUESTER, hours=1), Status.DONE), CONFIG, NOW)
    assert (closed.paused_seconds, closed.runs) == (3600, False)
    ticket = make_ticket(status="done", closed_at=NOW, paused_seconds=3600, due_at=closed.due_at, sla_policy="standard")
    again = timed(Change(ticket, Status.OPEN), CONFIG, NOW + timedelta(hours=2))
    assert (again.due_at, again.paused_seconds) == (datetime(2026, 11, 24, 10, tzinfo=UTC), 3 * 3600)


def test_a_raised_priority_times_anew_from_when_the_request_came() -> None:
    change = timed(Change(make_ticket(**PLAIN), priority="high"), CONFIG, NOW)
    assert change.sla_policy == "urgent"
    assert (change.first_reply_due, change.due_at) == (NOW, NOW + timedelta(hours=3))  # it came at 9am


def test_the_old_times_stay_in_the_history() -> None:
    (event,) = timed(Change(make_ticket(**PLAIN), priority="high"), CONFIG, NOW).events
    assert event.what == RETIMED
    assert event.data == {
        "because": "service level urgent",
        "first_reply_due": {"was": REPLY_DUE.isoformat(), "now": NOW.isoformat()},
        "due_at": {"was": DUE.isoformat(), "now": (NOW + timedelta(hours=3)).isoformat()},
    }


def test_what_is_changed_back_is_as_it_was() -> None:
    ticket = make_ticket(**PLAIN | {"due_at": datetime(2026, 11, 25, 18, tzinfo=UTC)}, paused_seconds=3600)
    original = timed(Change(replace(ticket, sla_policy="urgent", priority="high"), priority="normal"), CONFIG, NOW)
    raised = timed(Change(replace(ticket, due_at=original.due_at), priority="high"), CONFIG, NOW)
    high = replace(ticket, priority="high", sla_policy="urgent", due_at=raised.due_at)
    assert timed(Change(high, priority="normal"), CONFIG, NOW).due_at == original.due_at


def test_a_task_with_a_service_level_of_its_own_keeps_it_whatever_the_priority() -> None:
    categories = {"hardware": {"tasks": {"repair": {"recognise": ["repair"], "sla": "urgent"}}}}
    ticket = make_ticket(sla_policy="urgent", due_at=DUE, first_reply_due=REPLY_DUE)
    change = timed(Change(ticket, priority="high"), make_config(categories=categories), NOW)
    assert (change.sla_policy, change.due_at, change.events) == (None, None, ())


def test_a_date_that_is_ordered_stays_what_it_is() -> None:
    friday = NOW + timedelta(days=4)
    change = timed(Change(make_ticket(**PLAIN), due_at=friday), CONFIG, NOW)
    assert (change.due_at, change.runs) == (friday, True)
    assert change.events[0].data["because"] == "an order"


def test_a_first_reply_that_was_given_is_not_due_again() -> None:
    ticket = make_ticket(**PLAIN, first_reply_at=NOW - timedelta(minutes=5))
    assert timed(Change(ticket, priority="high"), CONFIG, NOW).first_reply_due is None


@pytest.mark.parametrize("change", [{"watcher": "ben@council.example"}, {"assignee": "cleo.marsh@council.example"}])
def test_what_has_to_do_with_no_clock_leaves_them_alone(change: dict[str, str]) -> None:
    asked = Change(make_ticket(**PLAIN), **change)
    assert timed(asked, CONFIG, NOW) == asked


def test_a_ticket_without_a_service_level_has_no_times() -> None:
    ticket = make_ticket(status="waiting", waiting_for=WaitingFor.REQUESTER, waiting_since=NOW - timedelta(hours=1))
    change = timed(Change(ticket, Status.OPEN), CONFIG, NOW)
    assert (change.due_at, change.paused_seconds, change.events) == (None, 3600, ())
