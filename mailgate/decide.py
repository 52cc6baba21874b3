"""What should happen to a mail: the table of contents of mailgate's behaviour.

``read`` understands one mail by itself; ``decide`` adds what was looked up. Both are pure:
``explain`` and ``rehearse`` call the same functions as the running gateway. The first stage
of ``STAGES`` that has an answer decides.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailgate.ingest import authentic
from mailgate.model.config import Calendar, Config
from mailgate.model.decision import (
    AutoReply,
    Bounce,
    Command,
    Decision,
    Duplicate,
    Facts,
    FollowUp,
    Ignore,
    Intent,
    Match,
    NewTicket,
    Order,
    Outcome,
    Reading,
    Reply,
    Trace,
)
from mailgate.model.message import BOUNCES, Envelope, Kind, Message, Verdict
from mailgate.model.spans import Span
from mailgate.model.ticket import Change, Draft, Event, Status, Ticket, WaitingFor
from mailgate.rules import dates, extract, needs, request
from mailgate.rules.classify import classify
from mailgate.rules.request import calendar_of
from mailgate.sla.calendar import before, due, local_date
from mailgate.sla.clock import resumed
from mailgate.tickets import answer, commands, duplicate, fingerprint, lifecycle, reference, smalltalk, subject, thread
from mailgate.tickets.lifecycle import Happened
from mailgate.tickets.orders import Ambiguous
from mailgate.tickets.token import tokens_in


def read(message: Message, envelope: Envelope, config: Config) -> Reading:
    """Understand one mail by itself: where it came to, who proved to have sent it, which facts it states."""
    service = config.service
    ids = (*message.in_reply_to, *reversed(message.references), message.header("x-ms-exchange-parent-message-id"))
    named = [to.address for to in (*message.to, *message.cc)]
    reading = Reading(
        message=message,
        envelope=envelope,
        mailbox=_mailbox(envelope, named, config),
        verdict=authentic.verdict(message, envelope, config),
        subject=subject.plain(message.subject, service.markings, service.reference),
        wording=message.reply_text,
        fingerprint=fingerprint.fingerprint(message),
        content=fingerprint.content(message),
        tokens=tokens_in((*envelope.recipients, *named, *message.delivered_to), ids, service.reference),
        refs=reference.find(message.subject, service.reference),
    )
    at = message.date or envelope.received_at
    is_old = request.has_old_subject(reading)
    found = extract.extract(reading.subject, reading.wording, is_old, config, at, message.struck)
    return replace(
        reading,
        keys=found.keys,
        fields=found.fields,
        as_written=found.as_written,
        suggestion=found.suggestion,
        loose_dates=tuple(date.value for date in found.dates),
    )


def _mailbox(envelope: Envelope, named: list[str], config: Config) -> str | None:
    """The mailbox it came to: of several the first in To, then in Cc; None for an answer to ``send_from``."""
    reached = {address: config.mailbox_of(address) for address in envelope.recipients}
    mailboxes = [mailbox for mailbox in reached.values() if mailbox]
    visible = (config.mailbox_of(address) for address in named)
    return next((mailbox for mailbox in visible if mailbox in mailboxes), mailboxes[0] if mailboxes else None)


@dataclass(frozen=True, slots=True)
class _Case:
    """One mail with all that is known about it, and where its thread leads."""

    reading: Reading
    config: Config
    facts: Facts
    thread: thread.Thread

    @property
    def ticket(self) -> Ticket | None:
        return self.thread.evidence.ticket if self.thread.evidence else None

    def decided(
        self,
        outcome: Outcome,
        trace: Trace = (),
        changes: tuple[Change, ...] = (),
        events: tuple[Event, ...] = (),
        replies: tuple[Reply, ...] = (),
        silent_because: str = "",
    ) -> Decision:
        return Decision(
            outcome, self.config.version, (*self.thread.trace, *trace), changes, events, replies, silent_because
        )

    def event(self, what: str, data: Mapping[str, object] | None = None, actor: str = "sender") -> tuple[Event, ...]:
        return (Event(what, actor, data or {}, {"from": self.reading.sender}),)

    @property
    def calendar(self) -> Calendar:
        return calendar_of(None, self.config)

    def earlier(self, span: Span) -> datetime:
        """*span* before now, in the default calendar's working time."""
        return before(self.facts.now, span, self.calendar)

    def answered(self, message: str) -> tuple[tuple[Reply, ...], str]:
        """The automatic answer *message* to the sender, or why there is none (E134)."""
        if silent := answer.silent_because(self.reading, self.config, self.facts):
            return (), silent
        return (_reply(message, self.reading.sender, self.config),), ""


def decide(reading: Reading, config: Config, facts: Facts) -> Decision:
    """What should happen to the mail, and why; nothing is changed or sent here."""
    case = _Case(reading, config, facts, thread.joins(reading, config, facts))
    return next(decision for stage in STAGES if (decision := stage(case)) is not None)


# ---- mail that nobody wrote


def _own(case: _Case) -> Decision | None:
    """Our own mail coming back (E130): filed, and never answered."""
    ours = case.config.accepts(case.reading.sender) and case.reading.verdict is not Verdict.INTERNAL
    if not ours and not case.facts.is_own:
        return None
    why = "it is a mail of our own" if case.facts.is_own else "it claims to come from one of our addresses"
    return case.decided(Ignore(why), (Match("kind", Kind.OWN_LOOP, effect=why),))


def _automatic(case: _Case) -> Decision | None:
    message = case.reading.message
    found = (Match("kind", message.kind, message.kind_why),)
    if message.kind is Kind.AUTO_REPLY:
        return case.decided(AutoReply(case.ticket), found, events=case.event("automatic reply received"))
    if message.kind in BOUNCES:
        about = thread.about(case.facts)
        failed = message.bounce_recipients[0] if message.bounce_recipients else None
        event = Event("our mail could not be delivered", "mail system", {"kind": message.kind}, {"recipient": failed})
        return case.decided(Bounce(about.ticket if about else None, failed), found, events=(event,))
    if message.kind in (Kind.HUMAN, Kind.LIST, Kind.CALENDAR):
        return None
    return case.decided(Ignore(f"its kind is {message.kind}", case.ticket), found, events=case.event(message.kind))


def _bulk(case: _Case) -> Decision | None:
    """Lists and invitations are kept and ignored, unless a rule (for an invitation: or a phrase) names a task."""
    message = case.reading.message
    if message.kind is Kind.HUMAN:
        return None
    drafts, trace = request.requests(case.reading, case.config, case.facts)
    by_rule = any(match.stage == "rule" and "task" in match.effect for match in trace)
    by_phrase = message.kind is Kind.CALENDAR and any(match.stage == "phrase" for match in trace)
    if by_rule or by_phrase:
        return case.decided(NewTicket(drafts), trace, silent_because=f"it is not a person's mail ({message.kind})")
    return case.decided(Ignore(f"its kind is {message.kind}"), (Match("kind", message.kind, message.kind_why),))


# ---- mail that is there already, or belongs to a ticket


def _copy(case: _Case) -> Decision | None:
    """The same mail by another road (E151), or sent again (E153): one ticket, no second answer."""
    known, trace = duplicate.same_mail(case.reading, case.facts)
    what = "another copy arrived"
    if known is None:
        known, trace = duplicate.resent(case.reading, case.facts)
        what = "sent again"
    if known is None:
        return None
    return case.decided(Duplicate(known.ticket), trace, events=case.event(what), silent_because="it is a copy")


def _command(case: _Case) -> Decision | None:
    """What an agent orders by reply (E111, E186)."""
    evidence = case.thread.evidence
    if evidence is None or not thread.is_staff_of(evidence.ticket, case.reading, case.config, case.facts):
        return None
    ticket, written = evidence.ticket, local_date(case.reading.message.date or case.facts.now, case.calendar)

    def first_date(text: str) -> date | None:
        return next((found.day for found in dates.find_dates(dates.plain(text), written)), None)

    order, trace = commands.read_order(case.reading, ticket, case.config, first_date, case.facts.colleagues)
    if order is None:
        return None
    change, refused = None, commands.may_command(case.reading, ticket, evidence, case.config, case.facts)
    if not refused:
        change, refused = _ordered(case, ticket, order)
    if change is None or isinstance(order, Ambiguous):
        found = Match("command", "refused", effect=refused)
        event = case.event("command refused", {"why": refused})
        return case.decided(FollowUp(ticket, Intent.NOTE), (*trace, found), events=event)
    told = lifecycle.told(ticket.status, change.status or ticket.status)
    replies = (_told(ticket, told, order, case.config, case.facts.now),) if told else ()
    data = {"do": order.do, "to": order.to, "status": change.status, "until": order.until and order.until.isoformat()}
    event = case.event("command", data, actor="agent")
    return case.decided(Command(ticket, order), trace, (change,), event, replies)


def _ordered(case: _Case, ticket: Ticket, order: Order | Ambiguous) -> tuple[Change | None, str]:
    """What the order changes; None, and why, where it cannot be done to the ticket as it is."""
    if isinstance(order, Ambiguous):
        return None, order.why
    if order.do not in ORDERS:
        return None, f"{order.do} cannot be ordered by mail yet"
    if order.do == "assign" and order.to not in {person.address for person in case.facts.colleagues}:
        return None, "nobody of that address is in the ticket's team"
    happened = ORDERS[order.do]
    status = lifecycle.after(ticket, happened) if happened else ticket.status
    if status is None:
        return None, f"the ticket is {ticket.status} already"
    change = Change(ticket, status=status)
    match order.do:
        case "done" | "cancel":
            return replace(change, closed_at=case.facts.now), ""
        case "take":
            return replace(change, assignee=case.reading.sender), ""
        case "waiting":
            return replace(change, waiting_for=WaitingFor.THIRD_PARTY), ""
        case "assign":
            return replace(change, assignee=order.to), ""
        case "move":
            return _moved(case, change, order.to or ""), ""
    return change, ""


def _moved(case: _Case, change: Change, to: str) -> Change:
    """To a category, and the task of it that the order names, or to a team as it is."""
    category = case.config.service.categories.get(to)
    if category is None:
        return replace(change, team=to)
    named = classify("", case.reading.wording, None, case.config)
    task = named.task if named.category == to else f"{to}.other"
    return replace(change, category=to, task=task, team=category.team or change.ticket.team)


def _small_talk(case: _Case) -> Decision | None:
    """Thanks close nothing and wake nobody; a chaser is answered by the gateway itself."""
    intent, trace = smalltalk.intent(case.reading, case.config)
    if intent is Intent.THANKS and case.ticket is not None:
        event = case.event("thanks received")
        return case.decided(Ignore("it only says thank you", case.ticket, intent), trace, events=event)
    if intent is not Intent.CHASER or _answers(case):
        return None
    ticket, found = case.ticket, Trace()
    if ticket is None:
        ticket, found = smalltalk.chased_ticket(case.reading, case.config, case.facts)
    if ticket is None:
        return None
    replies, silent = case.answered("status")
    mine = case.reading.sender in ticket.participants
    replies = tuple(replace(reply, fields=_status_fields(ticket)) for reply in replies) if mine else ()
    return case.decided(
        FollowUp(ticket, intent), (*trace, *found), events=case.event("chased"), replies=replies, silent_because=silent
    )


def _follow_up(case: _Case) -> Decision | None:
    """A person's answer in the thread: it moves the ticket, fills what was missing, reopens what was closed."""
    ticket, reading = case.ticket, case.reading
    if ticket is None:
        return None
    if not ticket.is_open and not lifecycle.reopens(ticket, case.earlier(case.config.service.defaults.reopen_within)):
        return None
    is_third_party = ticket.waiting_for is WaitingFor.THIRD_PARTY and reading.sender != ticket.requester
    happened = Happened.THIRD_PARTY_REPLIED if is_third_party else Happened.REQUESTER_REPLIED
    answers = _answers(case)
    missing = tuple(name for name in ticket.missing if name not in answers)
    intent = _intent(ticket, answers, third_party=is_third_party)
    status = lifecycle.after(ticket, happened) or ticket.status
    if missing and ticket.waiting_for is WaitingFor.REQUESTER:
        status = ticket.status
    change = Change(
        ticket,
        status=status,
        due_at=_resumed(case, ticket, status),
        waiting_for=ticket.waiting_for if status is Status.WAITING else None,
        missing=missing,
        fields={**ticket.fields, **{name: values for name, values in answers.items() if name != case.config.key_name}},
        keys=ticket.keys or answers.get(case.config.key_name or "", ()),
    )
    told = lifecycle.told(ticket.status, status)
    replies, silent = case.answered(told) if told else ((), "a note changes nothing that needs telling")
    events = case.event("follow-up", {"intent": intent, "status": status, "answers": sorted(answers)})
    return case.decided(FollowUp(ticket, intent, answers), (), (change,), events, replies, silent)


def _resumed(case: _Case, ticket: Ticket, status: Status) -> datetime | None:
    """The new time to finish where the wait for the requester ends: later by the working time that passed."""
    if ticket.waiting_for is not WaitingFor.REQUESTER or status is Status.WAITING:
        return None
    if ticket.due_at is None or ticket.waiting_since is None:
        return None
    return resumed(ticket.due_at, ticket.waiting_since, case.facts.now, calendar_of(ticket.team, case.config))


def _answers(case: _Case) -> dict[str, tuple[str, ...]]:
    """What the mail states of that which its ticket still lacks."""
    if case.ticket is None or not case.ticket.missing:
        return {}
    reading, key = case.reading, case.config.key_name
    said = {**reading.fields, key: reading.keys} if key else reading.fields
    told = needs.stated(case.ticket.task, said, reading.loose_dates, case.config).fields
    return {name: values for name in case.ticket.missing if (values := told.get(name))}


def _intent(ticket: Ticket, answers: Mapping[str, tuple[str, ...]], *, third_party: bool) -> Intent:
    if third_party:
        return Intent.THIRD_PARTY_REPLY
    if not ticket.is_open:
        return Intent.REOPEN
    return Intent.ANSWERS_QUESTION if answers else Intent.NOTE


# ---- a request


def _request(case: _Case) -> Decision:
    """A new request: it joins the ticket that has it already (E156a), or opens one for each thing it asks."""
    reading, facts, config = case.reading, case.facts, case.config
    drafts, trace = request.requests(reading, config, facts)
    since = case.earlier(config.service.defaults.duplicates_within)
    if len(drafts) == 1:
        known, found = duplicate.same_request(reading, drafts[0], config, facts, since)
        trace = (*trace, *found)
        if known is not None:
            return _joined(case, known, drafts[0], trace)
    drafts = tuple(replace(draft, linked_to=_linked(case)) for draft in drafts)
    silent = answer.silent_because(reading, config, facts)
    replies = () if silent else tuple(_acknowledgements(drafts, reading, config))
    if not replies and not silent:
        silent = "its priority is acknowledged quietly"
    return case.decided(NewTicket(drafts), trace, replies=replies, silent_because=silent)


def _joined(case: _Case, ticket: Ticket, draft: Draft, trace: Trace) -> Decision:
    """A colleague's same request: its new facts fill in, its sender watches, and hears the reference and the date."""
    missing = tuple(name for name in ticket.missing if name not in draft.fields)
    watcher = None if case.reading.sender in ticket.participants else case.reading.sender
    fields = {**draft.fields, **ticket.fields}
    change = Change(ticket, watcher=watcher, fields=fields, missing=missing)
    replies, silent = case.answered("duplicate")
    return case.decided(Duplicate(ticket), trace, (change,), case.event("same request again"), replies, silent)


def _linked(case: _Case) -> str | None:
    """The ticket that the mail names or answers but may not or can no longer join."""
    near = case.ticket or next(iter(case.thread.claims), None)
    return near.ref if near else None


def _acknowledgements(drafts: tuple[Draft, ...], reading: Reading, config: Config) -> Iterator[Reply]:
    """One for each new ticket: what is missing, or that it was received."""
    for number, draft in enumerate(drafts):
        message = "more_needed" if draft.missing else "received"
        if message == "more_needed" or draft.priority not in config.service.messages.quiet_for:
            yield replace(_reply(message, reading.sender, config), draft=number)


def _reply(message: str, to: str, config: Config) -> Reply:
    return Reply(message, to, internal=config.is_ours(to.rpartition("@")[2]))


def _told(ticket: Ticket, message: str, order: Order, config: Config, now: datetime) -> Reply:
    """What the requester hears of a change that an agent made."""
    fields = {"until": order.until.isoformat()} if order.until else {}
    if message == "on_hold":
        fields["waiting_for"] = WaitingFor.THIRD_PARTY
    if message in ("done", "cancelled"):
        fields["reopen_by"] = due(now, config.service.defaults.reopen_within, calendar_of(None, config)).isoformat()
    return replace(_reply(message, ticket.requester, config), fields=fields)


def _status_fields(ticket: Ticket) -> dict[str, str]:
    return {"status": ticket.status, "waiting_for": ticket.waiting_for or ""}


STAGES: tuple[Callable[[_Case], Decision | None], ...] = (
    _own,
    _automatic,
    _copy,
    _bulk,
    _command,
    _small_talk,
    _follow_up,
    _request,
)

ORDERS: Mapping[str, Happened | None] = {
    "done": Happened.DONE,
    "take": Happened.TAKEN,
    "waiting": Happened.PUT_ON_HOLD,
    "cancel": Happened.CANCELLED,
    "reopen": Happened.REOPENED,
    "assign": None,
    "move": None,
}
"""The commands that an agent can give, and what each does to the ticket's status."""
