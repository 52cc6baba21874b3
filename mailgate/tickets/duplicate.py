"""The same mail again, the same words again, the same request again (E151, E153, E156a).

Identifiers decide; likeness of text alone never does (E155).
"""

import re
from collections.abc import Iterable
from datetime import datetime

from mailgate.model.config import Config
from mailgate.model.facts import Facts, Known
from mailgate.model.reading import Match, Reading, Trace
from mailgate.model.ticket import Draft, Status, Ticket, Values
from mailgate.tickets.thread import admits, is_colleague

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def same_mail(reading: Reading, facts: Facts) -> tuple[Known | None, Trace]:
    """The stored mail that this is another copy of (E151).

    The same Message-ID over other content is a mail of its own, so that whoever uses an id
    first cannot make a later, genuine mail disappear (S33).
    """
    known, message_id = facts.same_id, reading.message.message_id
    if known is None:
        return None, ()
    if known.fingerprint != reading.fingerprint:
        return None, (Match("duplicate", "same Message-ID, other content", message_id, effect="a mail of its own"),)
    return known, (Match("duplicate", "same mail", message_id, effect=_joins(known.ticket)),)


def resent(reading: Reading, facts: Facts) -> tuple[Known | None, Trace]:
    """The mail that its sender sends again under a new id, while its ticket is still open (E153)."""
    known = facts.same_content
    if known is None or known.ticket is None or not known.ticket.is_open or not reading.sender:
        return None, ()
    return known, (Match("duplicate", "sent again", where="same sender and content", effect=_joins(known.ticket)),)


def same_request(
    reading: Reading, draft: Draft, config: Config, facts: Facts, closed_since: datetime
) -> tuple[Ticket | None, Trace]:
    """The ticket that has the request of *draft* already (E156a).

    Both must be verified colleagues' requests for the same task and case, with no field that
    contradicts. The ticket is open, or was done since *closed_since* (``duplicates_within``
    before now); a cancelled one is not: who asks again wants it again. Nobody joins what is not
    shown to them, and what is shown to some alone joins no ticket that is shown to more.
    """
    if draft.task is None or not draft.keys or not _is_told_by_its_key(draft.task, config):
        return None, ()
    if not is_colleague(reading, config):
        return None, ()
    alike = [
        ticket
        for ticket in facts.same_case
        if _is_alike(ticket, draft, config, closed_since) and admits(ticket, reading, config, facts)
    ]
    trace: list[Match] = []
    for ticket in sorted(alike, key=lambda ticket: (not ticket.is_open, ticket.received_at)):
        differs = differing(draft.fields, ticket.fields, config)
        if differs is None:
            found = Match("duplicate", "same request", f"{', '.join(draft.keys)}, {draft.task}", effect=_joins(ticket))
            return ticket, (*trace, found)
        trace.append(Match("duplicate", "other request", differs, where=ticket.ref, effect="both state it differently"))
    return None, tuple(trace)


def unsaid(draft: Draft, ticket: Ticket, config: Config) -> tuple[str, ...]:
    """The dates that *draft* needs and does not state, but *ticket* does: asked for, never taken to be equal."""
    information = config.service.information
    dates = (name for name in draft.missing if name in information and information[name].date)
    return tuple(name for name in dates if name in ticket.fields)


def differing(one: Values, other: Values, config: Config) -> str | None:
    """The first field that both state and of which neither's values contain the other's; None: they agree.

    Identifiers must be equal and dates of the same day; a name in words may be shortened ("Mags").
    """
    for name in sorted(one.keys() & other.keys() - {config.key_name}):
        ours, theirs = _folded(one[name]), _folded(other[name])
        exact = name in config.service.identifiers
        if not (_contains(ours, theirs, exact=exact) or _contains(theirs, ours, exact=exact)):
            return name
    return None


def _is_told_by_its_key(task: str, config: Config) -> bool:
    """Not so for "other", which is no task in particular, nor for tasks without the key."""
    category, _, name = task.partition(".")
    if name == "other" or category not in config.service.categories:
        return False
    return config.key_name not in config.task(task)[1].without


def _is_alike(ticket: Ticket, draft: Draft, config: Config, closed_since: datetime) -> bool:
    domain = ticket.requester.rpartition("@")[2]
    lately = ticket.status is Status.DONE and ticket.closed_at is not None and ticket.closed_at >= closed_since
    same = ticket.task == draft.task and set(draft.keys) <= set(ticket.keys)
    as_open = draft.show_to in (None, ticket.show_to)
    return same and as_open and (ticket.is_open or lately) and config.is_ours(domain)


def _contains(whole: Iterable[str], part: Iterable[str], *, exact: bool) -> bool:
    whole = tuple(whole)
    return all(any(each == own or (not exact and _means(each, own)) for own in whole) for each in part)


def _means(one: str, other: str) -> bool:
    """Whether two values may say the same: a day and a time on that day, a name and its short form."""
    day, _, time = one.partition("t")
    other_day, _, other_time = other.partition("t")
    if _DAY.fullmatch(day) and day == other_day:
        return not time or not other_time
    return _shortens(one, other)


def _shortens(one: str, other: str) -> bool:
    """Whether the shorter name is the longer with letters left out: "mags", "magistrates"."""
    short, long = sorted((one.replace(" ", ""), other.replace(" ", "")), key=len)
    if len(short) < 3 or not (short + long).isalpha() or short[:2] != long[:2]:
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)


def _folded(values: Iterable[str]) -> frozenset[str]:
    return frozenset(" ".join(value.lower().split()) for value in values)


def _joins(ticket: Ticket | None) -> str:
    return f"joins {ticket.ref}" if ticket else "the first copy opened no ticket"
