"""What becomes of a new request: team, priority, promise, and what it waits for."""

from datetime import UTC, datetime

import pytest

from mailgate.model.people import Person
from mailgate.model.ticket import Status, WaitingFor
from tests.rules.desk import COURTS, MONDAY, UNIT, make_config, make_drafts

WHOLE = "PSR for X372915 at the Magistrates, hearing 21 December"


def test_a_whole_request_is_new_and_its_clock_runs() -> None:
    (draft,) = make_drafts(WHOLE)
    assert (draft.task, draft.priority, draft.sla_policy, draft.team) == (
        *("court.report", "high", "next-day"),
        "court-team",
    )
    assert (draft.status, draft.waiting_for, draft.missing) == (Status.NEW, None, ())
    assert draft.clock_started_at == MONDAY
    assert draft.first_reply_due == datetime(2026, 12, 7, 13, 30, tzinfo=UTC)
    assert draft.due_at == datetime(2026, 12, 8, 17, tzinfo=UTC)
    assert draft.keys == ("X372915",)
    assert draft.fields["hearing-date"] == ("2026-12-21",)


def test_where_something_is_missing_it_waits_with_the_date_it_would_have() -> None:
    (draft,) = make_drafts("PSR please, hearing 21 December")
    assert (draft.status, draft.waiting_for, draft.missing) == (
        *(Status.WAITING, WaitingFor.REQUESTER),
        ("crn", "court"),
    )
    assert draft.clock_started_at is None
    assert draft.due_at == datetime(2026, 12, 8, 17, tzinfo=UTC)


@pytest.mark.parametrize("text", ["a warrant please", "appeal"])
def test_urgent_and_immediate_work_waits_for_nobody(text: str) -> None:
    (draft,) = make_drafts(text)
    assert draft.missing
    assert draft.status is Status.NEW
    assert draft.clock_started_at == MONDAY


def test_the_service_level_of_a_task_outlives_a_change_of_priority() -> None:
    rule = {"name": "all", "when": {"category": "court"}, "then": {"priority": "urgent"}}
    config = make_config(rules=[rule])
    assert make_drafts("appeal", config=config)[0].sla_policy == "immediate"
    assert make_drafts("PSR", config=config)[0].sla_policy == "urgent"


def test_the_team_is_the_categorys_else_the_mailboxes() -> None:
    assert make_drafts("PSR", mailbox=UNIT)[0].team == "court-team"
    assert make_drafts("warning letter", mailbox=UNIT)[0].team == "unit-two"
    assert make_drafts("hello", mailbox=UNIT)[0].team == "unit-two"


def test_an_answer_without_a_ticket_goes_to_the_team_of_the_senders_unit_else_the_default() -> None:
    person = Person("dara@service.example", "Dara", unit="Unit Two, Northmere")
    (draft,) = make_drafts("warning letter", mailbox=None, sender=person)
    assert (draft.team, draft.mailbox) == ("unit-two", UNIT)
    (draft,) = make_drafts("warning letter", mailbox=None)
    assert (draft.team, draft.mailbox) == ("front-desk", "tickets@gate.service.example")


def test_the_teams_calendar_says_what_a_working_day_is() -> None:
    (draft,) = make_drafts("warning letter", mailbox=UNIT)
    assert draft.due_at == datetime(2026, 12, 9, 20, tzinfo=UTC)


def test_without_a_phrase_other_has_the_needs_and_priority_of_its_category() -> None:
    (draft,) = make_drafts("hello")
    assert (draft.category, draft.task, draft.priority, draft.missing) == ("court", "court.other", "high", ("crn",))


def test_without_a_usual_category_nothing_is_asked() -> None:
    (draft,) = make_drafts("hello", mailbox=UNIT)
    assert (draft.category, draft.task, draft.priority, draft.missing) == (None, None, "normal", ())
    assert draft.due_at is not None


@pytest.mark.parametrize("written", ["X1234567", "X12345", "X12345O", "x1234567"])
def test_a_key_that_cannot_be_right_is_asked_for_even_where_no_task_says_so(written: str) -> None:
    (draft,) = make_drafts(f"Could somebody look at {written}?", mailbox=UNIT)
    assert (draft.task, draft.keys, draft.missing, draft.status) == (None, (), ("crn",), Status.WAITING)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Could somebody look at X123456, not X1234567?", ()),  # it states one that is right
        ("Data call about X1234567, by 18 December", ()),  # its task does without
        ("Staff no. X1234567", ()),
    ],
)
def test_no_key_is_asked_for_where_none_is_needed(text: str, missing: tuple[str, ...]) -> None:
    assert make_drafts(text, mailbox=UNIT)[0].missing == missing


def test_several_keys_with_one_task_are_one_ticket() -> None:
    (draft,) = make_drafts("court result: X471112, X118365, D290754")
    assert draft.keys == ("X471112", "X118365", "D290754")


def test_items_of_a_list_have_their_own_key_or_the_mails() -> None:
    text = "For X471112:\n- warrant, no reason given\n- warning letter for X118365, missed 3 December, event 2"
    warrant, warning = make_drafts(text, "Two things")
    assert (warrant.task, warrant.keys, warrant.missing) == ("court.warrant", ("X471112",), ())
    assert (warning.task, warning.keys, warning.missing) == ("letters.warning", ("X118365",), ())
    assert warning.fields["missed-date"] == ("2026-12-03",)
    assert "event-number" not in warrant.fields


def test_what_stands_around_a_list_is_fact_for_all() -> None:
    drafts = make_drafts("X471112 event 2, missed 3 December\n1) warning letter\n2) court result")
    assert [draft.missing for draft in drafts] == [(), ()]
    assert all(draft.fields["event-number"] == ("2",) for draft in drafts)


@pytest.mark.parametrize(
    ("said", "due_at"),
    [
        ("Deadline: 5pm, Friday 18 December 2026", datetime(2026, 12, 18, 17, tzinfo=UTC)),
        ("by noon on Friday 18 December", datetime(2026, 12, 18, 12, tzinfo=UTC)),
        ("by 18 December", datetime(2026, 12, 18, 17, tzinfo=UTC)),
        ("by Sunday 20 December", datetime(2026, 12, 18, 17, tzinfo=UTC)),
    ],
)
def test_a_promise_of_the_deadline_in_the_mail(said: str, due_at: datetime) -> None:
    (draft,) = make_drafts(f"Data call. {said}")
    assert (draft.sla_policy, draft.missing, draft.due_at) == ("by-deadline", (), due_at)


def test_without_a_deadline_it_is_asked_for_and_due_as_its_priority_has_it() -> None:
    (draft,) = make_drafts("Data call")
    assert draft.missing == ("deadline",)
    assert draft.due_at == datetime(2026, 12, 9, 17, tzinfo=UTC)


def test_the_marking_stands_on_the_ticket() -> None:
    assert make_drafts(WHOLE, marking="OFFICIAL-SENSITIVE")[0].marking == "OFFICIAL-SENSITIVE"


def test_a_configuration_without_anything_still_opens_a_ticket() -> None:
    config = make_config(
        **{name: {} for name in ("identifiers", "information", "categories", "sla", "priorities", "calendars")},
        defaults={},
        mailboxes={COURTS: {"team": "court-team"}},
    )
    (draft,) = make_drafts("hello", config=config)
    assert (draft.team, draft.task, draft.due_at) == ("court-team", None, None)


def test_today_beside_another_date_says_when_to_do_it() -> None:
    (draft,) = make_drafts("A PSR for the Magistrates, 18 December 2026. Please register it today.")
    assert draft.fields["hearing-date"] == ("2026-12-18",)
    (draft,) = make_drafts("A PSR for the Magistrates, today")
    assert draft.fields["hearing-date"] == ("2026-12-07",)


def test_today_is_one_of_two_dates_that_a_task_needs() -> None:
    (draft,) = make_drafts("Breach papers please, event 1: 3 December 2026 and today", mailbox=UNIT)
    assert draft.fields["failure-dates"] == ("2026-12-03", "2026-12-07")
