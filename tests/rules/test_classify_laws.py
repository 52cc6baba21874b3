"""What never changes the task of a mail: courtesies, capitals, plurals, hyphens, the order of what it tells."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.rules.classify import classify
from mailgate.settings import load

CONFIG = load([Path(__file__).parents[2] / "config"], {})

ASKED = [
    ("enforcement", "Could you send a warning letter, he missed Tuesday"),
    ("enforcement", "No reason given for not turning up. Please write to him, it is his first"),
    ("court", "Someone who speaks Polish is needed. Please book them for the day"),
    ("custody", "He is on a tag from the 4th. Please say whether the address is suitable"),
    ("interventions", "Bailiffs are after him. Could he be sent to somebody for the debts"),
    ("performance", "Please give us the figures. We want a breakdown for the quarter"),
    ("communitypayback", "Can she have a bus pass? She has no money for the fare"),
]
COURTESIES = ["Hi", "Good morning", "Hope you are well.", "Many thanks", "Cheers", "Kind regards", "It rained all day."]

asked = pytest.mark.parametrize(("mailbox", "text"), ASKED)


def task(mailbox: str, text: str) -> str | None:
    return classify("", text, f"northmere.{mailbox}@justice.example", CONFIG).task


@asked
def test_each_is_known_at_all(mailbox: str, text: str) -> None:
    found = task(mailbox, text)
    assert found is not None
    assert not found.endswith(".other")


@asked
@given(before=st.sampled_from(COURTESIES), after=st.sampled_from(COURTESIES))
def test_a_courtesy_changes_nothing(mailbox: str, text: str, before: str, after: str) -> None:
    assert task(mailbox, f"{before}\n\n{text}\n\n{after}") == task(mailbox, text)


@asked
@given(data=st.data())
def test_capitals_change_nothing(mailbox: str, text: str, data: st.DataObject) -> None:
    shouted = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    written = "".join(letter.upper() if up else letter for letter, up in zip(text, shouted, strict=True))
    assert task(mailbox, written) == task(mailbox, text)


@asked
@given(data=st.data())
def test_the_order_of_paragraphs_changes_nothing(mailbox: str, text: str, data: st.DataObject) -> None:
    paragraphs = data.draw(st.permutations([*text.split(". "), "He was polite", "It rained all day"]))
    in_order = "\n\n".join([*text.split(". "), "He was polite", "It rained all day"])
    assert task(mailbox, "\n\n".join(paragraphs)) == task(mailbox, in_order)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Please send a warning letter", "Please send a warning-letter"),
        ("Please send a warning letter", "Please send warning letters"),
        ("Could the fare be paid for the bus?", "Could the fares be paid for the buses?"),
        ("Please book an interpreter", "Please book interpreters"),
    ],
)
@pytest.mark.parametrize("mailbox", ["enforcement", "court", "communitypayback"])
def test_plurals_and_hyphens_change_nothing(mailbox: str, one: str, other: str) -> None:
    assert task(mailbox, one) == task(mailbox, other)


@asked
@given(noise=st.text(alphabet="qxzj \n", max_size=100))
def test_words_that_no_task_knows_change_nothing(mailbox: str, text: str, noise: str) -> None:
    assert task(mailbox, f"{text}\n\n{noise}") == task(mailbox, text)
