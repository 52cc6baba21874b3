"""Canaries: only we can write one, and one of ours is never taken for a request."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailgate.decide import decide
from mailgate.ingest.parse import parse
from mailgate.model.decision import Ignore
from mailgate.model.facts import Facts
from mailgate.model.message import Message
from mailgate.tickets import canary
from mailgate.tickets.token import Keys, check
from mailgate.understand import read
from tests.make import HELPDESK, NOW, make_config, make_envelope, make_message

KEYS = Keys("a", {"a": b"k" * 32})
SENT = canary.compose(HELPDESK, HELPDESK, KEYS, NOW)


def arrived(content: bytes = SENT.content) -> Message:
    return parse(content)


def valid(message: Message) -> list[bool]:
    return [check(KEYS, NOW, token) for token in canary.claims(message)]


def test_a_canary_is_recognised_when_it_comes_back() -> None:
    assert valid(arrived()) == [True]


@pytest.mark.parametrize(
    ("old", "new"), [(HELPDESK.encode(), b"other@council.example"), (b": 17954", b": 17953"), (b" a", b" b")]
)
def test_a_canary_that_anybody_changed_is_an_ordinary_mail(old: bytes, new: bytes) -> None:
    name = canary.HEADER.encode()
    head, _, rest = SENT.content.partition(name)
    line, _, tail = rest.partition(b"\r\n")
    assert not any(valid(arrived(head + name + line.replace(old, new, 1) + b"\r\n" + tail)))


def test_a_mail_that_only_talks_of_canaries_claims_nothing() -> None:
    assert valid(make_message("X-Mailgate-Canary: 1 a")) == []
    assert valid(replace(make_message(), headers={"x-mailgate-canary": ("yes",)})) == []


def test_a_valid_canary_opens_nothing_and_is_not_answered() -> None:
    config = make_config()
    reading = read(arrived(), make_envelope(HELPDESK), config)
    (token,) = reading.tokens
    decision = decide(reading, config, Facts(NOW, canary=token))
    assert isinstance(decision.outcome, Ignore)
    assert (decision.replies, decision.events, decision.changes) == ((), (), ())
    assert decision.trace[-1].effect == "it is our canary"


def test_the_canaries_of_one_hour_are_one_mail_to_the_outbox() -> None:
    again = canary.compose(HELPDESK, HELPDESK, KEYS, NOW + timedelta(minutes=59))
    later = canary.compose(HELPDESK, HELPDESK, KEYS, NOW + timedelta(minutes=60))
    assert SENT.cause == again.cause != later.cause
