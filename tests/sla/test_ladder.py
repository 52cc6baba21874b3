"""The escalation ladder: when each rung comes, that it comes once, and when to look again."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from mailgate.model.promises import Rung
from mailgate.model.spans import When
from mailgate.sla.clock import OFFICE
from mailgate.sla.ladder import Running, look, name_of

LADDER = tuple(
    Rung.model_validate(rung)
    for rung in (
        {"when": "75% of the time has gone", "tell": ["owner"]},
        {"when": "due", "tell": ["owner", "team lead"]},
        {"when": "1 working day late", "tell": ["team lead", "head of PDU"], "repeat": "1 working day"},
    )
)
MONDAY = datetime(2026, 12, 7, 9, tzinfo=UTC)
CLOCK = Running(MONDAY, MONDAY + timedelta(hours=4))  # four working hours: due at 1pm


def at(hours: float, days: int = 0) -> datetime:
    return MONDAY + timedelta(days=days, hours=hours)


@pytest.mark.parametrize(
    ("now", "steps", "next_at"),
    [
        (at(0), [], at(3)),
        (at(3), [(0, 1, at(3))], at(4)),
        (at(3.9), [(0, 1, at(3))], at(4)),
        (at(4), [(0, 1, at(3)), (1, 1, at(4))], at(4, 1)),
        (at(4, 1), [(0, 1, at(3)), (1, 1, at(4)), (2, 1, at(4, 1))], at(4, 2)),
        (at(4, 4), [(0, 1, at(3)), (1, 1, at(4)), (2, 4, at(4, 4))], at(4, 7)),
    ],
)
def test_rungs_are_reached_in_their_order(now: datetime, steps: list[tuple[object, ...]], next_at: datetime) -> None:
    found = look(LADDER, CLOCK, {}, OFFICE, now)
    assert [(step.place, step.nth, step.at) for step in found.steps] == steps
    assert found.next_at == next_at


def test_what_was_taken_is_not_taken_again_though_the_clock_was_moved() -> None:
    moved = Running(MONDAY, at(8))
    found = look(LADDER, moved, {"75% of the time has gone": 1, "due": 1}, OFFICE, at(5))
    assert found.steps == ()
    assert found.next_at == at(8, 1)


def test_a_repeated_rung_comes_again_on_the_next_working_day_and_what_was_missed_is_not_made_up_for() -> None:
    taken = {"75% of the time has gone": 1, "due": 1, "1 working day late": 1}
    assert look(LADDER, CLOCK, taken, OFFICE, at(3, 2)).steps == ()
    (step,) = look(LADDER, CLOCK, taken, OFFICE, at(5, 7)).steps
    assert (step.nth, step.at) == (5, at(4, 7))  # Monday: after Wednesday, Thursday and Friday, and a weekend


def test_a_ladder_that_is_climbed_to_its_end_is_not_looked_at_again() -> None:
    assert look(LADDER[:2], CLOCK, {"75% of the time has gone": 1, "due": 1}, OFFICE, at(9)).next_at is None


def test_time_for_which_the_clock_stood_still_has_not_gone() -> None:
    stood = Running(MONDAY, at(6), paused=timedelta(hours=2))  # from 10am to midday
    assert look(LADDER, stood, {}, OFFICE, at(4)).next_at == at(5)


def test_a_deadline_that_is_over_at_once_leaves_no_time_to_go() -> None:
    found = look(LADDER[:2], Running(MONDAY, MONDAY), {}, OFFICE, MONDAY)
    assert [step.place for step in found.steps] == [0, 1]


def test_rungs_that_come_at_the_same_time_have_names_of_their_own() -> None:
    ladder = (LADDER[1], LADDER[0], LADDER[1])
    assert [name_of(place, ladder) for place in range(3)] == ["due", "75% of the time has gone", "due 2"]


@pytest.mark.parametrize("text", ["75% of the time has gone", "due", "1 working day late", "90 working minutes late"])
def test_when_a_rung_comes_is_read_and_written(text: str) -> None:
    assert str(When.parse(text.upper())) == text


@pytest.mark.parametrize(
    "rung",
    [
        {"when": "soon", "tell": "owner"},
        {"when": "100% of the time has gone", "tell": "owner"},
        {"when": "0 working days late", "tell": "owner"},
        {"when": "the deadline in the mail late", "tell": "owner"},
        {"when": "due", "tell": "owner", "repeat": "the deadline in the mail"},
        {"when": "due", "tell": "owner", "then": "panic"},
    ],
)
def test_a_rung_that_never_comes_is_refused(rung: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Rung.model_validate(rung)
