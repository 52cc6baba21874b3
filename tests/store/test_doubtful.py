"""What people write to tickets that they take no part in, and what the team says about it (E121), on both engines."""

import re
from pathlib import Path
from typing import Any

import pytest

from mailgate.app import context_of
from mailgate.model.decision import Action, Order
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.store import people
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from mailgate.workers.order import give
from tests.conversation import Conversation, text_of
from tests.make import ANN, BEN, CLEO, DEV, SERVICE, STRANGER, make_config

LENA = "lena.brook@council.example"
REQUEST = "The printer A54321 does not start, in room 3."
UNCLEAR = "The printer A54321 does not start."
OTHER = "The screen of A12345 does not start, in room 12."
NAMES = ("status", "waiting_for", "fields", "missing", "linked_to", "merged_into", "closed_at", "clocks")


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    config = make_config(commands={**SERVICE["commands"], "separate": ["this is a separate request"]})
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [CLEO, DEV])
    return Conversation(store, context_of(config, store))


def pressed(talk: Conversation, mail: Outbound, label: str, by: str = CLEO.address) -> Settled:
    """*by* presses a button of *mail* a little later."""
    talk.later(minutes=3)
    return talk.presses(label, mail, by)


def to(settled: Settled, reader: str) -> Outbound:
    (mail,) = (mail for mail in settled.outbound if mail.recipient == reader)
    return mail


def seen(talk: Conversation, ref: str) -> dict[str, Any]:
    """What somebody sees of a ticket, less what only grows."""
    found: dict[str, Any] = talk.ticket(ref)
    people_in_it = [each["address"] for each in found["participants"] if each["role"] != "mailed"]
    mails = [(mail["message_id"], mail["standing"]) for mail in found["messages"] if mail["action"] != Action.COMMAND]
    return {**{name: found[name] for name in NAMES}, "people": people_in_it, "mails": mails}


class Posted:
    """Ann's request, and a stranger's answer to a mail that she passed on."""

    def __init__(self, talk: Conversation, words: str = "It is in room 12.", asked: str = UNCLEAR) -> None:
        self.first = talk.hears(asked, ANN)
        (self.ref,) = self.first.references
        self.before = seen(talk, self.ref)
        talk.later(minutes=5)
        self.post = talk.hears(words, STRANGER, self.first.outbound[0])
        self.after = seen(talk, self.ref)


# ---- with a token: posted and marked


def test_E121_the_agent_hears_who_wrote_and_that_they_are_new(talk: Conversation) -> None:
    case = Posted(talk)
    assert case.post.decision.action is Action.FOLLOW_UP
    assert {mail.recipient for mail in case.post.outbound} == {LENA, CLEO.address, DEV.address}
    said = text_of(to(case.post, CLEO.address))
    assert f"{STRANGER} is new to this request".lower() in said.lower()
    assert "It is in room 12." in said
    assert "Somebody wrote" not in said
    assert case.after == {**case.before, "mails": [*case.before["mails"], case.after["mails"][-1]]}
    assert case.after["mails"][-1][1] == "doubtful"


def test_E121_what_is_accepted_counts_and_its_writer_stays_outside(talk: Conversation) -> None:
    case = Posted(talk)
    accepted = pressed(talk, to(case.post, CLEO.address), "Accept")
    assert accepted.decision.action is Action.COMMAND
    after = seen(talk, case.ref)
    assert (after["status"], after["fields"], after["missing"]) == ("open", {"room": ["12"]}, [])
    assert after["people"] == case.before["people"]
    assert [mail.recipient for mail in accepted.outbound] == [CLEO.address]


def test_E121_who_is_added_takes_part_from_then_on(talk: Conversation) -> None:
    case = Posted(talk)
    pressed(talk, to(case.post, CLEO.address), "Add the person")
    assert seen(talk, case.ref)["people"] == sorted([ANN, STRANGER])
    talk.later(minutes=5)
    again = talk.hears("Or in room 14.", STRANGER, case.first.outbound[0])
    assert not again.decision.is_doubtful
    assert "is new to this request" not in text_of(to(again, CLEO.address))


def test_E121_what_is_separated_becomes_its_writers_own_request(talk: Conversation) -> None:
    case = Posted(talk, OTHER)
    apart = pressed(talk, to(case.post, CLEO.address), "Separate")
    assert apart.decision.action is Action.COMMAND
    (ref,) = apart.references
    own = talk.ticket(ref)
    assert (own["requester"], own["linked_to"]) == (STRANGER, case.ref)
    assert [mail["from"] for mail in own["messages"]] == [STRANGER]  # type: ignore[attr-defined]
    assert seen(talk, case.ref) == case.before
    heard = to(apart, STRANGER)
    assert ref in heard.subject
    assert case.ref not in text_of(heard) + heard.subject
    team = [mail for mail in apart.outbound if mail.message == "new"]
    assert {mail.recipient for mail in team} == {LENA, CLEO.address, DEV.address}
    assert OTHER in text_of(team[0])


def test_E121_what_is_discarded_stays_on_record_and_moves_nothing(talk: Conversation) -> None:
    case = Posted(talk)
    gone = pressed(talk, to(case.post, CLEO.address), "Discard")
    assert [mail.recipient for mail in gone.outbound] == [CLEO.address]
    assert seen(talk, case.ref) == {
        **case.after,
        "mails": [case.after["mails"][0], (case.after["mails"][1][0], "discarded")],
    }
    refused = pressed(talk, to(case.post, CLEO.address), "Accept")
    assert "nobody is in doubt" in text_of(refused.outbound[0])


@pytest.mark.parametrize("button", ["Accept", "Add the person", "Discard"])
def test_E121_each_word_about_a_post_can_be_undone(talk: Conversation, button: str) -> None:
    case = Posted(talk)
    done = pressed(talk, to(case.post, CLEO.address), button)
    undone = pressed(talk, to(done, CLEO.address), "Undo it")
    assert undone.decision.action is Action.COMMAND
    after = seen(talk, case.ref)
    moved = ("clocks",) if button != "Discard" else ()  # the wait that ended has moved them
    assert {name: after[name] for name in after if name not in moved} == {
        name: case.after[name] for name in case.after if name not in moved
    }


def test_E158_a_separated_post_comes_back_with_what_answered_it(talk: Conversation) -> None:
    case = Posted(talk, "The chair in room 12 is broken, too.")
    apart = pressed(talk, to(case.post, CLEO.address), "Separate")
    (ref,) = apart.references
    answer = talk.hears("The chair is blue.", STRANGER, to(apart, STRANGER))
    assert answer.decision.ticket
    assert answer.decision.ticket.ref == ref
    back = pressed(talk, _changed(apart), "Undo it")
    assert back.decision.action is Action.COMMAND
    assert talk.ticket(ref)["merged_into"] == case.ref
    assert len(talk.ticket(case.ref)["messages"]) == len(case.before["mails"]) + 4  # type: ignore[arg-type]


def test_E158_what_was_separated_and_went_elsewhere_does_not_come_back(talk: Conversation) -> None:
    case = Posted(talk, OTHER)
    apart = pressed(talk, to(case.post, CLEO.address), "Separate")
    (third,) = talk.hears("The chair in room 5 is loose.", ANN, subject="Chair").references
    give(talk.store, talk.context, apart.references[0], Order("duplicate", to=third), talk.now)
    refused = pressed(talk, _changed(apart), "Undo it")
    assert "went elsewhere" in text_of(refused.outbound[0])
    assert talk.ticket(third)["merged_into"] is None


def _changed(settled: Settled) -> Outbound:
    return next(mail for mail in settled.outbound if mail.message == "changed")


@pytest.mark.parametrize("button", ["Accept", "Add the person", "Separate", "Discard"])
@pytest.mark.parametrize("by", [ANN, BEN, STRANGER, DEV.address])
def test_E186_nobody_else_presses_the_buttons(talk: Conversation, button: str, by: str) -> None:
    case = Posted(talk)
    tried = pressed(talk, to(case.post, CLEO.address), button, by)
    assert tried.decision.action is not Action.COMMAND
    assert tried.outbound == () or by == DEV.address or {mail.message for mail in tried.outbound} == {"news"}
    assert seen(talk, case.ref)["mails"][1][1] == "doubtful"


def test_E187_a_button_works_once_and_for_mails_of_its_own_ticket_alone(talk: Conversation) -> None:
    case, other = Posted(talk), Posted(talk, "It is in room 14.", "The screen of A12345 does not start.")
    pressed(talk, to(case.post, CLEO.address), "Discard")
    again = pressed(talk, to(case.post, CLEO.address), "Discard")
    assert again.decision.action is Action.FOLLOW_UP
    number = other.post.spooled.id
    for mail in (number, 10**14):
        talk.later(minutes=3)
        tried = talk.hears(f"#accept mail {mail}", CLEO.address, to(case.post, CLEO.address))
        assert f"it has no mail {mail}" in text_of(tried.outbound[0])


def test_E137_posts_that_are_told_together_keep_their_own_buttons(talk: Conversation) -> None:
    case = Posted(talk)
    talk.later(seconds=30)
    both = talk.hears("Room 14, sorry.", STRANGER, case.first.outbound[0])
    said = text_of(to(both, CLEO.address))
    assert said.lower().count("is new to this request") == 2
    numbers = re.findall(r"Discard: mailto:\S+body=%23discard%20mail%20(\d+)", said)
    assert numbers == [str(case.post.spooled.id), str(both.spooled.id)]


# ---- with less: a linked ticket


class Claimed:
    """Ann's request, and a stranger's mail that names its reference."""

    def __init__(self, talk: Conversation) -> None:
        (self.ref,) = talk.hears(REQUEST, ANN).references
        self.before = seen(talk, self.ref)
        talk.later(minutes=5)
        self.mail = talk.hears("The printer in room 3 is hot.", STRANGER, subject=f"Re: [{self.ref}] printer")
        (self.own,) = self.mail.references
        self.after = seen(talk, self.own)


def test_E121_a_reference_alone_opens_a_linked_ticket_and_says_nothing(talk: Conversation) -> None:
    case = Claimed(talk)
    assert seen(talk, case.ref) == case.before
    assert case.after["linked_to"] == case.ref
    answers = [mail for mail in case.mail.outbound if mail.recipient == STRANGER]
    unknown = talk.hears("The printer in room 4 is hot.", BEN, subject="Re: [MG-G6C4-XM] printer")
    assert [mail.message for mail in answers] == ["more_needed"]
    assert case.ref not in text_of(answers[0])
    assert f"Does it belong to {case.ref}?" in text_of(to(case.mail, CLEO.address))
    assert "Does it belong" not in text_of(unknown.outbound[-1])


def test_E121_a_linked_ticket_is_accepted_and_taken_apart_again(talk: Conversation) -> None:
    case = Claimed(talk)
    done = pressed(talk, to(case.mail, CLEO.address), "Accept")
    assert talk.ticket(case.own)["merged_into"] == case.ref
    assert seen(talk, case.ref)["people"] == case.before["people"]
    pressed(talk, to(done, CLEO.address), "Undo it")
    assert seen(talk, case.own) == case.after
    assert seen(talk, case.ref) == case.before


def test_E121_the_sender_of_a_linked_ticket_is_added_and_leaves_again(talk: Conversation) -> None:
    case = Claimed(talk)
    done = pressed(talk, to(case.mail, CLEO.address), "Add the person")
    assert seen(talk, case.ref)["people"] == sorted([ANN, STRANGER])
    pressed(talk, to(done, CLEO.address), "Undo it")
    assert seen(talk, case.own) == case.after
    assert seen(talk, case.ref) == case.before


@pytest.mark.parametrize(("button", "changed"), [("Separate", "linked_to"), ("Discard", "status")])
def test_E121_a_linked_ticket_is_kept_separate_or_discarded(talk: Conversation, button: str, changed: str) -> None:
    case = Claimed(talk)
    done = pressed(talk, to(case.mail, CLEO.address), button)
    assert [mail.recipient for mail in done.outbound] == [CLEO.address], "whoever it was learns nothing"
    assert seen(talk, case.own)[changed] == {"linked_to": None, "status": "cancelled"}[changed]
    pressed(talk, to(done, CLEO.address), "Undo it")
    again = seen(talk, case.own)
    assert {name: again[name] for name in again if name != "clocks"} == {
        name: case.after[name] for name in case.after if name != "clocks"
    }


def test_E186_a_claim_is_accepted_by_nobody_outside_the_team_of_both(talk: Conversation) -> None:
    (ref,) = talk.hears("A new cable for the wall socket please, A99999.", ANN, subject="Cable").references
    talk.later(minutes=5)
    mail = talk.hears("The printer in room 3 is hot.", STRANGER, subject=f"Re: [{ref}] cable")
    refused = pressed(talk, to(mail, CLEO.address), "Accept")
    assert "there is no such ticket in the sender's team" in text_of(refused.outbound[0])
    assert talk.ticket(mail.references[0])["merged_into"] is None
