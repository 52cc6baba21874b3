"""What mails about a commission say: a unit's return, another deadline, more time for a unit, a correction.

Doubt takes nothing for a return (E3): not a stranger's words, a question, a wish for more time. Whoever sent it hears
what was taken, and the last return counts.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from mailgate.model.commission import COMMISSION, Child, Commission, Returned
from mailgate.model.config import Config
from mailgate.model.decision import Command, FollowUp, Intent, Order, Reply
from mailgate.model.facts import Evidence, Facts
from mailgate.model.reading import Match, Reading
from mailgate.model.ticket import ORDERED, Change, Event, Status, Ticket
from mailgate.rules import needs
from mailgate.rules.promise import calendar_of, promised
from mailgate.rules.units import unit_of
from mailgate.sla.calendar import before, closing_time, local_date
from mailgate.tickets import answer, commands, lifecycle, smalltalk
from mailgate.tickets.commission import COMPILED, DEADLINE
from mailgate.tickets.phrases import phrase, places, words_of
from mailgate.tickets.return_words import corrects, only_asks, rows_of, says_nil, wants_time, words_of_return
from mailgate.tickets.telling import NEWS
from mailgate.tickets.thread import is_colleague, is_staff_of, is_verified, lead_of

Dates = Callable[[str], date | None]

TAKEN = "return_taken"
_NEW_TIMES = frozenset({"extend", "due"})
_ENDS = frozenset({"done", "cancel"})
_SENTENCE_END = re.compile(r"[.!?\n](?=\s|$)")
_UP_TO = re.compile(r"\b(?:to|until|till?|by)\b(?P<when>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """What a mail about a commission comes to; *refused* is why an order of it does not run."""

    outcome: FollowUp | Command
    trace: tuple[Match, ...] = ()
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    replies: tuple[Reply, ...] = ()
    answers: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    returned: Returned | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail with what is known of the commission whose *ticket*, the whole or a unit's, it belongs to."""

    reading: Reading
    evidence: Evidence
    ticket: Ticket
    found: Commission
    config: Config
    facts: Facts
    dates: Dates

    @property
    def parent(self) -> Ticket:
        return self.found.parent

    @property
    def compiles(self) -> bool:
        """Whether its sender is of those who put the returns together."""
        return is_staff_of(self.parent, self.reading, self.config, self.facts)

    def is_nil(self, child: Child) -> bool:
        """Whether it says that the unit has nothing to report."""
        today = local_date(self.reading.message.date or self.facts.now, calendar_of(child.ticket.team, self.config))
        has_file = any(not file.inline for file in self.reading.message.attachments)
        return not has_file and says_nil(words_of_return(self.reading.wording, child.ticket.unit), self.config, today)

    def by(self, what: str, data: dict[str, object], actor: str = "sender") -> Event:
        return Event(what, actor, data, {"from": self.reading.sender})


def read(reading: Reading, evidence: Evidence | None, config: Config, facts: Facts, dates: Dates) -> Said | None:
    """What the mail says to the commission that its thread belongs to; None where it says nothing of its own kind."""
    ticket = (evidence.part or evidence.ticket) if evidence else None
    found = facts.commissions.get(ticket.id) if ticket else None
    if evidence is None or ticket is None or found is None:
        return None
    mail = _Mail(reading, evidence, ticket, found, config, facts, dates)
    child = found.of_ticket(ticket.id)
    if child is not None:
        return _in_unit(mail, child)
    if mail.compiles:
        return _of_compiler(mail)
    if reading.sender == found.parent.requester:
        return _of_requester(mail)
    own = _unit_of_sender(mail)
    return _in_unit(mail, own) if own else None


# ---- a unit's mail


def _in_unit(mail: _Mail, child: Child) -> Said | None:
    reading, config, text = mail.reading, mail.config, mail.reading.wording
    if not _answers_for(child, mail):
        return _doubtful(mail, child)
    has_file = any(not file.inline for file in reading.message.attachments)
    if has_file or mail.is_nil(child):
        return _return(mail, child)
    if not rows_of(text):
        order, _ = commands.read_order(reading, child.ticket, config, mail.dates, mail.facts.colleagues)
        do, note = (order.do, order.note) if isinstance(order, Order) else ("", None)
        if do in _ENDS and not note:
            why = 'a return is needed: reply with it, or with "nil return"'
            return Said(FollowUp(child.ticket, Intent.NOTE), refused=why)
        if do in _NEW_TIMES or wants_time(text, config):
            return _wish(mail, child, Intent.EXTENSION_REQUEST)
        if order is not None and do not in _ENDS:
            return None
        if smalltalk.intent(reading, config)[0] is not None or not text.strip():
            return None
    if wants_time(text, config):
        return _wish(mail, child, Intent.EXTENSION_REQUEST)
    return _wish(mail, child, Intent.NOTE) if only_asks(text) else _return(mail, child)


def _answers_for(child: Child, mail: _Mail) -> bool:
    """Whether its sender, who is proved, is of the unit: of its team, by the directory, or whom we asked."""
    reading, own = mail.reading, child.ticket
    if not is_verified(reading) or "duplicate-header" in reading.message.defects:
        return False
    asked = reading.sender in own.participants and reading.sender != mail.parent.requester
    is_staff = is_staff_of(own, reading, mail.config, mail.facts) or reading.sender == own.assignee
    return is_staff or asked or _unit_of_sender(mail) is child


def _unit_of_sender(mail: _Mail) -> Child | None:
    """The unit that the directory has a colleague of ours in."""
    sender = mail.facts.sender
    if sender is None or not is_colleague(mail.reading, mail.config):
        return None
    return mail.found.of_unit(unit_of(sender.unit, sender.team or None, mail.config))


def _doubtful(mail: _Mail, child: Child) -> Said:
    """Whoever knows the thread may write in it; it is kept, and is nobody's return."""
    event = mail.by("doubtful return", {"unit": child.ticket.unit})
    why = Match(COMMISSION, child.ticket.unit, effect="no return: its sender is not known to be of the unit")
    return Said(FollowUp(child.ticket, Intent.NOTE), (why,), events=(event,))


def _wish(mail: _Mail, child: Child, intent: Intent) -> Said:
    """A unit wants more time, or asks something: those who put the returns together hear of it."""
    event = mail.by("follow-up", {"intent": intent, "unit": child.ticket.unit})
    return Said(FollowUp(child.ticket, intent), events=(event,), replies=tuple(_told(mail, child.ticket.unit)))


def _told(mail: _Mail, unit: str) -> Iterator[Reply]:
    parent = mail.parent
    reader = parent.assignee or (lead_of(parent.team, mail.config) if parent.team else None)
    if reader:
        said = {"words": f"{unit}: {mail.reading.message.reply_text}"}
        yield replace(answer.to(reader, NEWS, mail.config, said), ticket=parent)


def _return(mail: _Mail, child: Child, actor: str = "sender") -> Said | None:
    """The return counts from now on, whatever was sent before it; what went out already is to be approved anew."""
    parent, own, now = mail.parent, child.ticket, mail.facts.now
    if parent.status is Status.CANCELLED or not _can_reopen(parent, mail):
        return None
    is_nil, is_late = mail.is_nil(child), own.due_at is not None and now > own.due_at
    data: dict[str, object] = {"unit": own.unit, "nth": child.returns + 1, "nil": is_nil, "late": is_late}
    event = mail.by("return", data, actor)
    change = Change(own, events=(event,))
    if own.is_open:
        change = replace(change, status=Status.DONE, closed_at=now, first_reply_at=own.first_reply_at or now)
    reopens = Change(parent, status=None if parent.is_open else Status.OPEN, events=(event,))
    kind = "nil return" if is_nil else "return"
    effect = f"{'late ' if is_late else ''}{kind} number {child.returns + 1}"
    return Said(
        FollowUp(own, Intent.COMMISSION_RETURN),
        (Match(COMMISSION, own.unit, effect=effect),),
        (change, reopens),
        answers=TAKEN,
        fields={"unit": own.unit, "nil": "yes" if is_nil else ""},
        returned=Returned(own, is_nil, is_late),
    )


def _can_reopen(ticket: Ticket, mail: _Mail) -> bool:
    """Whether *ticket* is open, or was closed lately enough to be opened again by a reply (E128)."""
    within = mail.config.service.defaults.reopen_within
    return ticket.is_open or lifecycle.reopens(ticket, before(mail.facts.now, within, calendar_of(None, mail.config)))


# ---- those who put the returns together


def _of_compiler(mail: _Mail) -> Said | None:
    """More time for units, a correction; what is no order is a note, and nobody outside hears it."""
    reading, parent = mail.reading, mail.parent
    if corrected := _correction(mail):
        refused = commands.may_command(reading, parent, mail.evidence, mail.config, mail.facts)
        said = None if refused else _return(mail, corrected, "agent")
        return said or Said(FollowUp(parent, Intent.NOTE), refused=refused or "the commission is over")
    units, day = read_extension(reading.wording, mail.found, mail.config, mail.dates)
    if units:
        return _extended(mail, units, day)
    order, _ = commands.read_order(reading, parent, mail.config, mail.dates, mail.facts.colleagues)
    if order is not None or not commands.answers_requester(parent, reading, mail.evidence, mail.config, mail.facts):
        return None
    if mail.evidence.answers == COMPILED:
        why = 'it says neither "approve" nor what to correct: nothing was sent to whoever asked'
        return Said(FollowUp(parent, Intent.NOTE), refused=why)
    return Said(FollowUp(parent, Intent.NOTE), events=(mail.by("follow-up", {"intent": Intent.NOTE}, "agent"),))


def _correction(mail: _Mail) -> Child | None:
    text = mail.reading.wording
    return next((child for child in mail.found.children if corrects(text, child.ticket.unit)), None)


def read_extension(text: str, found: Commission, config: Config, dates: Dates) -> tuple[tuple[Child, ...], date | None]:
    """The units that the first sentence gives more time, and until which day: "Extend Aldermoor to Friday"."""
    sentence = _SENTENCE_END.split(text.strip(), maxsplit=1)[0]
    words = words_of(sentence)
    asks = {word.lstrip("#").casefold() for word in config.service.orders.get("extend", ("extend",))}
    opening = [word.text.lstrip("#") for word in words if word.text != "please"][:1]
    if not opening or opening[0] not in asks:
        return (), None
    named = tuple(child for child in found.children if next(places(phrase(child.ticket.unit), words), None) is not None)
    until = _UP_TO.search(sentence)
    return named, dates(until["when"]) if until else None


def _extended(mail: _Mail, units: tuple[Child, ...], day: date | None) -> Said:
    """More time for *units*, never beyond the deadline of the whole."""
    parent, config, facts = mail.parent, mail.config, mail.facts
    names = ", ".join(child.ticket.unit for child in units)
    refused = commands.may_command(mail.reading, parent, mail.evidence, config, facts)
    refused = refused or _may_not_extend(mail, units, day)
    if refused or day is None:
        return Said(FollowUp(parent, Intent.NOTE), refused=refused or "it does not say until which day: write a date")
    order = Order("extend", until=day, to=names)
    said: dict[str, object] = {"do": order.do, "until": day.isoformat(), "answers": mail.evidence.serial}
    changes = []
    for child in units:
        own = child.ticket
        event = mail.by(
            ORDERED, {**said, "before": {"due_at": own.due_at.isoformat() if own.due_at else None}}, "agent"
        )
        closes = closing_time(day, calendar_of(own.team, config))
        due_at = min(closes, parent.due_at) if parent.due_at else closes
        changes.append(Change(own, due_at=due_at, events=(event,)))
    did = f"extend: {day.isoformat()}"
    replies = tuple(
        replace(answer.to(mail.reading.sender, "changed", config, {"did": did}), ticket=change.after)
        for change in changes
    )
    ordered = mail.by(ORDERED, {**said, "to": names}, "agent")
    return Said(Command(parent, order), (), tuple(changes), (ordered,), replies)


def _may_not_extend(mail: _Mail, units: tuple[Child, ...], day: date | None) -> str:
    if day is None:
        return "it does not say until which day: write a date"
    answered = [child.ticket.unit for child in units if not child.ticket.is_open]
    if answered:
        return f"{answered[0]} is not waited for any more"
    due_at = closing_time(day, calendar_of(units[0].ticket.team, mail.config))
    if due_at <= mail.facts.now:
        return "that day is over: write one that is still to come"
    deadline = mail.parent.due_at
    last = local_date(deadline, calendar_of(mail.parent.team, mail.config)) if deadline else day
    return f"that is after the deadline of the whole, {last.isoformat()}" if day > last else ""


# ---- whoever asked


def _of_requester(mail: _Mail) -> Said | None:
    """Another deadline: the whole moves to it, and the units with it."""
    reading, parent, config = mail.reading, mail.parent, mail.config
    stated = reading.fields.get(DEADLINE)
    if DEADLINE in parent.missing:  # it answers our question: any date is meant
        stated = needs.stated(parent.task, reading.fields, reading.loose_dates, config).fields.get(DEADLINE)
    if not stated or not is_verified(reading) or not parent.is_open:
        return None
    at = reading.message.date or mail.facts.now
    calendar = calendar_of(parent.team, config)
    clock, why = promised(parent.sla_policy, parent.priority, {DEADLINE: stated}, at, calendar, config)
    if clock is None or not any(match.words for match in why) or clock.due_at in (parent.due_at, None):
        return None
    if clock.due_at <= mail.facts.now:
        return None
    fields = {**parent.fields, DEADLINE: stated}
    missing = tuple(name for name in parent.missing if name != DEADLINE)
    status = parent.status if missing else lifecycle.after(parent, lifecycle.Happened.REQUESTER_REPLIED)
    change = Change(parent, status=status, waiting_for=parent.waiting_for if missing else None,
                    due_at=clock.due_at, fields=fields, missing=missing)  # fmt: skip
    event = mail.by("deadline moved", {"due_at": clock.due_at.isoformat()}, "requester")
    outcome = FollowUp(parent, Intent.ANSWERS_QUESTION, {DEADLINE: stated})
    return Said(outcome, why, (change,), (event,), answers="status", fields={"status": status or parent.status})
