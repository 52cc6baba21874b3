"""Mails that ask for a list, and mails that only look like it."""

from dataclasses import replace

import pytest

from mailgate.model.message import Kind
from mailgate.model.reading import Asking
from mailgate.tickets.questions import question
from tests.make import make_config, make_message, make_reading

WORDS = {"mine": ["my list"], "team": ["team list"], "status": ["status", "my requests"]}
CONFIG = make_config(questions=WORDS)
LENA = "lena.brook@council.example"


@pytest.mark.parametrize(
    ("text", "subject", "kind"),
    [
        ("my list", "x", Asking.MINE),
        ("Hi, team list please. Thanks", "x", Asking.TEAM),
        ("", "My requests", Asking.STATUS),
        ("Thank you", "Status", Asking.STATUS),
        ("My list of repairs is long.", "my list", None),
        ("What is the status of the repair?", "status", None),
        ("", "", None),
    ],
)
def test_a_mail_that_says_nothing_else_asks_for_a_list(text: str, subject: str, kind: Asking | None) -> None:
    found = question(make_reading(text, subject=subject), CONFIG)
    assert (found.kind if found else None) is kind


def test_who_leads_a_team_asks_for_its_list() -> None:
    reading = make_reading("team list", message=make_message("team list", sender=LENA))
    found = question(reading, CONFIG)
    assert found
    assert found.led == ("desk",)


def test_neither_a_machine_nor_a_forward_asks() -> None:
    reading = make_reading("my list")
    for changed in ({"kind": Kind.AUTO_REPLY}, {"is_forward": True}):
        assert question(replace(reading, message=replace(reading.message, **changed)), CONFIG) is None
