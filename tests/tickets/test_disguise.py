"""Senders who look like somebody else (E185, S40)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.model.message import Address
from mailgate.tickets.disguise import why
from tests.make import make_config

CONFIG = make_config()


@pytest.mark.parametrize(
    "sender",
    [
        Address("x@evil.example", "boss@council.example"),
        Address("x@evil.example", '"Boss <boss@council.example>"'),
        Address("x@evil.example", "boss\uff20council.example"),  # a wide @
        Address("boss@c\u03bfuncil.example", "Boss"),  # Greek
        Address("boss@c\u043euncil.example", "Boss"),  # Cyrillic
        Address("boss@xn--cuncil-i0e.example", "Boss"),  # the Greek one as DNS has it
        Address("boss@c0uncil.example", "Boss"),
        Address("boss@mail.counci1.example", "Boss"),
    ],
)
def test_S40_whoever_looks_like_one_of_us_is_noted(sender: Address) -> None:
    assert why(sender, CONFIG)


@pytest.mark.parametrize(
    "sender",
    [
        Address("ann.other@council.example", "Ann Other"),
        Address("ann.other@council.example", "ann.other@council.example"),
        Address("ann@mail.council.example", "Ann @ Council"),
        Address("jo@mail.example", "Jo Citizen (council tenant)"),
        Address("jo@borough.example", ""),
    ],
)
def test_S40_everybody_else_is_who_they_are(sender: Address) -> None:
    assert not why(sender, CONFIG)


@given(st.text(), st.text())
def test_looking_never_fails(address: str, name: str) -> None:
    assert isinstance(why(Address(address, name), CONFIG), str)
