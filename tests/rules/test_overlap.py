"""Which rules are never read, and which say what never counts."""

from typing import Any

import pytest

from mailgate.model.work import Rule
from mailgate.rules import overlap


def _rule(when: dict[str, Any], stop: bool = False, **then: Any) -> Rule:
    return Rule.model_validate({"name": "a rule", "when": when, "then": {**then, "stop": stop}})


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({}, {"task": "a.b"}),
        ({"task": ["a.b", "a.c"]}, {"task": "a.b", "from": "x@y.org"}),
        ({"category": "a"}, {"task": ["a.b", "a.c"]}),
        ({"from": "*@y.org"}, {"from": ["x@y.org", "Z@Y.org"]}),
        ({"to": "*"}, {"to": "x@y.org"}),
        ({"date": "within 5 working days"}, {"date": "within 2 working days"}),
        ({"date": "yes"}, {"date": "within 2 days"}),
        ({"has": ["date"]}, {"date": "within 2 days"}),
        ({"has": "date"}, {"has": ["date", "room"]}),
        ({"marking": "OFFICIAL"}, {"marking": "OFFICIAL [PERSONAL]"}),
        ({"all": [{"tag": "x"}, {"subject": "hello"}]}, {"subject": "hello", "tag": ["X"], "to": "x@y.org"}),
        ({"not": {"tag": "x"}}, {"not": {"tag": "x"}, "subject": "hello"}),
        ({"attachment": "yes"}, {"attachment": "pdf"}),
    ],
)
def test_conditions_that_hold_wherever_others_do(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    rules = [_rule(wide), _rule(narrow)]
    assert overlap.covers(rules[0].when, rules[1].when)
    if wide != narrow:
        assert not overlap.covers(rules[1].when, rules[0].when)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({"task": "a.b"}, {"category": "a"}),
        ({"from": "x?z@y.org"}, {"from": "x*z@y.org"}),
        ({"from": "*@y.org"}, {"from": "anyone outside y.org"}),
        ({"from": "anyone outside y.org"}, {"from": "x@z.org"}),
        ({"date": "within 2 days"}, {"date": "within 2 working days"}),
        ({"has": "date"}, {"date": "no"}),
        ({"attachment": "pdf"}, {"attachment": "yes"}),
        ({"any": [{"tag": "x"}, {"tag": "y"}]}, {"tag": "x"}),
        ({"header": {"X-Priority": "1"}}, {"header": {"X-Priority": "2"}}),
    ],
)
def test_what_cannot_be_said_for_certain_is_not_said(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    assert not overlap.covers(_rule(wide).when, _rule(narrow).when)


def test_a_rule_behind_one_that_stops_wherever_it_fits_is_never_read() -> None:
    rules = [_rule({"category": "a"}, tag="t"), _rule({"category": "a"}, stop=True), _rule({"task": "a.b"}, tag="u")]
    assert [overlap.shadowing(rules, number) for number in range(3)] == [None, None, 1]


def test_it_may_be_read_where_a_rule_between_them_changes_what_they_look_at() -> None:
    rules = [_rule({"category": "a"}, stop=True), _rule({"tag": "x"}, task="a.b"), _rule({"task": "a.b"}, tag="u")]
    assert overlap.shadowing(rules, 2) is None


def test_what_a_later_rule_always_sets_anew_never_counts() -> None:
    urgent, low = _rule({"task": "a.b"}, priority="urgent"), _rule({"category": "a"}, priority="low")
    assert list(overlap.undone([urgent, low], 0)) == [(1, "priority")]
    assert list(overlap.undone([urgent, _rule({"task": "a.c"}, priority="low")], 0)) == []
    assert list(overlap.undone([urgent, _rule({"tag": "x"}, stop=True), low], 0)) == []
    assert list(overlap.undone([urgent, _rule({"category": "a"}, priority="at least low")], 0)) == []


def test_a_task_of_another_category_can_never_fit() -> None:
    assert overlap.is_impossible({"category": "a", "task": ["b.c", "c.d"]})
    assert not overlap.is_impossible({"category": ["a", "b"], "task": "b.c"})


def test_S53_a_rule_without_conditions_fits_every_mail() -> None:
    assert overlap.fits_every_mail({})
    assert overlap.fits_every_mail({"from": ["x@y.org", "*"]})
    assert not overlap.fits_every_mail({"from": "*", "task": "a.b"})
