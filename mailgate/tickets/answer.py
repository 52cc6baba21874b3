"""Whether anybody may be answered automatically (E134, E185, E189), and with what."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mailgate.model.config import Config
from mailgate.model.decision import Asking, Facts, Listing, Order, Reading, Reply
from mailgate.model.message import NOTIFY, VERIFIED, Kind, Verdict
from mailgate.model.ticket import Change, Draft, Ticket, WaitingFor
from mailgate.rules.promise import calendar_of
from mailgate.sla.calendar import due
from mailgate.tickets import lifecycle
from mailgate.tickets.pingpong import why_endless

MACHINES = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|microsoftexchange[0-9a-f]{32})")
_PARTS = re.compile(r"\s+[-–|]\s+|:\s+|[\[\]]\s*")
SHORTEST_PART, MOST_REPEATED = 6, 3
SUPPRESSING = {"all", "autoreply", "oof"}
QUESTION = "question"
WORTH_AN_UNDO = frozenset({"extend", "move", "cancel", "task", "priority", "due"})
A_DAY_TO_STRANGERS = 1
A_DAY_TO_OUTSIDERS, AN_HOUR_TO_OUTSIDERS, TEN_MINUTES_TO_OUTSIDERS = 5, 4, 1
A_MINUTE_TO_STRANGERS = 20


def silent_because(reading: Reading, config: Config, facts: Facts) -> str:
    """Why no automatic answer may go to the sender of this mail; "" when one may (E134)."""
    return _never(reading, config) or why_endless(reading, config, facts) or _not_now(reading, config, facts)


def _never(reading: Reading, config: Config) -> str:
    message, sender = reading.message, reading.sender
    local, _, domain = sender.rpartition("@")
    suppress = {word.strip().lower() for word in message.header("x-auto-response-suppress").split(",")}
    named = {address.address for address in (*message.to, *message.cc)}
    reasons = {
        f"it is not a person's mail ({message.kind})": message.kind is not Kind.HUMAN,
        "it has no single clear sender": not message.from_ok or not sender,
        "its sender is one of our own addresses": config.accepts(sender),
        "its return path is empty": not reading.envelope.sender or message.header("return-path") == "<>",
        "its sender is a machine": MACHINES.fullmatch(local) is not None or domain == NOTIFY,
        "its headers forbid automatic answers": bool(suppress & SUPPRESSING) or bool(message.header("x-mailgate-loop")),
        "its subject repeats itself": _repeats(message.subject),
        "it is not addressed to one of our mailboxes": not any(config.accepts(address) for address in named),
        "its sender failed authentication": reading.verdict is Verdict.FAIL,
        "it claims to be from our organisation without proof": config.is_ours(domain)
        and reading.verdict not in VERIFIED,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _repeats(subject: str) -> bool:
    """Whether two machines have put their words before it again and again (E135)."""
    parts = Counter(part for part in _PARTS.split(subject.casefold()) if len(part) >= SHORTEST_PART)
    return any(count >= MOST_REPEATED for count in parts.values())


def _not_now(reading: Reading, config: Config, facts: Facts) -> str:
    """The caps of E136 and E189: not for colleagues whose mail is verified."""
    if reading.verdict in VERIFIED and config.is_ours(reading.sender.rpartition("@")[2]):
        return ""
    a_day = A_DAY_TO_OUTSIDERS if reading.verdict in VERIFIED else A_DAY_TO_STRANGERS
    if facts.answers_ours_automatically:
        return "it answers an automatic mail of ours"
    if facts.acknowledged >= a_day:
        return "its sender had enough automatic mail today"
    if facts.acknowledged_lately >= AN_HOUR_TO_OUTSIDERS or facts.acknowledged_just_now >= TEN_MINUTES_TO_OUTSIDERS:
        return "its sender had enough automatic mail this hour"
    if reading.verdict not in VERIFIED and facts.acknowledged_to_strangers >= A_MINUTE_TO_STRANGERS:
        return "unverified senders had enough automatic mail this minute"
    return ""


def to(address: str, message: str, config: Config, fields: Mapping[str, str] | None = None) -> Reply:
    """The reply *message* to *address*."""
    return Reply(message, address, internal=config.is_ours(address.rpartition("@")[2]), fields=fields or {})


def listing(address: str, kind: Asking, found: Listing, config: Config) -> Reply:
    """The list *found* to *address*."""
    if kind is Asking.STATUS:
        return replace(to(address, "open_requests", config), listing=found)
    whose = {"whose": "Your" if kind is Asking.MINE else "The team's"}
    return replace(to(address, "worklist", config, whose), listing=found)


def acknowledgements(drafts: Sequence[Draft], reading: Reading, config: Config) -> tuple[Reply, ...]:
    """One for each new ticket: what is missing, or that it was received, unless its priority is a quiet one."""
    quiet = config.service.messages.quiet_for
    return tuple(
        replace(to(reading.sender, "more_needed" if draft.missing else "received", config), draft=number)
        for number, draft in enumerate(drafts)
        if draft.missing or draft.priority not in quiet
    )


def of_order(
    ticket: Ticket, change: Change, order: Order, reading: Reading, config: Config, now: datetime
) -> tuple[Reply, ...]:
    """What is said after an agent's order ran: the requester hears a new status or the agent's answer, the agent of
    what may have to be undone."""
    told = QUESTION if order.do == "ask" else lifecycle.told(ticket.status, change.status or ticket.status)
    replies = of_change(ticket, told, order, config, now) if told else ()
    if order.do == "reply":
        replies = relayed(ticket, order.note or "", config)
    if order.do in WORTH_AN_UNDO and reading.sender:
        replies = (*replies, to(reading.sender, "changed", config, {"did": _did(order)}))
    return replies


def relayed(ticket: Ticket, words: str, config: Config) -> tuple[Reply, ...]:
    """An agent's own words to the requester, as they were written (docs/domain.md section 9)."""
    return (to(ticket.requester, "answer", config, {"written": words}),) if _is_told(ticket, config) else ()


def _is_told(ticket: Ticket, config: Config) -> bool:
    """Whether the requester is somebody to write to: no machine, and none of our own addresses."""
    address = ticket.requester
    return bool(address) and not config.accepts(address) and not MACHINES.fullmatch(address.partition("@")[0])


def _did(order: Order) -> str:
    """ "task: court.psr-request", "due: 14 January 2027"."""
    what = order.until.isoformat() if order.until else order.to
    return f"{order.do}: {what}" if what else order.do


def of_change(ticket: Ticket, message: str, order: Order, config: Config, now: datetime) -> tuple[Reply, ...]:
    """What the requester hears of a change of status."""
    if not _is_told(ticket, config):
        return ()
    fields = {"until": order.until.isoformat()} if order.until else {}
    if message == QUESTION:
        fields["asks"] = order.note or ""
    if message == "on_hold":
        fields["waiting_for"] = WaitingFor.THIRD_PARTY
    if message in ("done", "cancelled"):
        fields["reopen_by"] = due(now, config.service.defaults.reopen_within, calendar_of(None, config)).isoformat()
    return (to(ticket.requester, message, config, fields),)
