"""Phrases: capitals, hyphens, plurals and one other word do not matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.rules.phrases import Phrases


def fits(phrase: str, text: str) -> bool:
    return bool(Phrases([("it", phrase)]).find(text))


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("warning letter", "a WARNING LETTER please"),
        ("warning letter", "two warning letters"),
        ("warning letters", "a warning letter"),
        ("address check", "addresses to check"),
        ("pre-sentence report", "the pre sentence report"),
        ("pre-sentence report", "presentence reports"),
        ("reallocate", "please re-allocate"),
        ("children's services check", "childrens services check"),
        ("move the case to", "move the whole case to me"),
        ("call out check", "please could you kindly ask the unit for the usual and recent call\nout check on this"),
    ],
)
def test_a_phrase_fits(phrase: str, text: str) -> None:
    assert fits(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("warning letter", "warning in a letter"),
        ("signed licence", "It is signed. Licence to follow."),
        ("outcome missing", "Outcome:\nMissing date: 3 May"),
        ("recall", "recalled"),
        ("court result", "Court\tresult"),
    ],
)
def test_a_phrase_does_not_fit(phrase: str, text: str) -> None:
    assert not fits(phrase, text)


def test_a_hit_says_where() -> None:
    text = "Please send Warning the letters now"
    (hit,) = Phrases([("w", "warning letter")]).find(text)
    assert text[hit.start : hit.end] == "Warning the letters"
    assert hit.length == 2


words = st.sampled_from(["case", "new", "order", "send", "check", "the"])


@given(st.lists(words, min_size=1, max_size=4), st.lists(words, max_size=3), st.lists(words, max_size=3))
def test_a_phrase_fits_in_any_surroundings(phrase: list[str], before: list[str], after: list[str]) -> None:
    assert fits(" ".join(phrase), " ".join([*before, *phrase, *after]))


@given(st.lists(words, min_size=2, max_size=3), words)
def test_one_other_word_between_two_does_not_matter(phrase: list[str], other: str) -> None:
    assert fits(" ".join(phrase), f" {other} ".join(phrase))
