"""What people answer to a mail of ours: a requester's wishes, thanks, chasers, and what moves the ticket on."""

from dataclasses import replace

from mailgate.model.decision import Command, Decision, FollowUp, Ignore, Intent
from mailgate.model.reading import Match, Trace
from mailgate.model.ticket import ORDERED, Change, Event, Status
from mailgate.rules import request
from mailgate.stages.case import Case
from mailgate.stages.requests import opened
from mailgate.tickets import answer, capacity, commands, effects, lifecycle, marked, smalltalk, thread, wishes
from mailgate.tickets.carried import SPLIT_OFF
from mailgate.tickets.telling import REQUESTER
from mailgate.understand import reread_post

WHAT_TO_DO = "press a button below the one you mean, or answer an email that is about that one alone"


def separated(case: Case) -> Decision | None:
    """What had joined a ticket is a request of its own after all (E158): its sender says so, or names another date."""
    reading, config, facts = case.reading, case.config, case.facts
    evidence, joined = case.thread.evidence, facts.asked_again
    before = joined.before if joined else None
    if evidence is None or joined is None or before is None or before.id != evidence.ticket.id:
        return None
    if not wishes.is_proved(reading, evidence):
        return None
    joined = reread_post(joined, config)
    first = joined.reading
    drafts, _ = request.requests(request.asked_for(first, config), first, config, facts, asks=False)
    order, trace = wishes.read_wish(reading, evidence.ticket, config, case.first_date)
    if order is None or order.do != wishes.SEPARATE:
        trace = wishes.other_date(reading, drafts[0], before, config)
    if not trace:
        return None
    change = wishes.without(evidence.ticket, drafts[0].fields, drafts[0].requester, before)
    return opened(case, wishes.both(first, reading), trace, (change,), takes_along=joined)


def split_off(case: Case) -> Decision | None:
    """What an agent made part of another ticket is a request of its own after all: who asked for it says so (E158)."""
    reading, evidence = case.reading, case.thread.evidence
    part = evidence.part if evidence else None
    if evidence is None or part is None or part.requester != reading.sender or not wishes.is_proved(reading, evidence):
        return None
    order, trace = wishes.read_wish(reading, part, case.config, case.first_date)
    if order is None or order.do != wishes.SEPARATE:
        return None
    change = effects.apart(part, case.config)
    if isinstance(change, str):
        return None
    hears = Change(evidence.ticket, events=(Event(SPLIT_OFF, "mailgate", {"part": part.ref}),))
    replies, silent = case.answered("status", {"status": part.status, "waiting_for": part.waiting_for or ""})
    events = case.event(ORDERED, {"do": order.do}, actor=REQUESTER)
    return case.decided(Command(part, order), trace, (change, hears), events, replies, silent)


def cancelled(case: Case) -> Decision | None:
    """A requester no longer needs it; what others wait for as well stays, with a note."""
    reading, config, evidence = case.reading, case.config, case.thread.evidence
    if evidence is None or not wishes.is_proved(reading, evidence):
        return None
    ticket = evidence.ticket
    order, trace = wishes.read_wish(reading, ticket, config, case.first_date)
    status = lifecycle.after(ticket, lifecycle.Happened.CANCELLED)
    if order is None or order.do != wishes.CANCEL or status is None:
        return None
    if not wishes.may_cancel(ticket, case.facts.parts.get(ticket.id, ()), reading.sender):
        return None
    change = Change(ticket, status=status, closed_at=case.facts.now)
    replies = answer.of_change(ticket, lifecycle.told(ticket.status, status), order, config, case.facts.now)
    events = case.event("command", {"do": order.do, "status": status}, actor=REQUESTER)
    return case.decided(Command(ticket, order), trace, (change,), events, replies)


def small_talk(case: Case) -> Decision | None:
    """Thanks close nothing and wake nobody; a chaser is answered by the gateway itself."""
    intent, trace = smalltalk.intent(case.reading, case.config)
    if intent is Intent.THANKS and case.ticket is not None:
        event = case.event("thanks received")
        return case.decided(Ignore("it only says thank you", case.ticket, intent), trace, events=event)
    if intent is not Intent.CHASER or (case.ticket and effects.brought(case.ticket, case.reading, case.config)):
        return None
    ticket, found = case.ticket, Trace()
    if ticket is None:
        ticket, found = smalltalk.chased_ticket(case.reading, case.config, case.facts)
    if ticket is None:
        return None
    said = {"status": ticket.status, "waiting_for": ticket.waiting_for or "", **capacity.said_of(ticket.level)}
    replies, silent = case.answered("status", said)
    if case.reading.sender not in ticket.participants and not thread.is_colleague(case.reading, case.config):
        replies, silent = (), "its sender takes no part in the ticket"
    outcome = FollowUp(ticket, Intent.CHASER)
    return case.decided(outcome, (*trace, *found), (), case.event("chased"), replies, silent)


def follow_up(case: Case) -> Decision | None:
    """A person's answer in the thread: it moves the ticket, fills what was missing, reopens what was closed."""
    ticket = case.ticket
    if ticket is None:
        return None
    if not ticket.is_open and not lifecycle.reopens(ticket, case.earlier(case.config.service.defaults.reopen_within)):
        return None
    if commands.answers_requester(ticket, case.reading, case.thread.evidence, case.config, case.facts):
        own = case.own or ticket
        if case.thread.evidence and (why := marked.why_kept(own, case.reading, case.thread.evidence, case.config)):
            return case.refused(ticket, why, (), marked.CONFIRM)
        replies = answer.relayed(own, case.reading.message.reply_text, case.config)
        replies = tuple(replace(reply, ticket=own) for reply in replies) if own is not ticket else replies
        events = case.event("answered", actor="agent")
        changes = tuple(
            Change(each, waiting_for=each.waiting_for, first_reply_at=case.facts.now)
            for each in {ticket.id: ticket, own.id: own}.values()
            if each.first_reply_at is None
        )
        return case.decided(FollowUp(ticket, Intent.NOTE), (), changes, events, replies)
    found = effects.of_answer(ticket, case.reading, case.config, case.facts)
    status = (found.change and found.change.status) or ticket.status
    told = lifecycle.told(ticket.status, status)
    replies, silent = case.answered(told) if told else ((), "a note changes nothing that needs telling")
    events = case.event("follow-up", _said(found, status))
    changes = (found.change, *_to_part(case)) if found.change else ()
    decision = case.decided(FollowUp(ticket, found.intent, found.brings), (), changes, events, replies, silent)
    return replace(decision, is_doubtful=case.thread.is_newcomer)


def _to_part(case: Case) -> tuple[Change, ...]:
    """What the answer does to the merged ticket by way of which it came: it may be split off again (E158)."""
    part = case.thread.evidence.part if case.thread.evidence else None
    found = effects.of_answer(part, case.reading, case.config, case.facts) if part else None
    if part is None or found is None or found.change is None:
        return ()
    events = case.event("follow-up", _said(found, found.change.status or part.status))
    return (replace(found.change, events=events),)


def _said(answer: effects.Answer, status: Status) -> dict[str, object]:
    """What the history says of an answer."""
    return {"intent": answer.intent, "status": status, "answers": sorted(answer.brings)}


def about_a_list(case: Case) -> Decision | None:
    """An agent's plain answer to a whole list: nobody can tell which request it is about, so the agent is told how to.

    Where no answer may be sent it is a request like any other: somebody has to see it.
    """
    reading = case.reading
    if not case.facts.answers_list or case.facts.evidence or not thread.is_colleague(reading, case.config):
        return None
    why = "it answers a list of several requests"
    intent, trace = smalltalk.intent(reading, case.config)
    if intent is Intent.THANKS:
        return case.decided(Ignore("it only says thank you", intent=intent), trace)
    replies, silent = case.answered("refused", {"why": f"{why}: {WHAT_TO_DO}"})
    if silent:
        return None
    return case.decided(Ignore(why), (Match("thread", "a list of ours", effect=why),), replies=replies)
