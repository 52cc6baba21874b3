"""What people tell the gateway to do: lists, capacity levels, commissions, an agent's orders."""

from dataclasses import replace

from mailgate.model.decision import Absence, AutoReply, Command, Decision, Ignore, NewTicket, Order
from mailgate.model.facts import Evidence
from mailgate.model.reading import Asking, Match, Reading, Trace
from mailgate.model.ticket import ORDERED, Change, Event, Ticket
from mailgate.stages.case import Case
from mailgate.tickets import absence, answer, commands, effects, levelling, marked, questions, returns, thread, timing
from mailgate.tickets.carried import carry_out
from mailgate.tickets.orders import LEVEL, Ambiguous
from mailgate.understand import with_posts_reread


def question(case: Case) -> Decision | None:
    """A list for whoever asks for one: it changes nothing, so verdict and role are enough."""
    question, listing = case.reading.question, case.facts.listing
    if question is None or listing is None:
        return None
    if question.kind is Asking.FIND:
        listing = questions.may_see(listing, case.reading, case.config, case.facts)
    found = (Match("question", question.kind, effect=f"lists {len(listing.tickets)} tickets"),)
    silent = answer.silent_because(case.reading, case.config, case.facts)
    reply = answer.listing(case.reading.sender, question.kind, listing, case.config)
    return case.decided(Ignore("it asks for a list"), found, replies=() if silent else (reply,), silent_because=silent)


def level(case: Case) -> Decision | None:
    """A capacity level, from who may set one: in answer to a mail of ours to them, or else asked back (E186)."""
    reading, config, facts, evidence = case.reading, case.config, case.facts, case.thread.evidence
    if not levelling.may_set(reading, config, facts) or not thread.is_verified(reading):
        return None
    order, trace = commands.read_level(reading, config, case.first_date)
    if order is None:
        return None
    if evidence is None or evidence.rank > thread.RANK_OUR_ID:
        draft, reply = levelling.asking(reading, config, facts.now), levelling.asked_back(order, reading, config)
        silent = answer.silent_because(reading, config, facts)
        return case.decided(NewTicket((draft,)), trace, (), (), () if silent else (reply,), silent)
    refused = commands.may_command(reading, evidence.ticket, evidence, config, facts, LEVEL)
    if isinstance(order, Ambiguous):
        return case.refused(evidence.ticket, refused or order.why, trace)
    if refused := refused or commands.may_repeat(order, evidence.ticket, evidence, reading, facts):
        return case.refused(evidence.ticket, refused, trace)
    said = {"do": order.do, "to": order.to, "until": order.until.isoformat() if order.until else None}
    happened = (Event(ORDERED, "agent", {**said, "answers": evidence.serial}, {"from": reading.sender}),)
    changes, replies = levelling.ended(evidence.ticket, facts.now), (levelling.is_set(order, reading, config),)
    decision = case.decided(Command(evidence.ticket, order), trace, changes, happened, replies)
    return replace(decision, level=levelling.ordered(order, reading))


def commission(case: Case) -> Decision | None:
    """What a unit returns, and what those write who asked or put the returns together (docs/domain.md section 8)."""
    said = returns.read(case.reading, case.thread.evidence, case.config, case.facts, case.first_date)
    if said is None:
        return None
    if said.refused:
        return case.refused(said.outcome.ticket, said.refused, said.trace)
    replies, silent = case.answered(said.answers, said.fields) if said.answers else (said.replies, "")
    decision = case.decided(said.outcome, said.trace, said.changes, said.events, replies, silent)
    return replace(decision, returned=said.returned)


def command(case: Case) -> Decision | None:
    """What an agent orders by reply (E111, E186, E187)."""
    reading, config, facts, evidence = case.reading, case.config, case.facts, case.thread.evidence
    if evidence is None:
        return None
    whole, ticket = evidence.ticket, evidence.part or evidence.ticket
    by_right = commands.gives_orders(whole, reading, config, facts)
    if not by_right and not commands.manages(evidence, config, facts):
        return None
    order, trace = commands.read_order(reading, ticket, config, case.first_date, facts.colleagues)
    if order is None:
        return None
    do = order.do if isinstance(order, Order) else ""
    refused = commands.may_command(reading, whole, evidence, config, facts, do)
    if isinstance(order, Ambiguous):
        return case.refused(whole, refused or order.why, trace)
    if order.do in absence.ORDERS:
        away = refused or absence.of_order(order, ticket, reading, config, facts)
        if not isinstance(away, str):
            away = commands.may_repeat(order, ticket, evidence, reading, facts) or away
        if isinstance(away, str):
            return case.refused(whole, away, trace)
        return handed_over(case, Command(whole, order), whole, away, trace)
    refused = refused or commands.may_concern(order, ticket, reading, config, facts)
    carried = refused or carry_out(ticket, whole, order, reading, config, with_posts_reread(facts, config))
    if not isinstance(carried, str):
        carried = commands.may_repeat(order, ticket, evidence, reading, facts) or carried
    if isinstance(carried, str):
        return case.refused(whole, carried, trace)
    if order.do in marked.WRITTEN and (why := marked.why_kept(ticket, reading, evidence, config)):
        return case.refused(whole, why, trace, marked.CONFIRM)
    timed = timing.timed(carried.change, config, facts.now)
    happened = (_ordered(carried.change, timed, order, evidence, reading),)
    replies = carried.replies(order, reading, config, facts.now)
    return case.decided(Command(ticket, order, carried.opens), trace, carried.changes, happened, replies)


def _ordered(change: Change, timed: Change, order: Order, evidence: Evidence, reading: Reading) -> Event:
    """The event by which ``undo`` and E187 know the order; *timed* is the change with what it does to the clocks."""
    said, private = effects.said_of(order, change)
    public, personal = effects.before(timed)
    data = {**said, "answers": evidence.serial, **({"before": public} if public else {})}
    named = {"from": reading.sender, **private, **({"before": personal} if personal else {})}
    return Event(ORDERED, "agent", data, named)


def handed_over(case: Case, outcome: Command | AutoReply, ticket: Ticket, away: Absence, trace: Trace) -> Decision:
    """Somebody is away, or back: others have what they had, and their lead is told."""
    changes = absence.handed_over(away, case.config, case.facts)
    replies = absence.told_to_lead(away, ticket, changes, case.config)
    evidence = case.thread.evidence
    said = {"do": absence.AWAY if away.until else absence.BACK, "until": away.until.isoformat() if away.until else None}
    to = outcome.order.to if isinstance(outcome, Command) else None
    serial = evidence.serial if evidence and isinstance(outcome, Command) else 0
    personal = {"from": case.reading.sender, **({"to": to} if to else {})}
    events = (Event(ORDERED, "agent", {**said, "answers": serial}, personal),)
    return replace(case.decided(outcome, trace, changes, events, replies), absence=away)
