"""Who of us is away: by an order in answer to a mail of ours, or by the responder that answered it.

What they have goes to whoever is on duty, and their lead hears of it, with a button that takes the absence back.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

from mailgate.model.config import Config
from mailgate.model.decision import Absence, Order, Reply
from mailgate.model.facts import Facts
from mailgate.model.message import Kind
from mailgate.model.reading import Reading
from mailgate.model.ticket import NOBODY, Change, Event, Ticket
from mailgate.tickets import answer
from mailgate.tickets.phrases import Known, any_stands_in, known_phrases, texts_of
from mailgate.tickets.sharing import share
from mailgate.tickets.thread import is_colleague, lead_of

AWAY, BACK = "away", "back"
ORDERS = frozenset({AWAY, BACK})
LONGEST = timedelta(days=90)
_LONGEST_ORDER = 1000  # characters; an order stands above


def is_told(reading: Reading, config: Config) -> bool:
    """Whether the mail may say that its sender is away, so that what they have is worth a look."""
    if reading.message.kind is Kind.AUTO_REPLY:
        return reading.message.away_until is not None
    return any_stands_in(_phrases(config), texts_of(reading.wording[:_LONGEST_ORDER]))


@lru_cache(maxsize=8)
def _phrases(config: Config) -> Known:
    return known_phrases(config.service.commands.get(AWAY, ()))


def of_responder(reading: Reading, ticket: Ticket, config: Config, facts: Facts) -> Absence | None:
    """The absence of whoever has *ticket*, as their responder gives it; only with a day, and never a far one."""
    until, today = reading.message.away_until, facts.now.date()
    is_theirs = ticket.assignee == reading.sender and is_colleague(reading, config)
    if not is_theirs or until is None or not today <= until <= today + LONGEST:
        return None
    return Absence(reading.sender, until)


def of_order(order: Order, ticket: Ticket, reading: Reading, config: Config, facts: Facts) -> Absence | str:
    """What *order* says about its sender, or about a member of the team whose lead that is; or why it cannot run."""
    person, today = order.to or reading.sender, facts.now.date()
    if person != reading.sender:
        leads = ticket.team is not None and lead_of(ticket.team, config) == reading.sender
        if not leads or person not in {each.address for each in facts.colleagues}:
            return "only the lead of a team can say so for somebody else in it"
    if order.do == BACK:
        return Absence(person, None)
    if order.until is None or not today <= order.until <= today + LONGEST:
        return "it does not say until which day, within 90 days"
    return Absence(person, order.until)


def handed_over(absence: Absence, config: Config, facts: Facts) -> tuple[Change, ...]:
    """What the absent person has goes to others on duty; where there are none, to their team."""
    if absence.until is None:
        return ()
    others = replace(facts, workers=tuple(each for each in facts.workers if each.address != absence.address))
    given: Counter[str] = Counter()
    changes = []
    for ticket in facts.own_work:
        to = share(ticket.team, config, others.after_giving(given))[0] or NOBODY
        given.update([to] if to else [])
        event = Event("handed over", "mailgate", {"away_until": absence.until.isoformat()}, {"from": absence.address})
        changes.append(Change(ticket, waiting_for=ticket.waiting_for, assignee=to, events=(event,)))
    return tuple(changes)


def told_to_lead(absence: Absence, ticket: Ticket, changes: Sequence[Change], config: Config) -> tuple[Reply, ...]:
    """The lead of the ticket's team hears who is away, and how many tickets others have now."""
    lead = lead_of(ticket.team, config) if ticket.team else None
    if lead is None or lead == absence.address or absence.until is None:
        return ()
    said = {"who": absence.address, "until": absence.until.isoformat(), "handed": str(len(changes) or "")}
    return (answer.to(lead, "absence", config, said),)
