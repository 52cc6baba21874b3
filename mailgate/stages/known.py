"""Mail that is there already: by another road, or sent again."""

from dataclasses import replace

from mailgate.model.decision import Decision, Duplicate
from mailgate.stages.case import Case
from mailgate.tickets import duplicate


def copy(case: Case) -> Decision | None:
    """The same mail by another road (E151): one ticket, no second answer."""
    known, trace = duplicate.same_mail(case.reading, case.facts)
    if known is None:
        return None
    events = case.event("another copy arrived", {"mailboxes": case.mailboxes})
    found = case.decided(Duplicate(known.ticket), trace, events=events, silent_because="it is a copy")
    return replace(found, part=known.part)


def resent(case: Case) -> Decision | None:
    """The same words again (E153). An order is none: "Done" may be meant, and allowed, the second time only (E187)."""
    known, trace = duplicate.resent(case.reading, case.facts)
    if known is None:
        return None
    events = case.event("sent again")
    found = case.decided(Duplicate(known.ticket), trace, events=events, silent_because="it was sent before")
    return replace(found, part=known.part)
