"""One mail with all that is known about it: what every stage of ``decide`` is handed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailgate.model.config import Config
from mailgate.model.decision import Decision, FollowUp, Intent, Outcome, Reply
from mailgate.model.facts import Facts
from mailgate.model.reading import Match, Reading, Trace
from mailgate.model.spans import Span
from mailgate.model.ticket import Change, Event, Ticket
from mailgate.rules import dates
from mailgate.rules.promise import calendar_of
from mailgate.sla.calendar import before, local_date
from mailgate.tickets import answer, commands, levelling, thread, timing


@dataclass(frozen=True, slots=True)
class Case:
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

    @property
    def mailboxes(self) -> list[str]:
        """All of ours that the mail came to: one of them has the ticket, which lists the others."""
        reached = (self.config.mailbox_of(address) for address in self.reading.envelope.recipients)
        return sorted({mailbox for mailbox in reached if mailbox})

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
        hears_why = hears_why or levelling.may_set(self.reading, self.config, self.facts)
        hears_why = hears_why or (evidence is not None and commands.manages(evidence, self.config, self.facts))
        if not own or not hears_why:
            replies, silent = (), "such an attempt is recorded, and not answered"
        events = self.event("command refused", {"why": why})
        return self.decided(FollowUp(ticket, Intent.NOTE), (*trace, found), (), events, replies, silent)
