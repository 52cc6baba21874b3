"""Periods are said in words, and other words are refused with what was expected."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mailgate.model.keeping import AfterClosing, Keep, Period, ThenNumbers

NOW = datetime(2027, 3, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "said", "since"),
    [
        (AfterClosing, "90 days after the ticket is closed", (2026, 12, 31)),
        (AfterClosing, "1  Month after the ticket is closed", (2027, 2, 28)),
        (ThenNumbers, "2 years after the ticket is closed, then numbers only", (2025, 3, 31)),
        (Period, "37 months", (2024, 2, 29)),
        (Period, "6 weeks", (2027, 2, 17)),
    ],
)
def test_a_period_is_counted_by_the_calendar(kind: type[Period], said: str, since: tuple[int, int, int]) -> None:
    found = kind.parse(said)
    assert found.before(NOW) == datetime(*since, 12, tzinfo=UTC)
    assert kind.parse(str(found)) == found


@pytest.mark.parametrize("said", ["6 working days", "soon", "0 days", "6 years after the ticket is closed", "3 hours"])
def test_other_words_are_refused(said: str) -> None:
    with pytest.raises(ValueError, match='such as "30 days"'):
        Period.parse(said)


def test_nothing_is_kept_for_ever_by_mistake() -> None:
    with pytest.raises(ValueError, match="more than 100 years"):
        Period.parse("99999 years")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"tickets": "80 days after the ticket is closed, then numbers only"}, '"tickets" is shorter'),
        ({"audit_trail": "1 year"}, '"audit_trail" is shorter'),
        ({"fingerprints": "13 days"}, '"fingerprints" is under 14 days'),
        ({"quarantine": "1 week"}, '"quarantine" is under 14 days'),
        ({"mailboxes": {"a@b.example": {"audit_trail": "1 year"}}}, '"audit_trail" is shorter'),
    ],
)
def test_periods_that_contradict_one_another_are_refused(said: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Keep.model_validate(said)


def test_a_mailbox_has_its_own_times_and_the_common_ones_for_the_rest() -> None:
    own = {"mail_and_attachments": "1 year after the ticket is closed"}
    keep = Keep.model_validate({"mailboxes": {"a@b.example": own}})
    assert str(keep.of("a@b.example").mail_and_attachments) == "1 year after the ticket is closed"
    assert keep.of("a@b.example").tickets == keep.tickets
    assert keep.of("c@b.example").mail_and_attachments == Keep().mail_and_attachments


@given(st.integers(1, 1200), st.sampled_from(["days", "weeks", "months"]), st.integers(0, 20_000), st.integers(31, 99))
def test_what_is_due_once_stays_due(count: int, unit: str, days: int, more: int) -> None:
    period, now = Period.parse(f"{count} {unit}"), NOW + timedelta(days=days)
    assert period.before(now) < now
    assert period.before(now) < period.before(now + timedelta(days=more))
