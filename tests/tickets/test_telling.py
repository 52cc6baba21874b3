"""Who of us hears what of a decision, and what stays behind the link."""

from dataclasses import replace

import pytest

from mailgate.model.decision import Command, Decision, FollowUp, Intent, NewTicket, Order, Outcome, Reply
from mailgate.model.people import Person
from mailgate.model.ticket import Change, Event, Status, WaitingFor
from mailgate.tickets import telling
from tests.make import ANN, CLEO, DEV, make_config, make_draft, make_message, make_reading, make_ticket

CONFIG = make_config().model_copy(update={"guidance": {"hardware.repair": "Is it under warranty?"}})
LENA = "lena.brook@council.example"
MEMBERS = {"desk": (CLEO, DEV)}
TICKET = make_ticket(assignee=DEV.address)


def told(outcome: Outcome, *changes: Change, events: tuple[Event, ...] = (), sender: str = ANN) -> list[Reply]:
    decision = Decision(outcome, "1", changes=changes, events=events)
    reading = make_reading("It is broken.", message=make_message("It is broken.", sender=sender))
    [found] = telling.told([decision], [reading], CONFIG, telling.Known(MEMBERS, {1: "The first mail."}))
    return list(found.replies)


def heard(*said: object, **more: object) -> list[tuple[str, str]]:
    return [(reply.message, reply.to) for reply in told(*said, **more)]  # type: ignore[arg-type]


def test_a_request_that_nobody_has_is_told_to_lead_and_members() -> None:
    assert heard(NewTicket((make_draft(),))) == [("new", LENA), ("new", CLEO.address), ("new", DEV.address)]


def test_a_request_that_somebody_has_is_told_to_them_with_all_they_need() -> None:
    [reply] = told(NewTicket((make_draft(assignee=DEV.address, fields={"room": ("12",)}),)))
    assert (reply.message, reply.to) == ("assigned", DEV.address)
    assert reply.fields["words"] == "It is broken."
    assert (reply.fields["facts"], reply.fields["guidance"]) == ("room: 12", "Is it under warranty?")


def test_of_a_restricted_record_neither_text_nor_facts_are_told() -> None:
    [reply] = told(NewTicket((make_draft(assignee=DEV.address, show_to="named people"),)))
    assert reply.fields.keys() == {"guidance"}
    [news] = told(FollowUp(replace(TICKET, show_to="named people"), Intent.NOTE))
    assert news.fields.keys() == {"guidance"}


def test_a_request_that_waits_for_its_requester_wakes_nobody_until_it_is_whole() -> None:
    draft = make_draft(status=Status.WAITING, waiting_for=WaitingFor.REQUESTER)
    assert heard(NewTicket((draft,))) == []
    waiting = replace(TICKET, status=Status.WAITING, waiting_for=WaitingFor.REQUESTER)
    half = Change(waiting, status=Status.WAITING, waiting_for=WaitingFor.REQUESTER)
    assert heard(FollowUp(waiting, Intent.ANSWERS_QUESTION), half) == []
    [reply] = told(FollowUp(waiting, Intent.ANSWERS_QUESTION), Change(waiting, status=Status.OPEN))
    assert (reply.message, reply.to, reply.fields["words"]) == ("assigned", DEV.address, "The first mail.")


def test_each_ticket_of_one_mail_is_told_by_its_own_number() -> None:
    drafts = (make_draft(status=Status.WAITING), make_draft(assignee=DEV.address))
    assert [(reply.draft, reply.to) for reply in told(NewTicket(drafts))] == [(1, DEV.address)]


@pytest.mark.parametrize("intent", [Intent.NOTE, Intent.REOPEN, Intent.THIRD_PARTY_REPLY])
def test_what_somebody_writes_is_news_for_who_has_it(intent: Intent) -> None:
    assert heard(FollowUp(TICKET, intent)) == [("news", DEV.address)]


def test_chasers_refused_orders_and_the_agents_own_words_are_no_news() -> None:
    assert heard(FollowUp(TICKET, Intent.CHASER)) == []
    assert heard(FollowUp(TICKET, Intent.NOTE), sender=DEV.address) == []
    for what in ("command refused", "answered"):
        assert heard(FollowUp(TICKET, Intent.NOTE), events=(Event(what, "sender"),)) == []


def test_who_gets_a_ticket_by_an_order_hears_of_it_and_who_ordered_does_not() -> None:
    given = Change(TICKET, assignee=CLEO.address)
    assert heard(Command(TICKET, Order("assign")), given, sender=DEV.address) == [("assigned", CLEO.address)]
    assert heard(Command(TICKET, Order("assign")), given, sender=CLEO.address) == []
    assert heard(Command(TICKET, Order("done")), Change(TICKET, status=Status.DONE), sender=DEV.address) == []


def test_nothing_goes_to_a_mailbox_of_ours_or_to_another_organisation() -> None:
    outside = Person("sam@mail.example", "Sam", team="desk")
    decision = Decision(NewTicket((make_draft(),)), "1")
    [found] = telling.told([decision], [make_reading()], CONFIG, telling.Known({"desk": (outside,)}))
    assert [reply.to for reply in found.replies] == [LENA]
