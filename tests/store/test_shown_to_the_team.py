"""A ticket with ``show_to`` is for its team and those who take part: no road of mail leads anybody else to it."""

from pathlib import Path

import pytest

from mailgate.app import context_of
from mailgate.model.decision import Action
from mailgate.model.operator import Operator
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from tests.conversation import Conversation
from tests.make import ANN, BEN, make_config

CANARY = "Xanthippe"
RESTRICT = {"name": "For the team", "when": {"subject": CANARY}, "then": {"show_to": "the owning team only"}}
REQUEST = "Could you repair the screen of A12345? It does not start. Room 12."
FIRST = "<first@people>"


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    text = {"refusals": {"before": ["please do not"]}}
    config = make_config(rules=[RESTRICT], text=text)
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    return Conversation(store, context_of(config, store))


@pytest.fixture
def opened(talk: Conversation) -> Settled:
    return talk.hears(REQUEST, ANN, subject=f"{CANARY} has a broken screen", message_id=FIRST)


ROADS = {
    "an answer to the mail that opened it": ("Any update on this?", {"in_reply_to": FIRST, "subject": "Re: screen"}),
    "its reference": ("Any update on this?", {"subject": "[{ref}] the screen"}),
    "a chaser": ("Any update on the repair of A12345?", {"subject": "Any news?"}),
    "the same request": (REQUEST, {"subject": "Broken screen"}),
    "what is not wanted": ("Please do not repair A12345.", {"subject": "A12345"}),
    "thanks": ("Thank you.", {"in_reply_to": FIRST, "subject": "Re: screen"}),
}


@pytest.mark.parametrize("road", [*ROADS, "a mail of ours that was forwarded"])
def test_a_colleague_learns_nothing_of_it_and_adds_nothing(talk: Conversation, opened: Settled, road: str) -> None:
    (ref,) = opened.references
    before = talk.ticket(ref)
    text, headers = ROADS.get(road, ("Done", {}))
    answered = None if road in ROADS else opened.outbound[0]
    named = {name: value.format(ref=ref) for name, value in headers.items()}
    settled = talk.hears(text, BEN, answered, **named)
    assert settled.decision.action is Action.NEW_TICKET
    assert talk.ticket(ref) == before
    (own,) = settled.references
    assert [mail for mail in settled.outbound if CANARY.encode() in mail.content or ref.encode() in mail.content] == []
    assert CANARY not in str(talk.ticket(own))


@pytest.mark.parametrize("road", ROADS)
def test_who_takes_part_gets_there_by_every_road(talk: Conversation, opened: Settled, road: str) -> None:
    (ref,) = opened.references
    text, headers = ROADS[road]
    settled = talk.hears(text, ANN, **{name: value.format(ref=ref) for name, value in headers.items()})
    assert settled.references == ()
    assert settled.decision.ticket is not None
    assert settled.decision.ticket.ref == ref
    assert CANARY not in "".join(mail.content.decode() for mail in settled.outbound)
