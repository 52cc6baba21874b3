"""Agents and managers find tickets by mail, and only what they may know of, on both engines."""

from pathlib import Path

import pytest

from mailgate.app import context_of
from mailgate.model.decision import Action
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.model.people import Person
from mailgate.store import people
from mailgate.store.engine import Store
from mailgate.tickets.questions import MOST_SHOWN
from tests.conversation import Conversation, text_of
from tests.make import ANN, CLEO, STRANGER, make_config

OMAR = "omar.finch@council.example"  # who leads the field team
MIA = Person("mia.stone@council.example", "Mia Stone", "manager", "", team="")
FAY = Person("fay.reed@council.example", "Fay Reed", "agent", "Field", team="field-team")
PRINTER = "The printer A54321 does not start, in room 3."
CABLE = "A new cable for the wall socket please, A99999."
SECRET = "The screen of A77777 does not start, in room 4. It is confidential."
CLOSED = {
    "name": "closed",
    "when": {"subject": "confidential"},
    "then": {"show_to": "the owning team only"},
}


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    config = make_config(
        questions={"find": ["find", "#find"], "mine": ["my list"]},
        digests={"daily": {"at": "8am", "to": ["manager"]}},
        rules=[CLOSED],
    )
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [CLEO, FAY, MIA])
    return Conversation(store, context_of(config, store))


def found(talk: Conversation, asked: str, by: str) -> Outbound:
    """The answer to *by*; whoever asks opens nothing."""
    talk.later(minutes=1)
    settled = talk.hears(asked, by, subject="Search")
    assert settled.decision.action is Action.IGNORE
    (mail,) = settled.outbound
    assert (mail.message, mail.recipient) == ("found", by)
    return mail


def opened(talk: Conversation, words: str, sender: str = ANN) -> str:
    (ref,) = talk.hears(words, sender, subject="Request").references
    return ref


ASKED = ("find printer", "Find: A54321", "#find a 54321", f"find {ANN}", "find print start\n\nCleo")


@pytest.mark.parametrize("asked", ASKED)
def test_an_agent_finds_the_teams_tickets_and_acts_on_them(talk: Conversation, asked: str) -> None:
    ref = opened(talk, PRINTER)
    mail = found(talk, asked, CLEO.address)
    assert ref in text_of(mail)
    assert "A54321" in text_of(mail)
    assert talk.presses("I'll take it", mail, CLEO.address).decision.action is Action.COMMAND
    assert talk.ticket(ref)["assignee"] == CLEO.address


def test_E121_who_knows_a_reference_learns_nothing_by_it(talk: Conversation) -> None:
    ref = opened(talk, PRINTER)
    assert ref in text_of(found(talk, f"find {ref}", CLEO.address))
    nothing = text_of(found(talk, f"find {ref}", OMAR))
    assert "We found nothing" in nothing
    assert nothing == text_of(found(talk, "find MG-G6C4-XM", OMAR))


def test_each_team_finds_its_own_and_a_manager_both(talk: Conversation) -> None:
    ours, theirs = opened(talk, PRINTER), opened(talk, CABLE)
    seen = {who: text_of(found(talk, f"find {ANN}", who)) for who in (CLEO.address, FAY.address, OMAR, MIA.address)}
    assert {who: (ours in text, theirs in text) for who, text in seen.items()} == {
        CLEO.address: (True, False),
        FAY.address: (False, True),
        OMAR: (False, True),
        MIA.address: (True, True),
    }
    assert "mailto:" not in seen[MIA.address]


def test_what_somebody_asked_for_themselves_is_found_as_any_colleague_sees_it(talk: Conversation) -> None:
    ref = opened(talk, PRINTER, FAY.address)
    said = text_of(found(talk, "find printer", FAY.address))
    assert ref in said
    assert "has it" not in said
    assert "mailto:" not in said


def test_what_is_shown_to_its_team_alone_no_manager_finds(talk: Conversation) -> None:
    (ref,) = talk.hears(SECRET, ANN, subject="confidential").references
    assert talk.ticket(ref)["show_to"]
    assert ref in text_of(found(talk, "find confidential", CLEO.address))
    assert ref not in text_of(found(talk, "find confidential", MIA.address))


@pytest.mark.parametrize(
    ("asked", "by"),
    [
        ("find printer", ANN),  # does no work here
        ("find printer", STRANGER),
        ("Find attached the form.\nIt is urgent.", CLEO.address),  # more than one line
        ("Please look for it", CLEO.address),
    ],
)
def test_anything_else_is_a_request(talk: Conversation, asked: str, by: str) -> None:
    opened(talk, PRINTER)
    assert talk.hears(asked, by, subject="Request").decision.action is Action.NEW_TICKET


def test_S37_an_unproved_agent_finds_nothing(talk: Conversation) -> None:
    opened(talk, PRINTER)
    talk.arrives(talk.mail("find printer", CLEO.address), CLEO.address, vouched=False)
    (settled,) = talk.works()
    assert "found" not in {mail.message for mail in settled.outbound}


def test_a_long_answer_ends_and_says_so(talk: Conversation) -> None:
    for number in range(MOST_SHOWN + 2):
        opened(talk, f"The printer B{number:05} does not start, in room 3.")
    said = text_of(found(talk, "find printer", CLEO.address))
    assert said.count("We received it on") == MOST_SHOWN
    assert "There are 2 more" in said
