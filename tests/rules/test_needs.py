"""What a task needs, and what is missing."""

from mailgate.rules.needs import needs_of, stated
from tests.rules.desk import make_config

KEY = {"crn": ("X372915",)}


def missing(task: str | None, fields: dict[str, tuple[str, ...]], *dates: str) -> tuple[str, ...]:
    return stated(task, fields, dates, make_config()).missing


def test_a_task_needs_what_its_category_needs_and_more() -> None:
    assert needs_of("letters.warning", make_config()) == ("crn", "event-number", "missed-date")
    assert needs_of("figures.return", make_config()) == ("deadline",)
    assert needs_of("court.other", make_config()) == ("crn",)
    assert needs_of(None, make_config()) == ()


def test_what_nobody_could_recognise_is_never_asked_for() -> None:
    assert missing("court.appeal", KEY) == ()


def test_a_date_that_nothing_claims_counts_for_a_need_of_any_date() -> None:
    assert missing("letters.warning", {**KEY, "event-number": ("2",)}, "2026-11-27") == ()
    assert missing("letters.warning", {**KEY, "event-number": ("2",)}) == ("missed-date",)


def test_it_counts_for_a_need_with_a_lead_where_there_is_no_other() -> None:
    told = {**KEY, "court": ("Magistrates",)}
    result = stated("court.report", told, ["2026-12-11"], make_config())
    assert result.missing == ()
    assert result.fields["hearing-date"] == ("2026-12-11",)


def test_but_not_where_that_is_met() -> None:
    told = {**KEY, "court": ("Magistrates",), "hearing-date": ("2026-12-21",)}
    assert stated("court.report", told, ["2026-12-11"], make_config()).fields["hearing-date"] == ("2026-12-21",)


def test_both_failures_are_two_different_days() -> None:
    told = {**KEY, "event-number": ("1",)}
    assert missing("letters.breach", told, "2026-11-17T14:00", "2026-11-24") == ()
    assert missing("letters.breach", told, "2026-11-17T14:00", "2026-11-17") == ("failure-dates",)


def test_the_only_date_counts_though_words_of_another_task_lead_to_it() -> None:
    told = {**KEY, "event-number": ("1",)}
    assert missing("letters.warning", {**told, "deadline": ("2026-12-04",)}) == ()
    assert missing("letters.warning", {**told, "date-of-birth": ("1990-12-04",)}) == ("missed-date",)


def test_but_it_stays_with_those_words_where_another_date_is_free() -> None:
    told = {**KEY, "event-number": ("1",), "deadline": ("2026-12-04",)}
    assert stated("letters.warning", told, ["2026-11-27"], make_config()).fields["missed-date"] == ("2026-11-27",)
