"""An answer that comes before the mail it answers (E123), on both engines."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailgate.app import context_of
from mailgate.model.decision import Action
from mailgate.model.operator import Operator
from mailgate.store import people
from mailgate.store.engine import Store
from mailgate.store.tables import awaited
from tests.conversation import Conversation, text_of
from tests.make import ANN, BEN, CLEO, STRANGER, make_config

ORIGINAL = "<original@mail.example>"
ASKED = "The screen of A12345 does not start. I am in room 12."
ADDED = "It is the big one by the window."
WHOLE = "The screen of A12345 does not start, in room 12, by the window."


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    config = make_config().model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [CLEO])
    return Conversation(store, context_of(config, store))


def answer(talk: Conversation, sender: str = BEN, cc: str = STRANGER, answers: str = ORIGINAL) -> str:
    """The reference of what an answer to all opens, whose original we have not seen."""
    (ref,) = talk.hears(ADDED, sender, cc=cc, in_reply_to=answers, subject="Re: Broken screen").references
    talk.later(minutes=5)
    return ref


def original(talk: Conversation, sender: str = STRANGER) -> str:
    (ref,) = talk.hears(ASKED, sender, message_id=ORIGINAL).references
    return ref


def merged(talk: Conversation, ref: str) -> object:
    return talk.ticket(ref)["merged_into"]


def test_E123_an_answer_that_came_first_becomes_part_of_what_it_answers(talk: Conversation) -> None:
    late = answer(talk)
    found = talk.hears(ASKED, STRANGER, message_id=ORIGINAL)
    (ref,) = found.references
    assert merged(talk, late) == ref
    shown = talk.ticket(ref)
    assert (shown["requester"], shown["parts"]) == (STRANGER, [late])
    assert {mail["from"] for mail in shown["messages"]} == {STRANGER, BEN}  # type: ignore[attr-defined]
    assert [event["what"] for event in shown["events"]] == ["opened", "merged"]  # type: ignore[attr-defined]
    assert [mail.recipient for mail in found.outbound if mail.message == "received"] == [STRANGER]
    assert all(late not in text_of(mail) for mail in found.outbound if mail.recipient == STRANGER)
    again = talk.hears("Any more?", BEN, in_reply_to=ORIGINAL, subject="Re: Broken screen")
    assert again.decision.ticket
    assert again.decision.ticket.ref == ref


def test_E158_it_is_taken_apart_by_the_agent(talk: Conversation) -> None:
    first = talk.hears(WHOLE, BEN, cc=STRANGER, in_reply_to=ORIGINAL, subject="Re: Broken screen")
    to_agent = next(mail for mail in first.outbound if mail.recipient == CLEO.address)
    talk.later(minutes=5)
    original(talk)
    assert talk.hears("#separate", CLEO.address, to_agent).decision.action is Action.COMMAND
    assert merged(talk, first.references[0]) is None


def test_E123_several_answers_meet(talk: Conversation) -> None:
    late = [answer(talk), answer(talk, ANN)]
    ref = original(talk)
    assert [merged(talk, each) for each in late] == [ref, ref]


@pytest.mark.parametrize(
    ("sender", "cc"),
    [
        (BEN, ANN),  # its writer did not write to whoever says to have sent the original
        ("other@mail.example", STRANGER),  # could not have posted there
    ],
)
def test_E120_3_a_message_id_alone_takes_nobodys_request_away(talk: Conversation, sender: str, cc: str) -> None:
    late = answer(talk, sender, cc)
    original(talk)
    assert merged(talk, late) is None


def test_E123_what_somebody_touched_stays_a_ticket_of_its_own(talk: Conversation) -> None:
    first = talk.hears(WHOLE, BEN, cc=STRANGER, in_reply_to=ORIGINAL, subject="Re: Broken screen")
    to_agent = next(mail for mail in first.outbound if mail.recipient == CLEO.address)
    talk.hears("I'll take it", CLEO.address, to_agent)
    original(talk)
    assert merged(talk, first.references[0]) is None


def test_E123_after_a_day_nobody_waits_any_more(talk: Conversation) -> None:
    late = answer(talk)
    talk.later(hours=24)
    original(talk)
    assert merged(talk, late) is None
    answer(talk, ANN, answers="<another@mail.example>")
    with talk.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(awaited)) == 1


def test_what_answers_a_mail_of_ours_waits_for_nothing(talk: Conversation) -> None:
    first = talk.hears(ASKED, ANN)
    talk.hears("And it hums.", ANN, first.outbound[0])
    with talk.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(awaited)) == 0
