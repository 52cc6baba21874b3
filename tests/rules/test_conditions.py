"""Rules: each condition, what an outcome changes, and in which order they are read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.model.message import Attachment
from mailgate.model.people import Person
from mailgate.rules.conditions import CONDITIONS
from tests.rules.desk import COURTS, UNIT, make_config, make_drafts

HEAD = Person("dara@service.example", "Dara", role="head of PDU")
FILE = Attachment("Part A.docx", "application/msword", 1, "", 2)
TEXT = "PSR for X372915 at the Magistrates, hearing 8 December 2026, event 2"


def fits(when: dict[str, Any], text: str = TEXT, **reading: Any) -> bool:
    rule = {"name": "it", "when": when, "then": {"tag": "fits"}}
    (draft, *_) = make_drafts(text, config=make_config(rules=[rule]), **reading)
    return draft.tags == ("fits",)


@pytest.mark.parametrize(
    "when",
    [
        {"from": "dara@service.example"},
        {"from": "*@service.example"},
        {"from": ["x@y.example", "DARA@*"]},
        {"from": "anyone outside other.example"},
        {"to": COURTS},
        {"to": "*@service.example"},
        {"sender_role": ["Head of PDU", "director"]},
        {"marking": "OFFICIAL-SENSITIVE"},
        {"task": "court.report"},
        {"category": "court"},
        {"priority": "high"},
        {"subject": "urgent requests"},
        {"subject": "/^urgent/"},
        {"body": ["nothing", "at the magistrates"]},
        {"header": {"X-Priority": "1"}},
        {"attachment": "docx"},
        {"attachment": "application/*"},
        {"attachment": True},
        {"has": ["crn", "court"]},
        {"hearing-date": "within 2 working days"},
        {"hearing-date": "within 1 day"},
        {"hearing-date": True},
        {"deadline": False},
        {"event-number": [1, 2]},
        {"court": "/^mag/"},
        {"crn": "X372915"},
        {"all": [{"category": "court"}, {"has": "crn"}]},
        {"any": [{"category": "letters"}, {"has": "crn"}]},
        {"not": {"category": "letters"}},
        {"not": [{"category": "letters"}, {"has": "deadline"}]},
    ],
)
def test_a_condition_holds(when: dict[str, Any]) -> None:
    assert fits(
        when,
        subject="Urgent request",
        sender=HEAD,
        marking="OFFICIAL-SENSITIVE [PERSONAL]",
        headers={"x-priority": ("1",)},
        attachments=(FILE,),
    )


@pytest.mark.parametrize(
    "when",
    [
        {"from": "anyone outside service.example"},
        {"from": "*@other.example"},
        {"to": UNIT},
        {"sender_role": "director"},
        {"marking": "OFFICIAL"},
        {"task": "court.result"},
        {"priority": "urgent"},
        {"subject": "request urgent"},
        {"body": "/^for/"},
        {"header": {"X-Priority": "2"}},
        {"header": {"X-Other": "1"}},
        {"attachment": "pdf"},
        {"attachment": False},
        {"has": ["crn", "deadline"]},
        {"hearing-date": False},
        {"deadline": "within 2 working days"},
        {"event-number": 3},
        {"all": [{"category": "court"}, {"has": "deadline"}]},
        {"any": [{"category": "letters"}]},
        {"not": {"category": "court"}},
        {"category": "court", "has": "deadline"},
    ],
)
def test_a_condition_does_not_hold(when: dict[str, Any]) -> None:
    assert not fits(
        when,
        subject="Urgent request",
        sender=HEAD,
        marking="OFFICIAL-SENSITIVE [PERSONAL]",
        headers={"x-priority": ("1",)},
        attachments=(FILE,),
    )


@pytest.mark.parametrize(("day", "holds"), [("4", False), ("6", False), ("7", True), ("9", True), ("10", False)])
def test_within_working_days_is_from_today_on_and_never_the_past(day: str, holds: bool) -> None:
    assert fits({"hearing-date": "within 2 working days"}, f"PSR, hearing {day} December 2026") is holds


def apply(*rules: dict[str, Any]) -> Any:
    named = [{"name": f"rule {number}", **rule} for number, rule in enumerate(rules)]
    return make_drafts(TEXT, config=make_config(rules=named))[0]


def test_every_rule_that_fits_is_applied_in_order_until_one_stops() -> None:
    draft = apply(
        {"when": {"category": "court"}, "then": {"tag": "a", "priority": "urgent"}},
        {"when": {"priority": "urgent"}, "then": {"tag": "b", "stop": True}},
        {"when": {"category": "court"}, "then": {"tag": "c"}},
    )
    assert draft.tags == ("a", "b")


def test_at_least_raises_a_priority_and_never_lowers_it() -> None:
    fits = {"category": "court"}
    assert apply({"when": fits, "then": {"priority": "at least urgent"}}).priority == "urgent"
    assert apply({"when": fits, "then": {"priority": "at least normal"}}).priority == "high"
    assert apply({"when": fits, "then": {"priority": "normal"}}).priority == "normal"


def test_a_rule_that_sets_the_task_brings_all_that_follows_and_later_rules_see_it() -> None:
    draft = apply(
        {"when": {"task": "letters.warning"}, "then": {"tag": "too early"}},
        {"when": {"task": "court.report"}, "then": {"task": "letters.warning"}},
        {"when": {"task": "letters.warning"}, "then": {"tag": "seen"}},
    )
    assert (draft.category, draft.task, draft.priority) == ("letters", "letters.warning", "normal")
    assert draft.missing == ()  # the hearing's date is the only one there is
    assert draft.tags == ("seen",)


def test_the_other_outcomes_stand_on_the_ticket() -> None:
    held = "hold until a person releases them"
    then = {"show_to": "the owning team only", "attachments": held, "start": "commission"}
    draft = apply({"when": {"category": "court"}, "then": then})
    assert (draft.show_to, draft.attachments, draft.starts) == ("the owning team only", held, "commission")


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.builds(lambda name, when: {name: when}, st.sampled_from(["all", "any", "not"]), several)


CONDITION = st.recursive(
    st.sampled_from(
        [
            {"from": "dara@service.example"},
            {"from": "*@other.example"},
            {"to": [UNIT, COURTS]},
            {"task": ["court.report", "court.result"]},
            {"category": "letters"},
            {"subject": "nothing"},
            {"body": "magistrates hearing"},
            {"body": ["nothing", "/hear/"]},
            {"header": {"X-Priority": "1"}},
            {"event-number": 2},
            {"deadline": False},
            {"has": ["crn", "court"]},
        ]
    ),
    nested,
    max_leaves=6,
)


@given(st.lists(st.lists(CONDITION, min_size=1, max_size=3), max_size=6))
def test_the_shortlist_changes_nothing(conditions: list[list[dict[str, Any]]]) -> None:
    """Each rule is read as it stands and said by a double "not", where no shortlist looks."""
    plain = [{k: v for one in several for k, v in one.items()} for several in conditions]
    hidden = [{"not": {"not": when}} for when in plain]
    outcomes = [
        apply(*({"when": when, "then": {"tag": f"t{number}"}} for number, when in enumerate(whens))).tags
        for whens in (plain, hidden)
    ]
    assert outcomes[0] == outcomes[1]


def test_every_condition_of_the_table_is_tried_here() -> None:
    assert set(CONDITIONS) == {
        *("all", "any", "not", "from", "to", "sender_role", "marking", "task", "category", "priority"),
        *("tag", "subject", "body", "header", "attachment", "has"),
    }
