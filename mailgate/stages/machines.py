"""Mail that nobody wrote: our own, automatic replies, bounces, lists and alarms."""

from mailgate.model.decision import AutoReply, Bounce, Decision, Ignore, NewTicket
from mailgate.model.message import BOUNCES, NOTIFY, Kind, Verdict
from mailgate.model.reading import Match
from mailgate.model.ticket import Event
from mailgate.rules import outcomes, request
from mailgate.rules.ranking import STAGE
from mailgate.stages.case import Case
from mailgate.stages.known import resent
from mailgate.stages.orders import handed_over
from mailgate.tickets import absence, thread, unreachable


def canary(case: Case) -> Decision | None:
    """Our own mail that shows that the way here works: it is noted, and nothing else ever happens to it."""
    if case.facts.canary is None:
        return None
    why = "it is our canary"
    return case.decided(Ignore(why), (Match("canary", "signed by us", effect=why),))


def own(case: Case) -> Decision | None:
    """Our own mail coming back (E130): filed, and never answered."""
    ours = case.config.accepts(case.reading.sender) and case.reading.verdict is not Verdict.INTERNAL
    if not ours and not case.facts.is_own:
        return None
    why = "it is a mail of our own" if case.facts.is_own else "it claims to come from one of our addresses"
    return case.decided(Ignore(why), (Match("kind", Kind.OWN_LOOP, effect=why),))


def automatic(case: Case) -> Decision | None:
    """Automatic replies and bounces are noted where they belong, and never answered; an absence hands over work."""
    message = case.reading.message
    found = (Match("kind", message.kind, message.kind_why),)
    if message.kind not in BOUNCES and (why := _only_machines(case)):
        found = (Match("kind", Kind.AUTO_REPLY, effect=why),)
        return case.decided(AutoReply(case.ticket), found, events=case.event("automatic reply received"))
    if message.kind is Kind.AUTO_REPLY:
        if case.ticket is None and _by_rule(case):
            return None
        if case.ticket and (away := absence.of_responder(case.reading, case.ticket, case.config, case.facts)):
            return handed_over(case, AutoReply(case.ticket), case.ticket, away, found)
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


def _only_machines(case: Case) -> str:
    """Why nobody wrote it by hand, though nothing in the mail says so; "" where somebody may have."""
    if case.facts.at_return_path:
        return "only machines write to the return path of a mail"
    if case.ticket is not None and case.reading.sender_domain == NOTIFY:
        return "it answers a mail of ours by GOV.UK Notify"
    return ""


def bulk(case: Case) -> Decision | None:
    """Lists and invitations are kept and ignored, unless a rule (for an invitation: or a phrase) names a task.

    An alarm that comes again is no second ticket (E153).
    """
    message = case.reading.message
    if message.kind is Kind.HUMAN:
        return None
    if opened := _by_rule(case):
        return resent(case) or opened
    found = (Match("kind", message.kind, message.kind_why),)
    return case.decided(Ignore(f"its kind is {message.kind}"), found)


def _by_rule(case: Case) -> Decision | None:
    """The ticket for a mail that no person wrote, a monitoring system's too, where a rule names a task (E93, 7.2)."""
    kind = case.reading.message.kind
    asked = request.asked_for(case.reading, case.config)
    drafts, trace = request.requests(asked, case.reading, case.config, case.facts, asks=False)
    by_rule = any(match.stage == outcomes.STAGE and "task:" in match.effect for match in trace)
    by_phrase = kind is Kind.CALENDAR and any(match.stage == STAGE and match.words for match in trace)
    if not by_rule and not by_phrase:
        return None
    return case.decided(NewTicket(drafts), trace, silent_because=f"it is not a person's mail ({kind})")
