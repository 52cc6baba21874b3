"""What should happen to a mail: the table of contents of mailgate's behaviour.

``read`` understands one mail by itself; ``decide`` adds what was looked up. Both are pure:
``explain`` and ``rehearse`` call the same functions as the running gateway. The first stage
of ``STAGES`` that has an answer decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailgate.ingest import authentic
from mailgate.model.config import Config, Mode
from mailgate.model.decision import (
    Absence,
    AutoReply,
    Bounce,
    Classified,
    Command,
    Decision,
    Duplicate,
    Evidence,
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
from mailgate.model.message import BOUNCES, NOTIFY, Envelope, Kind, Message, Verdict
from mailgate.model.spans import Span
from mailgate.model.ticket import ORDERED, Change, Draft, Event, Status, Ticket
from mailgate.rules import dates, extract, outcomes, request
from mailgate.rules.classify import OTHER
from mailgate.rules.promise import calendar_of
from mailgate.rules.ranking import STAGE
from mailgate.sla.calendar import before, local_date
from mailgate.tickets import (
    absence,
    answer,
    canary,
    commands,
    disguise,
    duplicate,
    effects,
    fingerprint,
    flood,
    lifecycle,
    marked,
    questions,
    reference,
    smalltalk,
    subject,
    thread,
    timing,
    unreachable,
    wishes,
)
from mailgate.tickets.orders import Ambiguous
from mailgate.tickets.token import tokens_in

TOO_MANY = "too many came from its sender"
LONGEST_WORDING = 200_000  # a book of 30,000 words: nobody typed what follows, and reading it would stop other mail

LONGEST_ORDER = 2_000  # characters in which an order names another ticket


def read(message: Message, envelope: Envelope, config: Config) -> Reading:
    """Understand one mail by itself: where it came to, who proved to have sent it, which facts it states."""
    reading = Reading(
        message=message,
        envelope=envelope,
        mailbox=None,
        verdict=Verdict.NONE,
        fingerprint=fingerprint.fingerprint(message),
        content=fingerprint.content(message),
    )
    return reread(reading, config)


def reread(reading: Reading, config: Config) -> Reading:
    """The mail of *reading* as *config* understands it; its fingerprints are those that it has."""
    service, message, envelope = config.service, reading.message, reading.envelope
    ids = (*message.in_reply_to, *reversed(message.references), message.header("x-ms-exchange-parent-message-id"))
    named = [to.address for to in (*message.to, *message.cc)]
    # of a mail that came back: where answers to it were to go (E141), as some relays write ids of their own over ours
    returned = message.returned_to if message.kind in BOUNCES else ()
    reading = replace(
        reading,
        mailbox=_mailbox(envelope, named, config),
        verdict=authentic.verdict(message, envelope, config),
        subject=subject.plain(message.subject, service.markings, service.reference),
        wording=message.reply_text[:LONGEST_WORDING],
        tokens=(
            *canary.claims(message),
            *tokens_in(
                (*envelope.recipients, *named, *message.delivered_to, *returned), ids, service.reference, reading.sender
            ),
        ),
        refs=reference.find(message.subject, service.reference),
        named=reference.find(message.reply_text[:LONGEST_ORDER], service.reference),
    )
    at = message.date or envelope.received_at
    is_old = request.has_old_subject(reading)
    found = extract.extract(reading.subject, reading.wording, is_old, config, at, message.struck)
    reading = replace(
        reading,
        keys=found.keys,
        fields=found.fields,
        as_written=found.as_written,
        suggestion=found.suggestion,
        loose_dates=tuple(date.value for date in found.dates),
    )
    return replace(
        reading, question=questions.question(reading, config), tells_absence=absence.is_told(reading, config)
    )


def asked_ahead(reading: Reading, config: Config) -> Reading:
    """*reading* with what it asks for where it seems to be a new request: most of the work, and no lock is held yet."""
    if reading.message.kind is not Kind.HUMAN or reading.tokens or reading.refs:
        return reading
    return replace(reading, asked=request.asked_for(reading, config))


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

    @property
    def own(self) -> Ticket | None:
        """The ticket that the mail itself answers, which may be part of ``ticket`` by now (E128)."""
        return (self.thread.evidence.part or self.ticket) if self.thread.evidence else None

    def decided(
        self,
        outcome: Outcome,
        trace: Trace = (),
        changes: tuple[Change, ...] = (),
        events: tuple[Event, ...] = (),
        replies: tuple[Reply, ...] = (),
        silent_because: str = "",
    ) -> Decision:
        changes = tuple(timing.timed(change, self.config, self.facts.now) for change in changes)
        found = Decision(
            outcome, self.config.version, (*self.thread.trace, *trace), changes, events, replies, silent_because
        )
        part = self.thread.evidence.part if self.thread.evidence else None
        if part is None or found.ticket is None or self.ticket is None or found.ticket.id != self.ticket.id:
            return found
        return replace(found, part=part)

    def event(self, what: str, data: Mapping[str, object] | None = None, actor: str = "sender") -> tuple[Event, ...]:
        """What happened, with its mark where the sender takes no part in the ticket so far (E121)."""
        marked = {**(data or {}), "new_participant": True} if self.thread.is_newcomer else data or {}
        return (Event(what, actor, marked, {"from": self.reading.sender}),)

    def earlier(self, span: Span) -> datetime:
        """*span* before now, in the default calendar's working time."""
        return before(self.facts.now, span, calendar_of(None, self.config))

    def first_date(self, text: str) -> date | None:
        """The first day that *text* names, told from the day the mail was written."""
        written = local_date(self.reading.message.date or self.facts.now, calendar_of(None, self.config))
        return next((found.day for found in dates.find_dates(dates.plain(text), written)), None)

    def answered(self, message: str, fields: Mapping[str, str] | None = None) -> tuple[tuple[Reply, ...], str]:
        """The automatic answer *message* to the sender, or why there is none (E134)."""
        if silent := answer.silent_because(self.reading, self.config, self.facts):
            return (), silent
        reply = answer.to(self.reading.sender, message, self.config, fields)
        part = self.thread.evidence.part if self.thread.evidence else None
        return (replace(reply, ticket=part) if part else reply,), ""

    def refused(self, ticket: Ticket, why: str, trace: Trace, message: str = "refused") -> Decision:
        """An order that does not run: kept as a note. The team hears why; nobody else's attempt is answered (E186)."""
        found = Match("command", "refused", effect=why)
        replies, silent = self.answered(message, {"why": why})
        evidence = self.thread.evidence
        own = evidence is not None and evidence.mailed_to.lower() in ("", self.reading.sender)
        hears_why = thread.is_staff_of(ticket, self.reading, self.config, self.facts)
        hears_why = hears_why or (evidence is not None and commands.manages(evidence, self.config, self.facts))
        if not own or not hears_why:
            replies, silent = (), "such an attempt is recorded, and not answered"
        events = self.event("command refused", {"why": why})
        return self.decided(FollowUp(ticket, Intent.NOTE), (*trace, found), (), events, replies, silent)


def decide(reading: Reading, config: Config, facts: Facts) -> Decision:
    """What should happen to the mail, and why; nothing is changed or sent here."""
    case = _Case(reading, config, facts, thread.joins(reading, config, facts))
    decision = next(decision for stage in STAGES if (decision := stage(case)) is not None)
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


def _holds_files(case: _Case, decision: Decision) -> bool:
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


# ---- mail that nobody wrote


def _canary(case: _Case) -> Decision | None:
    """Our own mail that shows that the way here works: it is noted, and nothing else ever happens to it."""
    if case.facts.canary is None:
        return None
    why = "it is our canary"
    return case.decided(Ignore(why), (Match("canary", "signed by us", effect=why),))


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
    if message.kind not in BOUNCES and (why := _only_machines(case)):
        found = (Match("kind", Kind.AUTO_REPLY, effect=why),)
        return case.decided(AutoReply(case.ticket), found, events=case.event("automatic reply received"))
    if message.kind is Kind.AUTO_REPLY:
        if case.ticket is None and _by_rule(case):
            return None
        if case.ticket and (away := absence.of_responder(case.reading, case.ticket, case.config, case.facts)):
            return _away(case, AutoReply(case.ticket), case.ticket, away, found)
        return case.decided(AutoReply(case.ticket), found, events=case.event("automatic reply received"))
    if message.kind in BOUNCES:
        about = thread.about(case.facts)
        ticket = about.ticket if about else None
        failed = next(iter((*case.facts.came_back, *message.bounce_recipients)), None)
        event = Event("our mail could not be delivered", "mail system", {"kind": message.kind}, {"recipient": failed})
        replies = unreachable.told(about, case.facts, case.config) if about else ()
        return case.decided(Bounce(ticket, failed), found, events=(event,), replies=replies)
    if message.kind in (Kind.HUMAN, Kind.LIST, Kind.CALENDAR):
        return None
    return case.decided(Ignore(f"its kind is {message.kind}", case.ticket), found, events=case.event(message.kind))


def _only_machines(case: _Case) -> str:
    """Why nobody wrote it by hand, though nothing in the mail says so; "" where somebody may have."""
    if case.facts.at_return_path:
        return "only machines write to the return path of a mail"
    if case.ticket is not None and case.reading.sender_domain == NOTIFY:
        return "it answers a mail of ours by GOV.UK Notify"
    return ""


def _bulk(case: _Case) -> Decision | None:
    """Lists and invitations are kept and ignored, unless a rule (for an invitation: or a phrase) names a task.

    An alarm that comes again is no second ticket (E153).
    """
    message = case.reading.message
    if message.kind is Kind.HUMAN:
        return None
    if opened := _by_rule(case):
        return _resent(case) or opened
    found = (Match("kind", message.kind, message.kind_why),)
    return case.decided(Ignore(f"its kind is {message.kind}"), found)


def _by_rule(case: _Case) -> Decision | None:
    """The ticket for a mail that no person wrote, a monitoring system's too, where a rule names a task (E93, 7.2)."""
    kind = case.reading.message.kind
    asked = request.asked_for(case.reading, case.config)
    drafts, trace = request.requests(asked, case.reading, case.config, case.facts, asks=False)
    by_rule = any(match.stage == outcomes.STAGE and "task:" in match.effect for match in trace)
    by_phrase = kind is Kind.CALENDAR and any(match.stage == STAGE and match.words for match in trace)
    if not by_rule and not by_phrase:
        return None
    return case.decided(NewTicket(drafts), trace, silent_because=f"it is not a person's mail ({kind})")


# ---- mail that is there already, or belongs to a ticket


def _copy(case: _Case) -> Decision | None:
    """The same mail by another road (E151): one ticket, no second answer."""
    known, trace = duplicate.same_mail(case.reading, case.facts)
    if known is None:
        return None
    events = case.event("another copy arrived", {"mailboxes": _mailboxes(case)})
    found = case.decided(Duplicate(known.ticket), trace, events=events, silent_because="it is a copy")
    return replace(found, part=known.part)


def _resent(case: _Case) -> Decision | None:
    """The same words again (E153). An order is none: "Done" may be meant, and allowed, the second time only (E187)."""
    known, trace = duplicate.resent(case.reading, case.facts)
    if known is None:
        return None
    events = case.event("sent again")
    found = case.decided(Duplicate(known.ticket), trace, events=events, silent_because="it was sent before")
    return replace(found, part=known.part)


def _question(case: _Case) -> Decision | None:
    """A list for whoever asks for one: it changes nothing, so verdict and role are enough."""
    question, listing = case.reading.question, case.facts.listing
    if question is None or listing is None:
        return None
    found = (Match("question", question.kind, effect=f"lists {len(listing.tickets)} tickets"),)
    silent = answer.silent_because(case.reading, case.config, case.facts)
    reply = answer.listing(case.reading.sender, question.kind, listing, case.config)
    return case.decided(Ignore("it asks for a list"), found, replies=() if silent else (reply,), silent_because=silent)


def _command(case: _Case) -> Decision | None:
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
        return _away(case, Command(whole, order), whole, away, trace)
    refused = refused or commands.may_concern(order, ticket, reading, config, facts)
    change = refused or effects.of_order(ticket, order, reading, config, facts)
    if not isinstance(change, str):
        change = commands.may_repeat(order, ticket, evidence, reading, facts) or change
    if isinstance(change, str):
        return case.refused(whole, change, trace)
    if order.do in marked.WRITTEN and (why := marked.why_kept(ticket, reading, evidence, config)):
        return case.refused(whole, why, trace, marked.CONFIRM)
    timed = timing.timed(change, config, facts.now)
    replies = answer.of_order(ticket, change, order, reading, config, facts.now)
    changes = (change, *effects.alongside(order, change, facts.named.get(order.to or "", whole)))
    happened = (_ordered(change, timed, order, evidence, reading),)
    return case.decided(Command(ticket, order), trace, changes, happened, replies)


def _ordered(change: Change, timed: Change, order: Order, evidence: Evidence, reading: Reading) -> Event:
    """The event by which ``undo`` and E187 know the order; *timed* is the change with what it does to the clocks."""
    said, private = effects.said_of(order, change)
    public, personal = effects.before(timed)
    data = {**said, "answers": evidence.serial, **({"before": public} if public else {})}
    named = {"from": reading.sender, **private, **({"before": personal} if personal else {})}
    return Event(ORDERED, "agent", data, named)


def _away(case: _Case, outcome: Command | AutoReply, ticket: Ticket, away: Absence, trace: Trace) -> Decision:
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


def _separated(case: _Case) -> Decision | None:
    """What had joined a ticket is a request of its own after all (E158): its sender says so, or names another date."""
    reading, config, facts = case.reading, case.config, case.facts
    evidence, joined = case.thread.evidence, facts.joined
    if evidence is None or joined is None or joined.ref != evidence.ticket.ref:
        return None
    if not wishes.is_proved(reading, evidence):
        return None
    first = reread(joined.reading, config)
    drafts, _ = request.requests(request.asked_for(first, config), first, config, facts, asks=False)
    order, trace = wishes.read_wish(reading, evidence.ticket, config, case.first_date)
    if order is None or order.do != wishes.SEPARATE:
        trace = wishes.other_date(reading, drafts[0], joined.before, config)
    if not trace:
        return None
    change = wishes.without(evidence.ticket, drafts[0], joined.before)
    return _opened(case, wishes.both(first, reading), trace, (change,), takes_along=joined.mail_id)


def _cancelled(case: _Case) -> Decision | None:
    """A requester no longer needs it; what others wait for as well stays, with a note."""
    reading, config, evidence = case.reading, case.config, case.thread.evidence
    if evidence is None or not wishes.is_proved(reading, evidence):
        return None
    ticket = evidence.ticket
    order, trace = wishes.read_wish(reading, ticket, config, case.first_date)
    status = lifecycle.after(ticket, lifecycle.Happened.CANCELLED)
    if order is None or order.do != wishes.CANCEL or status is None or not wishes.may_cancel(ticket, reading.sender):
        return None
    change = Change(ticket, status=status, closed_at=case.facts.now)
    replies = answer.of_change(ticket, lifecycle.told(ticket.status, status), order, config, case.facts.now)
    events = case.event("command", {"do": order.do, "status": status}, actor="requester")
    return case.decided(Command(ticket, order), trace, (change,), events, replies)


def _small_talk(case: _Case) -> Decision | None:
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
    replies, silent = case.answered("status", {"status": ticket.status, "waiting_for": ticket.waiting_for or ""})
    if case.reading.sender not in ticket.participants and not thread.is_colleague(case.reading, case.config):
        replies, silent = (), "its sender takes no part in the ticket"
    outcome = FollowUp(ticket, Intent.CHASER)
    return case.decided(outcome, (*trace, *found), (), case.event("chased"), replies, silent)


def _follow_up(case: _Case) -> Decision | None:
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
    return case.decided(FollowUp(ticket, found.intent, found.brings), (), changes, events, replies, silent)


def _to_part(case: _Case) -> tuple[Change, ...]:
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


# ---- a request


def _request(case: _Case) -> Decision:
    """A new request: it joins the ticket that has it already (E156a), or opens one for each thing it asks."""
    reading, facts, config = case.reading, case.facts, case.config
    found = reading.asked or request.asked_for(reading, config)
    if (unwanted := _unwanted(case, found)) is not None:
        return unwanted
    silent = answer.silent_because(reading, config, facts)
    drafts, trace = request.requests(found, reading, config, facts, asks=not silent and _is_heard(reading, config))
    since = case.earlier(config.service.defaults.duplicates_within)
    if len(drafts) == 1:
        known, why = duplicate.same_request(reading, drafts[0], config, facts, since)
        trace = (*trace, *why)
        if known is not None:
            return _joined(case, known, drafts[0], trace)
    if why_not := flood.why_too_many(reading, config, facts):
        return _collected(case, why_not, trace)
    return _opening(case, drafts, trace, silent)


def _collected(case: _Case, why: str, trace: Trace) -> Decision:
    """One more than anybody may open (E136): it is kept in the ticket that collects such mails, and not answered."""
    domain, collecting = case.reading.sender_domain, case.facts.flood
    trace = (*trace, Match("flood", domain, effect=why))
    if collecting is not None:
        return case.decided(Ignore(why, collecting), trace, silent_because=TOO_MANY)
    draft = flood.collecting(case.reading, case.config, case.facts.now)
    events = (Event("flood", "mailgate", {"domain": domain, "why": why}),)
    return case.decided(NewTicket((draft,), collects=domain), trace, events=events, silent_because=TOO_MANY)


def _opened(case: _Case, asked: Reading, trace: Trace, changes: tuple[Change, ...], takes_along: int) -> Decision:
    """What *asked* says as a request of its own, whatever else is there already."""
    silent = answer.silent_because(case.reading, case.config, case.facts)
    asks = not silent and _is_heard(asked, case.config)
    found = request.asked_for(asked, case.config)
    drafts, why = request.requests(found, asked, case.config, case.facts, asks=asks)
    return _opening(case, drafts, (*trace, *why), silent, changes, takes_along)


def _opening(
    case: _Case,
    drafts: tuple[Draft, ...],
    trace: Trace,
    silent: str,
    changes: tuple[Change, ...] = (),
    takes_along: int | None = None,
) -> Decision:
    if linked := _linked(case):
        drafts = tuple(replace(draft, linked_to=linked) for draft in drafts)
    replies = () if silent else answer.acknowledgements(drafts, case.reading, case.config)
    if not replies and not silent:
        silent = "its priority is acknowledged quietly"
    mailboxes = _mailboxes(case)
    events = case.event("sent to several mailboxes", {"mailboxes": mailboxes}) if len(mailboxes) > 1 else ()
    return case.decided(NewTicket(drafts, takes_along), trace, changes, events, replies, silent)


def _mailboxes(case: _Case) -> list[str]:
    """All of ours that the mail came to: one of them has the ticket, which lists the others."""
    reached = (case.config.mailbox_of(address) for address in case.reading.envelope.recipients)
    return sorted({mailbox for mailbox in reached if mailbox})


def _unwanted(case: _Case, found: Classified) -> Decision | None:
    """A mail that only says what is not wanted goes to the open ticket that would do it: a person has to see it."""
    reading, config = case.reading, case.config
    asks_for_something = found.task is not None and not found.task.endswith(f".{OTHER}")
    if not found.refused or asks_for_something or not thread.is_verified(reading):
        return None
    unwanted = [
        ticket
        for ticket in case.facts.same_case
        if ticket.is_open and ticket.task in found.refused and set(reading.keys) & set(ticket.keys)
        if reading.sender in ticket.participants or thread.is_colleague(reading, config)
        if thread.admits(ticket, reading, config, case.facts)
    ]
    if not unwanted:
        return None
    ticket = max(unwanted, key=lambda ticket: ticket.received_at)
    events, silent = case.event("not wanted", {"task": ticket.task}), "a note changes nothing that needs telling"
    return case.decided(FollowUp(ticket, Intent.NOTE), found.matches, events=events, silent_because=silent)


def _joined(case: _Case, ticket: Ticket, draft: Draft, trace: Trace) -> Decision:
    """A colleague's same request: its new facts fill in, its sender watches, and hears the reference and the date.

    Of a ticket that is done it asks again: that is reopened, so that somebody looks whether it is.
    """
    change = Change(
        ticket,
        status=None if ticket.is_open else Status.OPEN,
        watcher=None if case.reading.sender in ticket.participants else case.reading.sender,
        fields={**draft.fields, **ticket.fields},
        missing=tuple(name for name in ticket.missing if name not in draft.fields),
    )
    asks = (case.config.asks(name) for name in duplicate.unsaid(draft, ticket, case.config))
    said = {"asks": "; ".join(asks), "done_on": ticket.closed_at.isoformat() if ticket.closed_at else ""}
    replies, silent = case.answered("duplicate", said)
    if not ticket.is_open and case.reading.sender != ticket.requester:
        replies += answer.of_change(ticket, "reopened", Order("reopen"), case.config, case.facts.now)
    return case.decided(Duplicate(ticket), trace, (change,), case.event("same request again"), replies, silent)


def _is_heard(reading: Reading, config: Config) -> bool:
    """Whether what is asked reaches anybody: files are fed in silently, and a mailbox may only observe."""
    mailbox = config.service.mailboxes.get(reading.mailbox or "")
    return not reading.envelope.silent and (mailbox is None or mailbox.mode is Mode.LIVE)


def _linked(case: _Case) -> str | None:
    """The ticket that the mail names or answers but may not or can no longer join."""
    near = case.ticket or next(iter(case.thread.claims), None)
    return near.ref if near else None


STAGES: tuple[Callable[[_Case], Decision | None], ...] = (
    _canary,
    _own,
    _automatic,
    _copy,
    _bulk,
    _question,
    _separated,
    _command,
    _cancelled,
    _resent,
    _small_talk,
    _follow_up,
    _request,
)
