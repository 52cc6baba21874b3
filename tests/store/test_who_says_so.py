"""Whom answers go to, and what outsiders see, whatever their mail says (S31-S38, S40), on both engines."""

from pathlib import Path

import pytest

from mailgate.app import context_of
from mailgate.model.decision import Action
from mailgate.model.operator import Operator
from mailgate.store import people
from mailgate.store.engine import Store
from tests.conversation import Conversation, text_of
from tests.make import ANN, BEN, CLEO, DEV, STRANGER, make_config

REQUEST = "The screen of A12345 does not start. I am in room 12."
JO, VICTIM = "jo@mail.example", "victim@other.example"
LENA = "lena.brook@council.example"  # who leads the desk
STAFF = {CLEO.address, DEV.address, LENA}


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    config = make_config().model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [CLEO, DEV])
    return Conversation(store, context_of(config, store))


@pytest.mark.parametrize("header", ["reply_to", "cc", "Sender", "resent_from", "resent_to", "return_receipt_to"])
def test_S35_an_answer_goes_to_from_alone_whatever_other_headers_name(talk: Conversation, header: str) -> None:
    opened = talk.hears(REQUEST, ANN, **{header: VICTIM})
    assert {mail.recipient for mail in opened.outbound} == {ANN, *STAFF}
    (own,) = (mail for mail in opened.outbound if mail.recipient == ANN)
    answered = talk.hears("Any update?", ANN, own, **{header: VICTIM})
    assert {mail.recipient for mail in answered.outbound} == {ANN}
    people_in_it = {each["address"] for each in talk.ticket(opened.references[0])["participants"]}  # type: ignore[attr-defined]
    assert VICTIM not in people_in_it


def test_S35_whom_an_outsider_copies_in_hears_nothing_and_cannot_join_by_the_tag(talk: Conversation) -> None:
    (ref,) = talk.hears(REQUEST, ANN, cc=VICTIM).references
    joining = talk.hears("Please copy me in.", VICTIM, subject=f"Re: [{ref}] Broken screen")
    assert joining.decision.action is Action.NEW_TICKET
    assert talk.ticket(joining.references[0])["linked_to"] == ref
    assert "A12345" not in "".join(text_of(mail) for mail in joining.outbound if mail.recipient == VICTIM)


def test_S31_a_strangers_tag_tells_the_stranger_nothing_and_the_team_everything(talk: Conversation) -> None:
    (ref,) = talk.hears(REQUEST, ANN).references
    before = talk.ticket(ref)
    claiming = talk.hears("What is this about?", STRANGER, subject=f"[{ref}]")
    assert claiming.decision.action is Action.NEW_TICKET
    own = talk.ticket(claiming.references[0])
    assert own["linked_to"] == ref
    for mail in claiming.outbound:
        assert mail.recipient in {STRANGER, *STAFF}
        if mail.recipient == STRANGER:
            assert ref not in text_of(mail) + mail.subject
            assert ANN not in text_of(mail)
    assert talk.ticket(ref) == before


def test_S34_who_copies_somebodys_words_never_hears_of_their_ticket(talk: Conversation) -> None:
    first = talk.hears(REQUEST, ANN)
    copied = talk.hears(REQUEST, STRANGER)
    assert copied.decision.action is Action.NEW_TICKET
    (to_agent,) = (mail for mail in first.outbound if mail.recipient == CLEO.address)
    done = talk.hears("Done", CLEO.address, to_agent)
    assert {mail.recipient for mail in done.outbound} == {ANN}


def test_S36_E188_the_code_of_a_service_that_our_address_signed_up_at_reaches_the_team_alone(
    talk: Conversation,
) -> None:
    opened = talk.hears("Your code is 918273.", "no-reply@forum.example", subject="Verify your e-mail address")
    assert opened.decision.action is Action.NEW_TICKET
    assert {mail.recipient for mail in opened.outbound} <= STAFF
    (ref,) = opened.references
    curious = talk.hears("Any update?", STRANGER, subject=f"Re: [{ref}] Verify your e-mail address")
    said = "".join(text_of(mail) + mail.subject for mail in curious.outbound if mail.recipient not in STAFF)
    assert "918273" not in said
    assert talk.ticket(ref)["status"] == "new"


def test_S36_E188_an_acknowledgement_repeats_nothing_of_what_it_answers(talk: Conversation) -> None:
    opened = talk.hears("Your code is 918273. See room 12.", JO, subject="Code 918273")
    (own,) = (mail for mail in opened.outbound if mail.recipient == JO)
    assert "918273" not in text_of(own) + own.subject
    assert b"918273" not in own.content


def test_S38_with_somebodys_reference_nobody_else_learns_how_it_stands(talk: Conversation) -> None:
    (ref,) = talk.hears(REQUEST, ANN).references
    for sender in (STRANGER, JO):
        asked = talk.hears("Any update?", sender, subject=f"Re: [{ref}] Broken screen")
        said = "".join(text_of(mail) for mail in asked.outbound if mail.recipient == sender)
        assert "A12345" not in said
        assert ref not in said


def test_S33_the_id_that_an_attacker_used_first_makes_no_genuine_mail_disappear(talk: Conversation) -> None:
    forged = talk.hears("Ignore this.", STRANGER, message_id="<next@council.example>")
    genuine = talk.hears(REQUEST, ANN, message_id="<next@council.example>")
    assert genuine.decision.action is Action.NEW_TICKET
    assert genuine.references != forged.references


def test_S40_E185_a_disguised_sender_is_noted_in_the_history_and_has_no_rights(talk: Conversation) -> None:
    opened = talk.hears(REQUEST, ANN)
    (to_agent,) = (mail for mail in opened.outbound if mail.recipient == CLEO.address)
    forged = talk.mail("Done", f'"{CLEO.address}" <x@evil.example>', to_agent)
    talk.arrives(forged, "x@evil.example")
    talk.works()
    ticket = talk.ticket(opened.references[0])
    assert ticket["status"] == "new"
    assert "sender may be disguised" in [each["what"] for each in ticket["events"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "warned"), [(CLEO.address, True), ("Mallory", False)])
def test_E185_the_team_is_told_of_a_disguised_sender_and_the_sender_is_not(
    talk: Conversation, name: str, warned: bool
) -> None:
    talk.arrives(talk.mail(REQUEST, f'"{name}" <{STRANGER}>'), STRANGER, vouched=False)
    (settled,) = talk.works()
    written = {mail.recipient: " ".join(text_of(mail).split()) for mail in settled.outbound}
    told = {to for to, text in written.items() if "Take care: its sender's name is an address" in text}
    assert CLEO.address in written
    assert told == ({*written} - {STRANGER} if warned else set())


def test_T5_a_tag_is_found_behind_any_prefixes_and_banners(talk: Conversation) -> None:
    (ref,) = talk.hears(REQUEST, ANN).references
    joined = talk.hears("It is in room 14 now.", ANN, subject=f"AW: WG: RE:[EXTERNAL] [{ref}] Broken screen")
    assert joined.decision.ticket is not None
    assert joined.decision.ticket.ref == ref


def test_T5_an_answer_without_its_token_finds_its_ticket_by_the_last_of_two_hundred_references(
    talk: Conversation,
) -> None:
    opened = talk.hears(REQUEST, ANN)
    (own,) = (mail for mail in opened.outbound if mail.recipient == ANN)
    many = " ".join(f"<{number}@elsewhere.example>" for number in range(199)) + f" {own.message_id}"
    joined = talk.hears("It is in room 14 now.", ANN, references=many)
    assert joined.decision.ticket is not None
    assert joined.decision.ticket.ref == opened.references[0]


def test_T8_a_second_agents_token_runs_nothing(talk: Conversation) -> None:
    opened = talk.hears(REQUEST, BEN)
    (to_cleo,) = (mail for mail in opened.outbound if mail.recipient == CLEO.address)
    tried = talk.hears("Done", DEV.address, to_cleo)
    assert tried.decision.action is Action.FOLLOW_UP
    assert talk.ticket(opened.references[0])["status"] == "new"


@pytest.mark.parametrize("message_id", ["<same@people>", "<other@people>"])
def test_T8_a_replayed_order_runs_once(talk: Conversation, message_id: str) -> None:
    opened = talk.hears(REQUEST, BEN)
    (to_cleo,) = (mail for mail in opened.outbound if mail.recipient == CLEO.address)
    talk.hears("Done", CLEO.address, to_cleo, message_id="<same@people>")
    (to_ben,) = (mail for mail in opened.outbound if mail.recipient == BEN)
    talk.hears("It still does not start.", BEN, to_ben)
    assert talk.ticket(opened.references[0])["status"] == "open"
    talk.arrives(talk.mail("Done", CLEO.address, to_cleo, message_id=message_id), CLEO.address)
    talk.works()
    assert talk.ticket(opened.references[0])["status"] == "open"
