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
from mailgate.model.decision import Command, Evidence, Facts, FollowUp, Intent, Match, Order, Reading, Reply
from mailgate.model.ticket import ORDERED, Change, Event, Status, Ticket
from mailgate.rules import needs
from mailgate.rules.promise import calendar_of, promised
from mailgate.rules.units import unit_of
from mailgate.sla.calendar import before, closing_time
from mailgate.tickets import answer, commands, lifecycle, smalltalk
from mailgate.tickets.commission import COMPILED, DEADLINE
from mailgate.tickets.phrases import Word, phrase, places, words_of
from mailgate.tickets.telling import NEWS
from mailgate.tickets.thread import is_colleague, is_staff_of, is_verified, lead_of

Dates = Callable[[str], date | None]

TAKEN = "return_taken"
_NEW_TIMES = frozenset({"extend", "due"})
_ENDS = frozenset({"done", "cancel"})
_UNSAYS = frozenset({"not", "no", "never", "isn't", "without"})
_HOLDS_BACK = frozenset({"but", "except", "apart", "however", "although"})
_ROW = re.compile(r"[ \t>*•-]*([^\W\d_][^:\t\n]{0,39}?)[ ]*(?::|\t)[ \t]*(\S[^\t\n]*)")
_SENTENCE = re.compile(r"[.!?\n](?=\s|$)|$")
_UP_TO = re.compile(r"\b(?:to|until|till?|by)\b(?P<when>.*)", re.IGNORECASE | re.DOTALL)
_CORRECTS = re.compile(r"(?is)\A\s*(?:#return|correct(?:ion|ed)?(?: return)?(?: (?:for|of))?)\s+(?P<rest>\S.*)\Z")


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
    reading, config = mail.reading, mail.config
    if not _answers_for(child, mail):
        return _doubtful(mail, child)
    is_nil = says_nil(reading, config)
    if is_nil or _brings(reading):
        return _return(mail, child, is_nil=is_nil)
    order, _ = commands.read_order(reading, child.ticket, config, mail.dates, mail.facts.colleagues)
    do = order.do if isinstance(order, Order) else ""
    if do in _ENDS and not (isinstance(order, Order) and order.note):
        why = 'a return is needed: reply with it, or with "nil return"'
        return Said(FollowUp(child.ticket, Intent.NOTE), refused=why)
    if do in _NEW_TIMES or _wants_time(reading, config):
        return _wish(mail, child, Intent.EXTENSION_REQUEST)
    if order is not None and do not in _ENDS:
        return None
    if smalltalk.intent(reading, config)[0] is not None or not reading.wording.strip():
        return None
    if _only_asks(reading):
        return _wish(mail, child, Intent.NOTE)
    return _return(mail, child, is_nil=False)


def _brings(reading: Reading) -> bool:
    """Whether it has a file or a row, which is a return whatever else it says."""
    return any(not file.inline for file in reading.message.attachments) or bool(rows_of(reading.wording))


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


def _return(mail: _Mail, child: Child, *, is_nil: bool, actor: str = "sender") -> Said | None:
    """The return counts from now on, whatever was sent before it; what went out already is to be approved anew."""
    parent, own, now = mail.parent, child.ticket, mail.facts.now
    if parent.status is Status.CANCELLED or not _can_reopen(parent, mail):
        return None
    is_late = own.due_at is not None and now > own.due_at
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


# ---- what a return says


def says_nil(reading: Reading, config: Config) -> bool:
    """Whether it reports nothing, in plain words and nothing else: no file, no row, no "but"."""
    asked = config.service.commissions
    if asked is None or _brings(reading):
        return False
    words = words_of(reading.wording)
    if any(word.text in _HOLDS_BACK for word in words):
        return False
    return any(_is_meant(place.first, words) for each in asked.nil_return for place in places(phrase(each), words))


def _is_meant(first: int, words: tuple[Word, ...]) -> bool:
    return not any(word.text in _UNSAYS or word.text.endswith("n't") for word in words[max(0, first - 3) : first])


def rows_of(text: str) -> tuple[tuple[str, str], ...]:
    """The lines "Name: value" of a return, a row of a table of two columns too."""
    return tuple((found[1].strip(), found[2].strip()) for line in text.splitlines() if (found := _ROW.fullmatch(line)))


def tables_of(text: str) -> tuple[tuple[str, ...], ...]:
    """The rows of tables of more than two columns."""
    cells = (tuple(cell.strip() for cell in line.split("\t")) for line in text.splitlines() if line.count("\t") > 1)
    return tuple(row for row in cells if any(row))


def _wants_time(reading: Reading, config: Config) -> bool:
    """Whether it asks for another day."""
    asked = config.service.commissions
    words = words_of(reading.wording)
    return any(next(places(phrase(each), words), None) for each in asked.more_time) if asked else False


def _only_asks(reading: Reading) -> bool:
    """Whether it is a question: nothing in it could be what was asked for."""
    text = reading.wording.strip()
    return text.endswith("?") and not any(char.isdigit() for char in text)


# ---- those who put the returns together


def _of_compiler(mail: _Mail) -> Said | None:
    """More time for units, a correction; what is no order is a note, and nobody outside hears it."""
    reading, parent = mail.reading, mail.parent
    if corrected := _correction(mail):
        refused = commands.may_command(reading, parent, mail.evidence, mail.config, mail.facts)
        said = None if refused else _return(mail, corrected, is_nil=says_nil(reading, mail.config), actor="agent")
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
    found = _CORRECTS.match(mail.reading.wording)
    rest = found["rest"].casefold() if found else ""
    named = (child for child in mail.found.children if re.match(re.escape(child.ticket.unit.casefold()) + r"\b", rest))
    return next(named, None)


def words_of_return(reply_text: str, unit: str) -> str:
    """What a return says: of a correction what follows the name of the unit."""
    found = _CORRECTS.match(reply_text)
    if found is None or not found["rest"].casefold().startswith(unit.casefold()):
        return reply_text.strip()
    return found["rest"][len(unit) :].lstrip(" :,;-–—\n").strip()


def read_extension(text: str, found: Commission, config: Config, dates: Dates) -> tuple[tuple[Child, ...], date | None]:
    """The units that the first sentence gives more time, and until which day: "Extend Aldermoor to Friday"."""
    sentence = text.strip()[: _SENTENCE.search(text.strip()).start()]  # type: ignore[union-attr]
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
    if deadline is not None and day > deadline.date():
        return f"that is after the deadline of the whole, {deadline.date().isoformat()}"
    return ""


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
