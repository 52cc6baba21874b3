"""Phrases are words with small gaps, and a sign-off is nothing but names and courtesy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.tickets.phrases import (
    any_stands_in,
    known_phrases,
    names_of,
    phrase,
    places,
    stands_in,
    texts_of,
    without_sign_off,
    words_of,
)
from tests.make import make_message


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("any update", "Any updates?"),
        ("I'll pick this up", "I’ll pick this one up."),
        ("wall socket", "two wall-sockets"),
        ("field-team", "the Field team"),
        ("box", "Boxes"),
        ("#done", "say #done"),
    ],
)
def test_what_a_phrase_finds(wanted: str, text: str) -> None:
    assert stands_in(wanted, texts_of(text))


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("any update", "any one big update"),
        ("any update", "many updates"),
        ("done", "#done"),
        ("done", "undone"),
        ("done", ""),
        ("", "done"),
        ("ta", "tab"),
    ],
)
def test_what_it_does_not(wanted: str, text: str) -> None:
    assert not stands_in(wanted, texts_of(text))


@given(st.text(st.sampled_from("aB1Σ'’-#. \n_é"), max_size=12))
def test_the_words_without_their_places_are_the_same(text: str) -> None:
    assert texts_of(text) == tuple(word.text for word in words_of(text))


def test_a_place_says_what_it_skipped() -> None:
    (place,) = places(phrase("all done"), words_of("it is all not done"))
    assert (place.first, place.last, place.skipped) == (2, 5, ("not",))


def test_a_sign_off_is_names_and_courtesy_at_the_end() -> None:
    message = make_message(sender="callum.estwick@council.example", name="Estwick, Callum")
    text = "Thanks for that.\n\nIt is wrong.\n\nMany thanks\nCallum\nC"
    assert without_sign_off(text, message) == "Thanks for that.\n\nIt is wrong."
    assert names_of(message) == {"callum", "estwick", "c", "e"}


def test_many_phrases_are_looked_for_together() -> None:
    known = known_phrases(["any update", "wall socket", "box"])
    assert [any_stands_in(known, texts_of(text)) for text in ("two boxes", "a wall", "Any more updates?")] == [
        True,
        False,
        True,
    ]
