"""Phrases in other words: other endings, another order, one slip; and never more than that."""

import tracemalloc

import pytest

from mailgate.rules.loose import LoosePhrases, stem


def fits(phrase: str, text: str) -> bool:
    return bool(list(LoosePhrases([("it", phrase)]).find(text)))


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("warning letter", "a letter of warning"),
        ("terminate", "it is being terminated"),
        ("termination checklist", "a checklist for terminating him"),
        ("interpreter", "an interpretter"),
        ("licence conditions", "the condition of his license"),
        ("licence", "license"),
        ("court result", "the results we got from the court"),
    ],
)
def test_a_phrase_fits_loosely(phrase: str, text: str) -> None:
    assert fits(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("warning letter", "A warning. The letter follows."),
        ("warning letter", "a warning was given twice on the way home from the office, the letter is late"),
        ("has passed", "pass it on"),
        ("recall", "call"),
        ("plan", "plane"),
    ],
)
def test_a_phrase_does_not_fit_loosely(phrase: str, text: str) -> None:
    assert not fits(phrase, text)


def test_a_hit_says_where() -> None:
    text = "Could we have a letter of warning?"
    (hit,) = LoosePhrases([("it", "warning letter")]).find(text)
    assert text[hit.start : hit.end] == "letter of warning"


def test_the_past_of_an_irregular_verb_is_the_same_word() -> None:
    assert {stem("came"), stem("come")} == {"come"}


def test_a_slip_in_a_word_with_an_ending_is_seen_through() -> None:
    assert list(LoosePhrases([("letters.warning", "warning letter")]).find("a wraning leter"))


def test_a_word_of_a_million_letters_costs_no_more_than_its_letters() -> None:
    tracemalloc.start()
    assert not list(LoosePhrases([("send", "warning letter")]).find("x" * 1_000_000))
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
