"""A request: it joins the ticket that has it already, or opens tickets of its own."""

from dataclasses import replace

from mailgate.model.config import Config, Mode
from mailgate.model.decision import Decision, Duplicate, FollowUp, Ignore, Intent, NewTicket, Order
from mailgate.model.facts import Post
from mailgate.model.reading import Classified, Match, Reading, Trace
from mailgate.model.ticket import Change, Draft, Event, Status, Ticket
from mailgate.rules import request
from mailgate.rules.classify import OTHER
from mailgate.stages.case import Case
from mailgate.tickets import answer, commission, duplicate, flood, late, thread
from mailgate.tickets.carried import MERGED

TOO_MANY = "too many came from its sender"


def new(case: Case) -> Decision:
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


def _collected(case: Case, why: str, trace: Trace) -> Decision:
    """One more than anybody may open (E136): it is kept in the ticket that collects such mails, and not answered."""
    domain, collecting = case.reading.sender_domain, case.facts.flood
    trace = (*trace, Match("flood", domain, effect=why))
    if collecting is not None:
        return case.decided(Ignore(why, collecting), trace, silent_because=TOO_MANY)
    draft = flood.collecting(case.reading, case.config, case.facts.now)
    events = (Event("flood", "mailgate", {"domain": domain, "why": why}),)
    return case.decided(NewTicket((draft,), collects=domain), trace, events=events, silent_because=TOO_MANY)


def opened(case: Case, asked: Reading, trace: Trace, changes: tuple[Change, ...], takes_along: Post) -> Decision:
    """What *asked* says as a request of its own, whatever else is there already."""
    silent = answer.silent_because(case.reading, case.config, case.facts)
    asks = not silent and _is_heard(asked, case.config)
    found = request.asked_for(asked, case.config)
    drafts, why = request.requests(found, asked, case.config, case.facts, asks=asks)
    return _opening(case, drafts, (*trace, *why), silent, changes, takes_along)


def _opening(
    case: Case,
    drafts: tuple[Draft, ...],
    trace: Trace,
    silent: str,
    changes: tuple[Change, ...] = (),
    takes_along: Post | None = None,
) -> Decision:
    drafts, begun = commission.opened(drafts, case.reading, case.config, case.facts)
    if linked := _linked(case):
        drafts = tuple(replace(draft, linked_to=linked) for draft in drafts)
    replies = () if silent else answer.acknowledgements(drafts, case.reading, case.config)
    if not replies and not silent:
        silent = "its priority is acknowledged quietly"
    mailboxes, parts = case.mailboxes, late.parts(case.reading, drafts, case.config, case.facts)
    events = case.event("sent to several mailboxes", {"mailboxes": mailboxes}) if len(mailboxes) > 1 else ()
    events += tuple(Event(MERGED, "mailgate", {"part": part.ref}) for part in parts)
    trace += tuple(Match("thread", part.ref, where="an answer that came first", effect="joins this") for part in parts)
    awaits = late.awaits(case.reading, case.facts)
    opens = NewTicket(drafts, takes_along, awaits=awaits, parts=parts)
    found = case.decided(opens, (*trace, *begun), changes, events, replies, silent)
    return replace(found, is_doubtful=True) if _only_claims(case) else found


def _unwanted(case: Case, found: Classified) -> Decision | None:
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


def _joined(case: Case, ticket: Ticket, draft: Draft, trace: Trace) -> Decision:
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


def _only_claims(case: Case) -> bool:
    """Whether the mail names an open ticket that its sender takes no part in, and that any colleague may know of."""
    claimed = next(iter(case.thread.claims), None)
    return case.ticket is None and claimed is not None and claimed.is_open and claimed.show_to is None


def _linked(case: Case) -> str | None:
    """The ticket that the mail names or answers but may not or can no longer join."""
    near = case.ticket or next(iter(case.thread.claims), None)
    return near.ref if near else None
