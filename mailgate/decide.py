"""What should happen to a mail: the table of contents of mailgate's behaviour.

``understand.read`` takes one mail by itself; ``decide`` adds what was looked up. Both are pure:
``explain`` and ``rehearse`` call the same functions as the running gateway. The first of
``STAGES`` that has an answer decides; each is one function in a file of ``stages/``.
"""

from collections.abc import Callable
from dataclasses import replace

from mailgate.model.config import Config
from mailgate.model.decision import Decision, NewTicket
from mailgate.model.facts import Facts
from mailgate.model.message import Kind
from mailgate.model.reading import Match, Reading
from mailgate.model.ticket import Event
from mailgate.rules import request
from mailgate.stages import answers, known, machines, orders, requests
from mailgate.stages.case import Case
from mailgate.tickets import commission, disguise, thread

STAGES: tuple[Callable[[Case], Decision | None], ...] = (
    machines.canary,
    machines.own,
    machines.automatic,
    known.copy,
    machines.bulk,
    orders.question,
    answers.separated,
    orders.level,
    answers.split_off,
    orders.commission,
    orders.command,
    answers.cancelled,
    known.resent,
    answers.small_talk,
    answers.follow_up,
    answers.about_a_list,
    requests.new,
)


def decide(reading: Reading, config: Config, facts: Facts) -> Decision:
    """What should happen to the mail, and why; nothing is changed or sent here."""
    case = Case(reading, config, facts, thread.joins(reading, config, facts))
    decision = next(decision for stage in STAGES if (decision := stage(case)) is not None)
    decision = commission.carried(decision, config, facts)
    if beware := disguise.why(reading.message.from_, config):
        decision = _with_warning(decision, beware)
    return replace(decision, holds_files=True) if _holds_files(case, decision) else decision


def _with_warning(decision: Decision, beware: str) -> Decision:
    """*decision* with what people should know of the sender, in the ticket's history where it has a say (E185)."""
    trace = (*decision.trace, Match("sender", "disguised", effect=beware))
    if not decision.events and not isinstance(decision.outcome, NewTicket):
        return replace(decision, trace=trace)
    event = Event("sender may be disguised", "mailgate", {"why": beware})
    return replace(decision, trace=trace, events=(*decision.events, event))


def _holds_files(case: Case, decision: Decision) -> bool:
    """Whether a rule holds back what a person attached, to a new request or to what belongs to a ticket."""
    message, outcome = case.reading.message, decision.outcome
    if not message.attachments or message.kind is not Kind.HUMAN:
        return False
    if isinstance(outcome, NewTicket) and not outcome.collects:
        return any(draft.attachments for draft in outcome.drafts)
    if decision.ticket is None and not isinstance(outcome, NewTicket):
        return False
    task = decision.ticket.task if decision.ticket else None
    return request.holds_files(task, case.reading, case.config, case.facts)
