"""Capacity levels and mail: what a new request hears, and how the head of operations sets a level by mail."""

from pathlib import Path

import pytest

from mailgate.app import context_of
from mailgate.model.capacity import NewLevel
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.model.people import Person
from mailgate.model.ticket import Status, WaitingFor
from mailgate.store import levels, outgoing, people
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from mailgate.workers.capacity import Capacity
from mailgate.workers.reminders import Reminders
from tests.conversation import Conversation, text_of
from tests.make import ANN, BEN, CLEO, NOW, SERVICE, STRANGER, make_config
from tests.store.test_capacity import CATEGORIES, LEVELS, REVIEW, TEAMS, UNIT

HEAD = Person("hana.head@council.example", "Hana", "Head of Operations", "Council")
REQUEST = "The screen of A12345 does not start. I am in room 12."
ORDER = "#level Harbour red, review 7 December 2026 because two of five are ill"


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    commands = {**SERVICE["commands"], "level": ["#level", "set the capacity level"]}
    config = make_config(
        categories=CATEGORIES,
        teams=TEAMS,
        commands=commands,
        capacity_levels=LEVELS,
        capacity={"set_by": ["head of operations"]},
    )
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [HEAD, CLEO])
    return Conversation(store, context_of(config, store))


def at(talk: Conversation, level: str) -> None:
    with talk.store.write() as tx:
        levels.order(tx, NewLevel(UNIT, level, "two are ill", REVIEW, HEAD.address), talk.now)
    follow(talk)


def follow(talk: Conversation) -> None:
    Capacity(talk.store, talk.context, lambda: talk.now).turn()


def unproved(talk: Conversation, text: str, sender: str, to: Outbound | None = None) -> Settled:
    """What becomes of a mail that anybody may have written."""
    talk.arrives(talk.mail(text, sender, to), sender, vouched=False)
    (settled,) = talk.works()
    return settled


def in_force(talk: Conversation) -> dict[str, str]:
    with talk.store.read() as connection:
        return {unit: level.name for unit, level in levels.in_force(connection).by_unit.items()}


# ---- what a new request hears


def test_a_paused_request_is_accepted_without_a_clock_and_says_when_it_is_looked_at_again(talk: Conversation) -> None:
    at(talk, "red")
    opened = talk.hears(REQUEST, ANN)
    ticket = talk.ticket(opened.references[0])
    assert (ticket["status"], ticket["waiting_for"], ticket["level"]) == ("waiting", "capacity", "red (Harbour)")
    assert all(clock["stopped_at"] for clock in ticket["clocks"])
    assert [(mail.message, mail.recipient) for mail in opened.outbound] == [("paused", ANN)]
    assert "7 December 2026" in text_of(opened.outbound[0])
    at(talk, "green")
    ticket = talk.ticket(opened.references[0])
    assert (ticket["status"], ticket["level"]) == ("new", None)
    told = {(mail["message"], mail["to"]) for mail in ticket["outgoing"]}
    assert told == {("paused", ANN), ("status", ANN), ("new", CLEO.address), ("new", "lena.brook@council.example")}


def test_what_a_paused_request_lacks_is_asked_in_the_same_mail_and_an_answer_fills_it_in(talk: Conversation) -> None:
    at(talk, "red")
    opened = talk.hears("The screen of A12345 does not start.", ANN)
    assert [mail.message for mail in opened.outbound] == ["paused"]
    assert "- the room" in text_of(opened.outbound[0])
    talk.hears("It is room 12.", ANN, opened.outbound[0])
    ticket = talk.ticket(opened.references[0])
    assert (ticket["missing"], ticket["waiting_for"]) == ([], "capacity")
    at(talk, "green")
    assert talk.ticket(opened.references[0])["status"] == "open"


def test_a_slowed_request_hears_the_later_time_and_why(talk: Conversation) -> None:
    plain = talk.hears(REQUEST, ANN)
    at(talk, "amber")
    slowed = talk.hears(REQUEST.replace("A12345", "A54321"), ANN)
    due = [talk.ticket(each.references[0])["due_at"][:10] for each in (plain, slowed)]
    assert due == ["2026-11-27", "2026-11-27"]
    assert "We have fewer staff than usual" in text_of(slowed.outbound[0])
    assert "27 November 2026" in text_of(slowed.outbound[0])
    at(talk, "green")
    assert {talk.ticket(each.references[0])["due_at"][:10] for each in (plain, slowed)} == {"2026-11-25"}


def test_a_declined_request_is_closed_with_the_reason_and_a_reply_opens_it(talk: Conversation) -> None:
    at(talk, "black")
    declined = talk.hears(REQUEST, ANN)
    ref = declined.references[0]
    assert [(mail.message, mail.recipient) for mail in declined.outbound] == [("declined", ANN)]
    assert (talk.ticket(ref)["status"], talk.ticket(ref)["assignee"]) == ("cancelled", None)
    again = talk.hears(REQUEST, ANN, message_id="<again@people>")
    assert talk.ticket(again.references[0])["status"] == "cancelled"  # asked again, it is declined again
    talk.hears("It cannot wait: the council sits tonight.", ANN, declined.outbound[0])
    assert talk.ticket(ref)["status"] == "open"
    at(talk, "green")
    assert talk.ticket(ref)["status"] == "open"


def test_nothing_is_declined_of_which_its_sender_would_not_hear(talk: Conversation) -> None:
    at(talk, "black")
    opened = unproved(talk, REQUEST, "noreply@mail.example")
    ticket = talk.ticket(opened.references[0])
    assert (ticket["status"], ticket["waiting_for"], opened.outbound) == ("waiting", "capacity", ())


def test_who_takes_a_paused_ticket_ends_its_pause_for_good(talk: Conversation) -> None:
    opened = talk.hears(REQUEST, ANN)
    at(talk, "red")
    to_cleo = next(mail for mail in opened.outbound if mail.recipient == CLEO.address)
    talk.hears("I'll take it.", CLEO.address, to_cleo)
    ticket = talk.ticket(opened.references[0])
    assert (ticket["status"], ticket["assignee"]) == ("open", CLEO.address)
    at(talk, "green")
    assert talk.ticket(opened.references[0])["due_at"] == ticket["due_at"]


# ---- setting a level by mail


def test_E186_a_level_is_asked_back_and_set_by_the_button_of_that_mail(talk: Conversation) -> None:
    asked = talk.hears(ORDER, HEAD.address)
    assert [mail.message for mail in asked.outbound] == ["proposed"]
    assert in_force(talk) == {}
    assert talk.ticket(asked.references[0])["waiting_for"] == WaitingFor.REQUESTER
    done = talk.hears(ORDER, HEAD.address, asked.outbound[0])
    assert (in_force(talk), [mail.message for mail in done.outbound]) == ({UNIT: "red"}, ["confirmed"])
    assert talk.ticket(asked.references[0])["status"] == Status.DONE
    with talk.store.read() as connection:
        (known,) = levels.listing(connection)
    assert (known["reason"], known["set_by"], known["review_on"]) == (
        "two of five are ill",
        HEAD.address,
        "2026-12-07",
    )


def test_E187_a_level_runs_once_for_each_mail_of_ours(talk: Conversation) -> None:
    asked = talk.hears(ORDER, HEAD.address)
    talk.hears(ORDER, HEAD.address, asked.outbound[0])
    at(talk, "green")
    talk.later(minutes=5)
    replayed = talk.hears(ORDER, HEAD.address, asked.outbound[0], message_id="<2@people>")
    assert ([mail.message for mail in replayed.outbound], in_force(talk)) == (["refused"], {UNIT: "green"})


@pytest.mark.parametrize("sender", [CLEO.address, BEN, STRANGER])
def test_E186_nobody_else_sets_a_level(talk: Conversation, sender: str) -> None:
    asked = talk.hears(ORDER, HEAD.address)
    for answered in (None, asked.outbound[0]):
        (unproved if sender == STRANGER else Conversation.hears)(talk, ORDER, sender, answered)
    assert in_force(talk) == {}


def test_E186_a_level_from_an_address_that_is_not_proved_is_not_set(talk: Conversation) -> None:
    asked = talk.hears(ORDER, HEAD.address)
    unproved(talk, ORDER, HEAD.address, asked.outbound[0])
    assert in_force(talk) == {}


@pytest.mark.parametrize(
    ("order", "lacks"),
    [
        ("#level red, review 7 December because two are ill", "for which unit"),
        ("#level Harbour, review 7 December because two are ill", "which level"),
        ("#level Harbour red because two are ill", "looked at again"),
        ("#level Harbour red, review 7 December", "why"),
    ],
)
def test_E3_a_level_that_does_not_say_everything_is_asked_about(talk: Conversation, order: str, lacks: str) -> None:
    asked = talk.hears(order, HEAD.address)
    assert [mail.message for mail in asked.outbound] == ["refused"]
    assert lacks in text_of(asked.outbound[0])
    done = talk.hears(ORDER, HEAD.address, asked.outbound[0])
    assert ([mail.message for mail in done.outbound], in_force(talk)) == (["confirmed"], {UNIT: "red"})


def test_whoever_set_a_level_is_reminded_once_on_its_day(talk: Conversation) -> None:
    at(talk, "red")
    for day, hour, count in ((6, 12, 0), (7, 6, 0), (7, 7, 1), (7, 9, 1), (8, 9, 1)):
        talk.now = NOW.replace(month=12, day=day, hour=hour)
        Reminders(talk.store, talk.context).turn(talk.now)
        assert (day, hour, len(_reviews(talk))) == (day, hour, count)
    assert _reviews(talk) == [HEAD.address]


def _reviews(talk: Conversation) -> list[str]:
    with talk.store.read() as connection:
        return [mail["to"] for mail in outgoing.listing(connection, []) if mail["message"] == "review"]
