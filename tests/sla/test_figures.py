"""What figures count: in which period, within time or late, in working time."""

from datetime import UTC, datetime, timedelta

import pytest

from mailgate.model.ticket import Status
from mailgate.sla.clock import OFFICE
from mailgate.sla.figures import Case, Figures, Period, figures, grouped, is_late

NOVEMBER = Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def at(day: int, hour: int = 10, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def case(**more) -> Case:
    """A request of Monday 2 November 10am that is open."""
    return Case(**{"ref": "MG-7K3F-99", "received_at": at(2), "status": Status.OPEN, **more})


def done(closed_at: datetime, **more) -> Case:
    return case(status=Status.DONE, closed_at=closed_at, **more)


def counted(*cases: Case) -> Figures:
    return figures(cases, NOVEMBER, lambda team: OFFICE)


def test_time_to_finish_is_working_time_less_that_for_which_the_clock_stood():
    friday_to_monday = done(at(9, 11), received_at=at(6, 16))  # one hour on Friday, two on Monday
    assert counted(friday_to_monday).took == timedelta(hours=3)
    waited = done(at(9, 11), received_at=at(6, 16), paused=timedelta(hours=2))
    assert counted(waited).took == timedelta(hours=1)


def test_the_middle_of_three_is_not_moved_by_one_that_took_for_ever():
    cases = (done(at(2, 11)), done(at(2, 12)), done(at(27)))
    assert counted(*cases).took == timedelta(hours=2)


@pytest.mark.parametrize(
    ("closed_at", "share"), [(at(3, 17), 100.0), (at(3, 17) + timedelta(seconds=1), 0.0)], ids=["on the dot", "after"]
)
def test_what_is_finished_at_its_time_is_within_it(closed_at: datetime, share: float):
    assert counted(done(closed_at, due_at=at(3, 17))).share == share


def test_without_a_promise_there_is_no_share():
    assert counted(done(at(3))).share is None


def test_what_was_cancelled_is_not_finished():
    found = counted(case(status=Status.CANCELLED, closed_at=at(3), due_at=at(4)))
    assert (found.cancelled, found.finished, found.promised) == (1, 0, 0)


def test_a_request_counts_where_it_came_and_where_it_was_finished():
    found = counted(done(at(3), received_at=at(30, month=10)), done(at(1, month=12)))
    assert (found.new, found.finished, found.open) == (1, 1, 1)


def test_chasers_and_the_same_asked_again_count_when_they_came():
    found = counted(case(chased=(at(3), at(4), at(2, month=12)), joined=(at(5),)))
    assert (found.chasers, found.duplicates) == (2, 1)


def test_a_clock_that_stands_still_is_not_late():
    assert is_late(case(due_at=at(3)), at(4))
    assert not is_late(case(due_at=at(3), stands_since=at(2, 15)), at(4))
    assert is_late(case(due_at=at(3), stands_since=at(3, 15)), at(4)), "it was late already"


def test_groups_agree_in_everything_they_are_told_apart_by_and_add_up_to_all():
    cases = [case(category=category, unit=unit) for category in ("court", "") for unit in ("North", "South", "South")]
    found = grouped(cases, ("category", "unit"), NOVEMBER, lambda team: OFFICE)
    assert [(name, each.new) for name, each in found.items()] == [
        (("", "North"), 1),
        (("", "South"), 2),
        (("court", "North"), 1),
        (("court", "South"), 2),
    ]
    assert sum(each.new for each in found.values()) == counted(*cases).new
