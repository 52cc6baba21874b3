"""Patterns and words of the configuration: all of them in one pass."""

from hypothesis import given
from hypothesis import strategies as st

from mailgate.rules.searches import Searches, Wishes

WISHES = ["warrant", "court result", "/re[a-z]+/", "/^a/", "/[0-9]{2}/"]
TEXT = st.lists(st.sampled_from(["a", "warrant", "court", "result", "Results", "12", ".", "\n"])).map(" ".join)


@given(TEXT)
def test_all_wishes_at_once_find_what_each_finds_alone(text: str) -> None:
    alone = {wish: said for wish in WISHES for said in Wishes([wish]).find(text).values()}
    assert Wishes(WISHES).find(text) == alone


def test_a_wish_is_granted_with_the_first_words_that_do() -> None:
    assert Wishes(WISHES).find("Two warrants, one warrant: 1234") == {"warrant": "warrants", "/[0-9]{2}/": "12"}


def test_where_there_is_too_little_memory_every_pattern_is_worth_trying() -> None:
    searches = Searches(["a{900}b{900}c{900}", "d"])
    searches._set = type("Exhausted", (), {"Match": lambda self, text: []})()
    assert searches.fitting("x") == {"a{900}b{900}c{900}", "d"}


def test_no_patterns_fit_nothing() -> None:
    assert Searches([]).fitting("x") == frozenset()
