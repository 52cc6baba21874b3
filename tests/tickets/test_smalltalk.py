"""Chasers and thanks, and requests that only look like them."""

from datetime import timedelta
from typing import Any

import pytest

from mailgate.model.decision import Intent
from mailgate.model.message import Attachment, Verdict
from mailgate.model.reading import Reading
from mailgate.model.ticket import Ticket
from mailgate.tickets.smalltalk import chased_ticket, intent
from tests.make import ANN, BEN, NOW, STRANGER, make_config, make_facts, make_message, make_reading, make_ticket

CONFIG = make_config()
PDF = Attachment("form.pdf", "application/pdf", 9000, "a" * 64, 2)
LOGO = Attachment("logo.png", "image/png", 900, "b" * 64, 2)


def answer(text: str, sender: str = ANN, message: dict[str, Any] | None = None, **more: Any) -> Reading:
    """A reply to a mail of ours that says *text*."""
    values = {"in_reply_to": ("<ours@gate.council.example>",), "name": "Other, Ann", **(message or {})}
    return make_reading(text, message=make_message(text, sender=sender, **values), **more)


@pytest.mark.parametrize(
    "text",
    [
        "Hi, any update on this? I have a visitor tomorrow and would like to know if the screen has come.\n\nAnn",
        "Any update on this please?",
        "Just chasing the below - has it been done?",
        "Sorry to nag, where are we with this?",
        "Is there any news on this one? I need it for a meeting.",
        "Any update on the repair of A12345?",
        "Thanks for this. Any news?",
    ],
)
def test_a_chaser_asks_for_nothing_new(text: str) -> None:
    found, trace = intent(answer(text, keys=("A12345",), fields={"asset": ("A12345",)}), CONFIG)
    assert found is Intent.CHASER
    assert trace[0].words


@pytest.mark.parametrize(
    "text",
    [
        "Any update? Could you also repair B54321, it does not start.",
        "Any news on the cable? Also please send a new repair kit for A12345.",
        "The screen of A12345 is broken.",
        "We need an update of the software.",
        "Any update? " + "There is one more thing to say about the machine. " * 10,
    ],
)
def test_a_chaser_that_also_asks_for_something_is_no_chaser(text: str) -> None:
    assert intent(answer(text, keys=("A12345", "B54321")), CONFIG)[0] is None


def test_a_chaser_with_a_fact_about_a_task_is_no_chaser() -> None:
    reading = answer("Any update? The broken screen is in room 14.", fields={"room": ("14",)})
    assert intent(reading, CONFIG)[0] is None


@pytest.mark.parametrize(
    "text",
    [
        "Brilliant, thank you so much!\n\nAnn",
        "Thanks so much, much appreciated.",
        "Perfect, ta.",
        "Thank you Callum, great",
        "Hi all,\nmany thanks for your quick reply.\nKind regards\nA Other",
    ],
)
def test_thanks_and_nothing_else(text: str) -> None:
    assert intent(answer(text), CONFIG)[0] is Intent.THANKS


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, but the room is wrong.",
        "Thank you. It does not start though.",
        "Thanks, please do it again today",
        "Thanks, not this",
        "Thanks?",
        "Thanks\nWrong",
        "Thanks, it is 14.",
        "ta" + " all" * 30,
        "Perfect.",
        "",
    ],
)
def test_thanks_with_more_to_say_are_not_only_thanks(text: str) -> None:
    assert intent(answer(text), CONFIG)[0] is None


def test_under_a_subject_of_its_own_thanks_close_a_request() -> None:
    assert (
        intent(make_reading("Thanks", message=make_message("Thanks", subject="Please repair A12345")), CONFIG)[0]
        is None
    )


@pytest.mark.parametrize("message", [{"attachments": (PDF,)}, {"is_forward": True}])
@pytest.mark.parametrize("text", ["Any update?", "Thank you"])
def test_a_mail_with_a_file_and_a_forward_are_neither(text: str, message: dict[str, Any]) -> None:
    assert intent(answer(text, message=message), CONFIG)[0] is None


def test_a_logo_is_no_file() -> None:
    assert intent(answer("Thank you", message={"attachments": (LOGO,)}), CONFIG)[0] is Intent.THANKS


def test_the_quoted_words_do_not_count() -> None:
    assert intent(answer("It is in room 14.", message={"quoted": "Any update? Thanks"}), CONFIG)[0] is None


def test_without_configured_words_there_is_no_small_talk() -> None:
    assert intent(answer("Any update? Thanks"), make_config(small_talk={}))[0] is None


MINE = make_ticket()
LATER = make_ticket("MG-2346-7T", received_at=NOW, task="network.cable")
BENS = make_ticket("MG-G6C4-XM", requester=BEN)


@pytest.mark.parametrize(
    ("tickets", "chased"),
    [
        ((MINE,), MINE),
        ((BENS, MINE), MINE),
        ((BENS,), BENS),
        ((MINE, LATER), LATER),
        ((BENS, make_ticket("MG-2346-7T", requester=BEN)), None),
        ((make_ticket(status="done"),), None),
        ((make_ticket(keys=("B54321",)),), None),
        ((), None),
    ],
)
def test_a_chaser_without_a_thread_joins_the_senders_or_the_only_ticket(
    tickets: tuple[Ticket, ...], chased: Ticket | None
) -> None:
    reading = make_reading("Any update?", message=make_message("Any update?", subject="A12345?"), keys=("A12345",))
    assert chased_ticket(reading, CONFIG, make_facts(same_case=tickets))[0] == chased


def test_of_several_the_one_is_chased_whose_task_the_subject_names() -> None:
    reading = make_reading("Any update?", subject="Repair A12345?", keys=("A12345",))
    facts = make_facts(same_case=(MINE, LATER))
    assert chased_ticket(reading, CONFIG, facts)[0] == MINE


@pytest.mark.parametrize(
    ("sender", "verdict"),
    [(ANN, Verdict.NONE), (ANN, Verdict.FAIL), (STRANGER, Verdict.PASS), (STRANGER, Verdict.NONE)],
)
def test_S38_an_unproved_sender_and_a_stranger_chase_nothing(sender: str, verdict: Verdict) -> None:
    message = make_message("Any update?", sender=sender, date=NOW - timedelta(days=1))
    reading = make_reading("Any update?", message=message, verdict=verdict, keys=("A12345",))
    assert chased_ticket(reading, CONFIG, make_facts(same_case=(MINE,)))[0] is None


def test_a_colleague_hears_nothing_of_a_ticket_that_is_shown_to_its_team_alone() -> None:
    shown, other = make_ticket(show_to="the owning team only"), make_ticket("MG-2346-7T", id=2)
    reading = answer("Any update on A12345?", BEN, keys=("A12345",))
    assert chased_ticket(reading, CONFIG, make_facts(same_case=(shown,))) == (None, ())
    assert chased_ticket(reading, CONFIG, make_facts(same_case=(shown, other)))[0] == other  # the only one for Ben
    own = answer("Any update on A12345?", ANN, keys=("A12345",))
    assert chased_ticket(own, CONFIG, make_facts(same_case=(shown,)))[0] == shown
