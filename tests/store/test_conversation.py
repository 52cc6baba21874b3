"""What requesters and colleagues write, and what becomes of it in the store, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import update

from mailgate.app import context_of
from mailgate.model.decision import Action
from mailgate.model.operator import Operator
from mailgate.model.ticket import Status
from mailgate.store.engine import Store
from mailgate.store.tables import tickets
from mailgate.workers import loop
from mailgate.workers.intake import Intake
from tests.conversation import Conversation, text_of
from tests.make import ANN, BEN, HELPDESK, SERVICE, STRANGER, make_config

LENA = "lena.brook@council.example"  # who leads the desk

REQUEST = "The screen of A12345 does not start. I am in room 12."
CATEGORIES = SERVICE["categories"]
DATED = {**CATEGORIES, "network": {"needs": ["asset", "visit"], "tasks": {"cable": {"recognise": ["new cable"]}}}}
OTHER_BOX = "network@council.example"


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    boxes = {**SERVICE["mailboxes"], OTHER_BOX: {"team": "field-team"}}
    commands = {**SERVICE["commands"], "separate": ["this is a separate request"]}
    config = make_config(categories=DATED, mailboxes=boxes, commands=commands)
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    return Conversation(store, context_of(config, store))


def compared(talk: Conversation, ref: str) -> dict[str, Any]:
    """What somebody sees of a ticket, less its mails, who got them, and its history: these only grow."""
    shown: dict[str, Any] = talk.ticket(ref)
    shown["participants"] = [each for each in shown["participants"] if each["role"] != "mailed"]
    names = ("status", "waiting_for", "assignee", "fields", "missing", "due_at", "closed_at", "participants", "clocks")
    return {name: shown[name] for name in names}


# ---- the same request, by two colleagues


def test_T6_merge_reply_split_leaves_the_ticket_as_if_never_merged(talk: Conversation) -> None:
    first = talk.hears("The screen of A12345 does not start.", ANN)
    (ref,) = first.references
    before = compared(talk, ref)
    joined = talk.hears("A12345 does not start, in room 12.", BEN)
    assert joined.decision.action is Action.DUPLICATE
    assert compared(talk, ref)["fields"] == {"room": ["12"]}
    apart = talk.hears("This is a separate request.", BEN, joined.outbound[0])
    assert apart.decision.action is Action.NEW_TICKET
    assert compared(talk, ref) == before
    own = talk.ticket(apart.references[0])
    assert (own["requester"], own["fields"], own["linked_to"]) == (BEN, {"room": ["12"]}, ref)
    assert len(own["messages"]) == 2
    assert [mail.message for mail in apart.outbound] == ["received", "new"]
    assert talk.ticket(ref)["events"][-1]["what"] == "split off"
    again = talk.hears("This is a separate request.", BEN, joined.outbound[0], message_id="<again@people>")
    assert again.decision.action is not Action.NEW_TICKET


def test_E158_nobody_else_can_split_what_they_did_not_send(talk: Conversation) -> None:
    talk.hears(REQUEST, ANN)
    joined = talk.hears(REQUEST, BEN)
    for sender in (ANN, STRANGER):
        assert talk.hears("This is a separate request.", sender, joined.outbound[0]).references == ()


def test_a_duplicate_of_a_done_ticket_says_when_and_is_looked_at_again(talk: Conversation) -> None:
    (ref,) = talk.hears(REQUEST, ANN).references
    _close(talk, ref)
    talk.later(days=1)
    again = talk.hears(REQUEST, BEN)
    assert {(mail.message, mail.recipient) for mail in again.outbound} == {
        ("duplicate", BEN),
        ("reopened", ANN),
        ("news", LENA),
    }
    assert "We finished it on 23 November 2026" in text_of(again.outbound[0])
    assert talk.ticket(ref)["status"] == Status.OPEN
    talk.hears("This is a separate request.", BEN, again.outbound[0])
    assert talk.ticket(ref)["status"] == Status.DONE


def outgoing(talk: Conversation, ref: str) -> list[dict[str, Any]]:
    mails: list[dict[str, Any]] = talk.ticket(ref)["outgoing"]  # type: ignore[assignment]
    return mails


def _close(talk: Conversation, ref: str) -> None:
    with talk.store.write() as tx:
        done = {"status": Status.DONE, "closed_at": talk.now}
        tx.execute(update(tickets).where(tickets.c.ref == ref).values(done))


# ---- dates


@pytest.mark.parametrize(
    ("said", "action"),
    [("It is for 4 December 2026.", Action.NEW_TICKET), ("It is for 3 December 2026.", Action.FOLLOW_UP)],
)
def test_E156a_a_date_that_is_missing_is_asked_for_and_another_makes_it_a_request_of_its_own(
    talk: Conversation, said: str, action: Action
) -> None:
    (ref,) = talk.hears("A new cable for A12345 please, on 3 December 2026.", ANN, subject="Cable").references
    joined = talk.hears("A new cable for A12345 please.", BEN, subject="Cable")
    assert joined.decision.action is Action.DUPLICATE
    assert "You did not tell us the day of the visit" in text_of(joined.outbound[0])
    answer = talk.hears(said, BEN, joined.outbound[0])
    assert answer.decision.action is action
    assert talk.ticket(ref)["fields"] == {"visit": ["2026-12-03"]}
    if answer.references:
        assert talk.ticket(answer.references[0])["fields"] == {"visit": ["2026-12-04"]}


# ---- requesters' orders


def test_a_requester_cancels_what_she_asked_for(talk: Conversation) -> None:
    first = talk.hears(REQUEST, ANN)
    gone = talk.hears("This is no longer needed, thank you.", ANN, first.outbound[0])
    assert (gone.decision.action, [mail.message for mail in gone.outbound]) == (Action.COMMAND, ["cancelled"])
    assert talk.tickets()[0]["status"] == Status.CANCELLED
    talk.later(minutes=5)  # nobody reads and writes within seconds, twice (E135)
    back = talk.hears("Sorry, please look at this again: it is broken again.", ANN, gone.outbound[0])
    assert [mail.message for mail in back.outbound] == ["reopened", "news"]
    assert talk.tickets()[0]["status"] == Status.OPEN


@pytest.mark.parametrize("sender", [BEN, STRANGER])
def test_S32_with_somebody_elses_token_nobody_cancels(talk: Conversation, sender: str) -> None:
    first = talk.hears(REQUEST, ANN)
    assert talk.hears("No longer needed", sender, first.outbound[0]).decision.action is Action.FOLLOW_UP
    assert talk.tickets()[0]["status"] == Status.NEW


def test_what_a_colleague_waits_for_too_is_not_cancelled_by_its_requester(talk: Conversation) -> None:
    first = talk.hears(REQUEST, ANN)
    talk.hears(REQUEST, BEN)
    assert talk.hears("No longer needed", ANN, first.outbound[0]).decision.action is Action.FOLLOW_UP
    assert talk.tickets()[0]["status"] == Status.NEW


# ---- one mail by several roads


def test_G3_twenty_workers_that_hear_of_one_mail_by_two_mailboxes_open_one_ticket(talk: Conversation) -> None:
    raw = talk.mail(REQUEST, ANN)
    for number in range(20):
        talk.arrives(raw, f"road{number}@council.example", (HELPDESK, OTHER_BOX)[number % 2])
    started = Barrier(20)

    def work(_: int) -> None:
        intake = Intake(talk.store, talk.context, lambda: talk.now)
        started.wait()
        for _ in range(60):
            if not (waiting := intake.claim()):
                return
            loop.work(intake, waiting)

    with ThreadPoolExecutor(20) as workers:
        list(workers.map(work, range(20)))
    (ticket,) = talk.tickets()
    shown = talk.ticket(str(ticket["ref"]))
    assert len(shown["messages"]) == 20
    assert [mail["message"] for mail in shown["outgoing"]] == ["received", "new"]


@pytest.mark.parametrize("apart", [False, True])
def test_E151_one_mail_to_several_of_our_mailboxes_is_one_ticket_that_lists_them(
    talk: Conversation, apart: bool
) -> None:
    raw = talk.mail(REQUEST, ANN, cc=OTHER_BOX)
    boxes = ([OTHER_BOX], [HELPDESK]) if apart else ([OTHER_BOX, HELPDESK],)
    for box in boxes:
        talk.arrives(raw, ANN, *box)
    settled = talk.works()
    (ticket,) = talk.tickets()
    shown: dict[str, Any] = talk.ticket(str(ticket["ref"]))
    assert shown["mailboxes"] == sorted([HELPDESK, OTHER_BOX])
    assert shown["mailbox"] == (OTHER_BOX if apart else HELPDESK), "that which got it first, or stands first in To"
    told = [(mail.message, mail.recipient) for each in settled for mail in each.outbound]
    assert told.count(("received", ANN)) == 1
    assert len({reader for _, reader in told}) == len(told), "nobody hears of it twice"
    talk.later(minutes=5)
    sent = next(mail for each in settled for mail in each.outbound)
    again = talk.hears("And it hums.", ANN, in_reply_to=sent.message_id)
    assert again.decision.action is Action.FOLLOW_UP
    assert len(talk.tickets()) == 1


# ---- the same words, the same id, nearly the same words


@pytest.mark.parametrize(
    ("span", "text", "action"),
    [
        ({"minutes": 10}, "My chair is broken.", Action.DUPLICATE),
        ({"days": 8}, "My chair is broken.", Action.NEW_TICKET),  # E153: within a week
        ({"minutes": 10}, "My chair 2 is broken.", Action.NEW_TICKET),  # E155: likeness of text never merges
    ],
)
def test_T6_what_is_sent_again(talk: Conversation, span: dict[str, float], text: str, action: Action) -> None:
    talk.hears("My chair is broken.", ANN)
    talk.later(**span)
    assert talk.hears(text, ANN).decision.action is action


def test_T6_an_id_that_is_used_again_over_other_content_makes_nothing_disappear(talk: Conversation) -> None:
    opened = [
        talk.hears(text, ANN, message_id="<once@people>").references for text in ("My chair is broken.", "My desk.")
    ]
    assert [len(refs) for refs in opened] == [1, 1]


def test_S32_a_token_that_is_replayed_a_hundred_times_moves_nothing(talk: Conversation) -> None:
    first = talk.hears(REQUEST, ANN)
    for number in range(100):
        raw = talk.mail(f"No longer needed {number}", STRANGER, first.outbound[0])
        talk.arrives(raw, STRANGER, vouched=False)
    settled = talk.works()
    assert [done for done in settled if done.references] == []
    (ticket,) = talk.tickets()
    assert ticket["status"] == Status.NEW
    told = [mail for mail in outgoing(talk, first.references[0]) if mail["message"] == "news"]
    assert [mail["state"] for mail in told] == ["cancelled"] * 99 + ["ready"]
    shown = text_of(settled[-1].outbound[0])
    assert [number for number in range(100) if f"No longer needed {number}\r\n" in shown] == [94, 95, 96, 97, 98, 99]
