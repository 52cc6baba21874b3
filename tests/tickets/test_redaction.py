"""A word is taken out of a mail however it is written there, and nothing else is."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.tickets import redaction, tombstone
from mailgate.tickets.token import Keys
from mailgate.tickets.tombstone import Erased

ANN = "ann.other@council.example"


@pytest.mark.parametrize(
    ("text", "word", "left"),
    [
        ("for a 12 345, not BA12345", "A12345", "for [erased], not BA12345"),
        ("see Ann.Other@Council.Example.", ANN, "see [erased]."),
        ("joann.other@council.example", ANN, "joann.other@council.example"),
    ],
)
def test_a_word_is_found_however_it_is_written(text: str, word: str, left: str) -> None:
    assert redaction.in_text(text, word) == left
    assert redaction.is_in(text, word) == (text != left)


def test_bytes_stay_as_long_as_they_were() -> None:
    raw = b"To: Ann.Other@council.example\r\n\r\nhello ann.other@council.example\r\n"
    left = redaction.in_mail(raw, ANN)
    assert (len(left), left.count(b"-" * len(ANN))) == (len(raw), 2)


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"dear " + ANN.encode()),
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\ndear ann.oth=\r\ner@council.example",
        b"Subject: =?utf-8?b?" + base64.b64encode(ANN.encode()) + b"?=\r\n\r\nhello",
    ],
)
def test_what_says_it_behind_an_encoding_is_not_kept(raw: bytes) -> None:
    assert redaction.is_said(raw, ANN)
    assert redaction.in_mail(raw, ANN) == b""


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_what_is_left_never_says_it(before: bytes, after: bytes) -> None:
    left = redaction.in_mail(before + b" " + ANN.encode() + b" " + after, ANN)
    assert not redaction.is_said(left, ANN)


def test_a_tombstone_tells_whom_it_is_of_with_its_key_alone() -> None:
    keys = Keys("b", {"a": b"a" * 32, "b": b"b" * 32})
    found = tombstone.read(tombstone.made(keys, Erased.PERSON, ANN, 17).name)
    assert found is not None
    assert (found.letter, found.kind, found.at) == ("b", Erased.PERSON, 17)
    assert found.digest == tombstone.digest_of(keys.secrets["b"], Erased.PERSON, ANN)
    assert found.digest != tombstone.digest_of(keys.secrets["a"], Erased.PERSON, ANN)
    assert found.digest != tombstone.digest_of(keys.secrets["b"], Erased.CASE, ANN)
    assert tombstone.read("something.else") is None
