"""What ``doctor`` says about the age of keys."""

from datetime import UTC, datetime, timedelta

import pytest

from mailgate.cli.key_ages import due

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def said(**days_ago: float) -> list[str]:
    return list(due({letter: NOW - timedelta(days=days) for letter, days in days_ago.items()}, NOW))


@pytest.mark.parametrize("ages", [{}, {"a": 364}, {"a": 700, "b": 300}, {"a": 1000, "b": 369, "c": 10}])
def test_E225_keys_in_their_time_need_nothing(ages: dict[str, float]) -> None:
    assert said(**ages) == []


def test_E225_a_key_that_signs_for_over_a_year_wants_a_next_one() -> None:
    (sentence,) = said(a=366)
    assert sentence.startswith("ka has signed since 2025-11-22, over a year: write the next one")


def test_E225_an_old_key_is_told_before_it_ends_and_once_it_has() -> None:
    (soon,) = said(a=500, b=371, c=10)
    assert "ka" in soon
    before, after = said(a=900, b=399), said(a=900, b=401)
    assert before[0] == "Answers to what ka signed prove nothing from 2026-11-24 on: its file may go then."
    assert after[0] == "ka has proved nothing since 2026-11-22: remove its file."
