"""F9: mails that are built and then broken; ``make prove`` reads a million of them (K7)."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.ingest.parse import parse
from prove import hostile
from prove.reading import problems_of, problems_of_the_library

KNOWN = hostile.seeds()
CHANCES = st.randoms(use_true_random=False)


def broken(chance: Random) -> bytes:
    return hostile.made(chance, KNOWN)


@given(CHANCES.map(broken))
def test_K7_a_broken_mail_is_a_message_that_any_store_holds(raw: bytes) -> None:
    assert list(problems_of(raw, parse(raw))) == []


@given(CHANCES.map(lambda chance: hostile.built(chance, KNOWN)))
def test_K7_a_strange_mail_is_a_message_that_any_store_holds(raw: bytes) -> None:
    assert list(problems_of(raw, parse(raw))) == []


def test_the_same_number_is_the_same_mail() -> None:
    assert broken(Random(7)) == broken(Random(7))
    assert len({broken(Random(number)) for number in range(50)}) == 50


def test_R10_the_standard_library_does_not_survive_them() -> None:
    raws = [broken(Random(number)) for number in range(200)]
    assert any(list(problems_of_the_library(raw, parse(raw))) for raw in raws)


@pytest.mark.parametrize("how", hostile.BREAKS, ids=lambda how: how.__name__)
def test_every_way_to_break_a_mail_takes_an_empty_one(how) -> None:
    for number in range(20):
        assert isinstance(how(Random(number), b"", [b"From: a@x.example\r\n\r\nx"]), bytes)
