"""Words in other forms: other endings, the past of irregular verbs, one slip; and never more than that."""

import tracemalloc

import pytest

from mailgate.rules.stems import Lexicon, content, stem


@pytest.mark.parametrize(
    ("listed", "written"),
    [
        ("terminate", "terminated"),
        ("termination", "terminating"),
        ("warning", "warnings"),
        ("interpreter", "interpretter"),
        ("licence", "license"),
        ("warning", "wraning"),
        ("letter", "leter"),
    ],
)
def test_a_word_is_known_in_other_forms(listed: str, written: str) -> None:
    assert Lexicon([listed]).known(written) == stem(listed)


@pytest.mark.parametrize(
    ("listed", "written"), [("recall", "call"), ("plan", "plane"), ("report", "court"), ("thirds", "theirs")]
)
def test_another_word_is_not(listed: str, written: str) -> None:
    assert Lexicon([listed]).known(written) is None


def test_the_past_of_an_irregular_verb_is_the_same_word() -> None:
    assert {stem("came"), stem("come")} == {"come"}


def test_small_words_matter_only_where_no_other_does() -> None:
    assert list(content("the letter of warning")) == ["letter", "warn"]
    assert list(content("as is")) == ["as", "is"]


def test_a_word_of_a_million_letters_costs_no_more_than_its_letters() -> None:
    tracemalloc.start()
    assert Lexicon(["warning"]).known("x" * 1_000_000) is None
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
