"""Tickets that an agent makes one, and takes apart again (E128, E158), on both engines."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mailgate.app import context_of
from mailgate.errors import Refused
from mailgate.model.decision import Action, Order
from mailgate.model.operator import Operator
from mailgate.store import people
from mailgate.store.engine import Store
from mailgate.store.tables import clocks
from mailgate.workers.order import give
from tests.conversation import Conversation, text_of
from tests.make import ANN, BEN, CLEO, DEV, SERVICE, STRANGER, make_config

WORDS = {"duplicate": ["duplicate of", "#duplicate"], "separate": ["this is a separate request", "#split"]}
NAMES = ("status", "waiting_for", "assignee", "fields", "missing", "due_at", "closed_at", "first_reply_at", "clocks")
COMPLETE = "The printer A54321 does not start, in room 3."
OTHER = "The screen of A12345 does not start."
UNCLEAR = "The printer A54321 does not start."
WHOLE = "The screen of A12345 does not start, in room 8."
REQUESTS = (COMPLETE, "The printer A54321 does not start.", "The printer does not start.")
ANSWERS = ("It is in room 12.", "Asset A12345, room 7.", "Thank you", "Any update?", "It still does not work.")


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    config = make_config(commands={**SERVICE["commands"], **WORDS})
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [CLEO, DEV])
    return Conversation(store, context_of(config, store))


class Two:
    """Two requests, and the mails about them: *part* is Ben's, *whole* is Ann's."""

    def __init__(
        self, talk: Conversation, words: str = "The printer A54321 does not start.", asked: str = OTHER
    ) -> None:
        self.talk = talk
        self.first = first = talk.hears(asked, ANN)
        second = talk.hears(words, BEN)
        (self.whole,), (self.part,) = first.references, second.references
        self.to_ben = second.outbound[0]
        self.to_agent = next((mail for mail in second.outbound if mail.recipient == CLEO.address), self.to_ben)

    def ordered(self, do: str, to: str | None = None) -> None:
        give(self.talk.store, self.talk.context, self.part, Order(do, to=to), self.talk.now)

    def shown(self, ref: str) -> dict[str, Any]:
        """What somebody sees of a ticket, less its history and what was sent: these only grow."""
        found: dict[str, Any] = self.talk.ticket(ref)
        mails = [mail["message_id"] for mail in found["messages"]]
        people_in_it = [each["address"] for each in found["participants"] if each["role"] != "mailed"]
        return {**{name: found[name] for name in NAMES}, "mails": mails, "people": people_in_it}


def last(talk: Conversation, ref: str) -> str:
    found: list[dict[str, Any]] = talk.ticket(ref)["events"]  # type: ignore[assignment]
    return str(found[-1]["what"])


def looked_at(talk: Conversation) -> int:
    """How many clocks somebody will look at."""
    with talk.store.read() as connection:
        return len(connection.execute(select(clocks).where(clocks.c.next_check_at.is_not(None))).all())


def test_E128_answers_follow_the_merge(talk: Conversation) -> None:
    two = Two(talk)
    two.ordered("duplicate", two.whole)
    assert talk.ticket(two.part)["merged_into"] == two.whole
    assert talk.ticket(two.whole)["parts"] == [two.part]
    assert last(talk, two.whole) == "merged"
    answer = talk.hears("It is in room 12.", BEN, two.to_ben)
    assert answer.decision.action is Action.FOLLOW_UP
    assert answer.decision.ticket is not None
    assert answer.decision.ticket.ref == two.whole
    assert answer.reading.message.message_id in two.shown(two.whole)["mails"]
    assert {each["from"] for each in talk.ticket(two.whole)["messages"]} == {ANN, BEN}  # type: ignore[attr-defined]


def test_E158_the_history_of_a_part_says_what_its_answers_did_to_it(talk: Conversation) -> None:
    two = Two(talk)
    assert talk.ticket(two.part)["status"] == "waiting"
    two.ordered("duplicate", two.whole)
    talk.hears("It is in room 12, and its tag is A54321.", BEN, two.to_ben)
    assert talk.ticket(two.part)["status"] == "open"
    for ref in (two.part, two.whole):
        found: list[dict[str, Any]] = talk.ticket(ref)["events"]  # type: ignore[assignment]
        assert [each["data"]["status"] for each in found if each["what"] == "follow-up"] == ["open"]


def test_E156_who_asked_one_hears_nothing_of_the_other(talk: Conversation) -> None:
    two = Two(talk)
    two.ordered("duplicate", two.whole)
    told = talk.hears("Any update?", BEN, two.to_ben)
    assert [mail.recipient for mail in told.outbound] == [BEN]
    said = text_of(told.outbound[0]) + told.outbound[0].subject
    assert two.part in said
    assert two.whole not in said
    assert "A12345" not in said


def test_E158_what_is_merged_counts_as_closed_and_its_clocks_wake_nobody(talk: Conversation) -> None:
    two = Two(talk, COMPLETE)
    part, whole = two.shown(two.part), two.shown(two.whole)
    two.ordered("duplicate", two.whole)
    assert talk.ticket(two.part)["closed_at"]
    assert looked_at(talk) == 0
    talk.later(hours=30)
    two.ordered("separate")
    assert looked_at(talk) > 0
    assert (two.shown(two.part), two.shown(two.whole)) == (part, whole)
    assert last(talk, two.whole) == "split off"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(st.sampled_from(ANSWERS), max_size=3, unique=True), words=st.sampled_from(REQUESTS))
def test_E158_merged_answered_and_split_is_as_if_never_merged(
    talk: Conversation, answers: list[str], words: str
) -> None:
    def played(merges: bool) -> list[dict[str, Any]]:
        two = Two(talk, words)
        if merges:
            two.ordered("duplicate", two.whole)
        ids = [talk.hears(answer, BEN, two.to_ben).reading.message.message_id for answer in answers]
        if merges:
            two.ordered("separate")
        shown = two.shown(two.part)
        assert set(ids) <= set(shown["mails"])
        for ref in (two.part, two.whole):
            give(talk.store, talk.context, ref, Order("cancel"), talk.now)
        talk.later(days=100)
        return [{name: value for name, value in shown.items() if name not in ("mails", "due_at", "clocks")}]

    assert played(merges=True) == played(merges=False)


def test_E186_an_agent_merges_by_reply_and_splits_again(talk: Conversation) -> None:
    two = Two(talk, COMPLETE)
    merged = talk.hears(f"Duplicate of {two.whole}", CLEO.address, two.to_agent)
    assert merged.decision.action is Action.COMMAND
    assert talk.ticket(two.part)["merged_into"] == two.whole
    talk.later(minutes=5)
    refused = talk.hears("Done", CLEO.address, two.to_agent)
    assert refused.decision.action is Action.FOLLOW_UP
    assert "part of another ticket" in text_of(refused.outbound[0])
    talk.later(minutes=5)
    assert talk.hears("#split", CLEO.address, two.to_agent).decision.action is Action.COMMAND
    assert talk.ticket(two.part)["merged_into"] is None


def test_E121_nobody_learns_by_an_order_whether_there_is_a_ticket(talk: Conversation) -> None:
    two = Two(talk, COMPLETE)
    other = talk.hears("A new cable for the wall socket please, A99999.", ANN, subject="Cable")
    heard = []
    for ref in (other.references[0], "MG-7K3F-99"):
        talk.later(minutes=1)
        refused = talk.hears(f"Duplicate of {ref}", CLEO.address, two.to_agent)
        assert refused.decision.action is Action.FOLLOW_UP
        heard.append(text_of(refused.outbound[0]).replace(ref, ""))
    assert heard[0] == heard[1]
    assert talk.hears(f"Duplicate of {two.whole}", STRANGER, two.to_agent).decision.action is not Action.COMMAND


def test_what_cannot_be_merged_or_split_says_why(talk: Conversation) -> None:
    two = Two(talk)
    with pytest.raises(Refused, match="that is the same ticket"):
        two.ordered("duplicate", two.part)
    with pytest.raises(Refused, match="it is part of no other ticket"):
        two.ordered("separate")
    two.ordered("duplicate", two.whole)
    with pytest.raises(Refused, match="that is the same ticket"):  # no rings
        give(talk.store, talk.context, two.whole, Order("duplicate", to=two.part), talk.now)
    with pytest.raises(Refused, match="part of another ticket"):
        two.ordered("done")


def test_E156_when_the_whole_is_done_who_asked_for_a_part_hears_of_their_own_alone(talk: Conversation) -> None:
    two = Two(talk, COMPLETE, WHOLE)
    two.ordered("duplicate", two.whole)
    third = talk.hears("A new chair for A99999 please.", DEV.address, subject="Chair")
    give(talk.store, talk.context, third.references[0], Order("duplicate", to=two.part), talk.now)
    to_agent = next(mail for mail in two.first.outbound if mail.recipient == CLEO.address)
    done = talk.hears("Done", CLEO.address, to_agent)
    assert sorted((mail.message, mail.recipient) for mail in done.outbound) == sorted(
        ("done", reader) for reader in (ANN, BEN, DEV.address)
    )
    to_ben = next(mail for mail in done.outbound if mail.recipient == BEN)
    said = text_of(to_ben) + to_ben.subject
    assert two.part in said
    assert "A54321" in said
    assert two.whole not in said
    assert "A12345" not in said
    talk.later(days=1)
    again = talk.hears("It does not start again.", BEN, to_ben)
    assert talk.ticket(two.whole)["status"] == "open"
    assert {mail.recipient for mail in again.outbound if mail.message == "reopened"} == {BEN}


def test_by_the_command_line_a_part_is_told_as_well(talk: Conversation) -> None:
    two = Two(talk, COMPLETE, WHOLE)
    two.ordered("duplicate", two.whole)
    give(talk.store, talk.context, two.whole, Order("done"), talk.now)
    mails: list[dict[str, Any]] = talk.ticket(two.part)["outgoing"]  # type: ignore[assignment]
    assert [(mail["message"], mail["to"]) for mail in mails if mail["message"] == "done"] == [("done", BEN)]


def test_what_somebody_else_waits_for_by_a_part_is_not_cancelled_by_its_requester(talk: Conversation) -> None:
    two = Two(talk, COMPLETE, WHOLE)
    two.ordered("duplicate", two.whole)
    kept = talk.hears("No longer needed", ANN, two.first.outbound[0])
    assert kept.decision.action is Action.FOLLOW_UP
    assert talk.ticket(two.whole)["status"] == "new"


def test_E158_who_asked_for_a_part_takes_it_out_again_and_the_team_hears_of_it(talk: Conversation) -> None:
    two = Two(talk, COMPLETE, WHOLE)
    before = two.shown(two.part)
    two.ordered("duplicate", two.whole)
    for sender in (ANN, DEV.address, STRANGER):
        talk.later(minutes=3)
        talk.hears("This is a separate request.", sender, two.to_ben)
        assert talk.ticket(two.part)["merged_into"] == two.whole
    talk.later(minutes=3)
    apart = talk.hears("This is a separate request, please.", BEN, two.to_ben)
    assert talk.ticket(two.part)["merged_into"] is None
    after = two.shown(two.part)
    assert {name: after[name] for name in NAMES} == {name: before[name] for name in NAMES}
    assert last(talk, two.whole) == "split off"
    heard = {mail.recipient: mail.message for mail in apart.outbound}
    assert heard[BEN] == "status"
    assert heard[CLEO.address] == "new"
    assert all(two.whole not in text_of(mail) for mail in apart.outbound)
