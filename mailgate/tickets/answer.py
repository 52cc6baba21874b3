"""Whether anybody may be answered automatically (E134, E185, E189), and with what."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mailgate.model.capacity import Effect
from mailgate.model.config import Config
from mailgate.model.decision import Order, Reply
from mailgate.model.facts import Facts, Listing
from mailgate.model.message import NOTIFY, VERIFIED, Kind, Verdict
from mailgate.model.reading import Asking, Reading
from mailgate.model.ticket import Change, Draft, Ticket, WaitingFor
from mailgate.rules.promise import calendar_of
from mailgate.sla.calendar import due
from mailgate.tickets import lifecycle
from mailgate.tickets.capacity import said_of
from mailgate.tickets.pingpong import why_endless

MACHINES = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|microsoftexchange[0-9a-f]{32})")
_PARTS = re.compile(r"\s+[-–|]\s+|:\s+|[\[\]]\s*")
SHORTEST_PART, MOST_REPEATED = 6, 3
SUPPRESSING = {"all", "autoreply", "oof"}
QUESTION = "question"
ENDS = frozenset({"done", "cancelled", "reopened"})
WORTH_AN_UNDO = frozenset({"extend", "move", "cancel", "task", "priority", "due", "accept", "add", "discard"})
A_DAY_TO_STRANGERS = 1
A_DAY_TO_OUTSIDERS, AN_HOUR_TO_OUTSIDERS, TEN_MINUTES_TO_OUTSIDERS = 5, 4, 1
A_MINUTE_TO_STRANGERS = 20


_LISTS: Mapping[Asking, str] = {Asking.STATUS: "open_requests", Asking.FIND: "found"}


def silent_because(reading: Reading, config: Config, facts: Facts) -> str:
    """Why no automatic answer may go to the sender of this mail; "" when one may (E134)."""
    return never(reading, config) or why_endless(reading, config, facts) or _not_now(reading, config, facts)


def never(reading: Reading, config: Config) -> str:
    """Why nobody who writes such a mail is answered automatically, however little they were; "" where they may be."""
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
    parts = [part for part in _PARTS.split(subject.casefold()) if len(part) >= SHORTEST_PART]
    return len(parts) >= MOST_REPEATED and max(Counter(parts).values()) >= MOST_REPEATED


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
    if kind in _LISTS:
        return replace(to(address, _LISTS[kind], config), listing=found)
    whose = {"whose": "Your" if kind is Asking.MINE else "The team's"}
    return replace(to(address, "worklist", config, whose), listing=found)


def acknowledgements(drafts: Sequence[Draft], reading: Reading, config: Config) -> tuple[Reply, ...]:
    """One for each new ticket: that a capacity level pauses or declines it, what is missing, or that it was received,
    unless its priority is a quiet one."""
    told = ((number, draft, _acknowledged_by(draft, config)) for number, draft in enumerate(drafts))
    return tuple(
        replace(to(reading.sender, message, config, said_of(draft.held.level if draft.held else None)), draft=number)
        for number, draft, message in told
        if message and not draft.unit
    )


def _acknowledged_by(draft: Draft, config: Config) -> str:
    """The message, "" for none."""
    if draft.held is not None and draft.held.effect is not Effect.SLOWED and draft.held.message:
        return draft.held.message
    if draft.missing:
        return "more_needed"
    return "" if draft.priority in config.service.messages.quiet_for else "received"


def of_order(
    ticket: Ticket, change: Change, order: Order, reading: Reading, config: Config, now: datetime
) -> tuple[Reply, ...]:
    """What is said after an agent's order ran: the requester hears a new status or the agent's answer, the agent of
    what may have to be undone."""
    told = QUESTION if order.do == "ask" else lifecycle.told(ticket.status, change.status or ticket.status)
    if order.do == "discard":
        told = ""  # whoever it was learns nothing
    replies = of_change(ticket, told, order, config, now) if told else ()
    if order.do == "reply":
        replies = relayed(ticket, order.note or "", config)
    if (order.do in WORTH_AN_UNDO or order.mail or (order.do == "separate" and order.to)) and reading.sender:
        replies = (*replies, to(reading.sender, "changed", config, {"did": _did(order)}))
    return replies


def of_parts(
    parts: Iterable[Ticket], whole: Ticket, change: Change, config: Config, now: datetime
) -> tuple[Reply, ...]:
    """What those hear who asked for *parts* of *whole* when that ends or begins again: of their own request alone."""
    told = lifecycle.told(whole.status, change.status or whole.status)
    if told not in ENDS:
        return ()
    heard = ((part, reply) for part in parts for reply in of_change(part, told, Order(told), config, now))
    return tuple(replace(reply, ticket=part) for part, reply in heard)


def relayed(ticket: Ticket, words: str, config: Config) -> tuple[Reply, ...]:
    """An agent's own words to the requester, as they were written (docs/domain.md section 9)."""
    return (to(ticket.requester, "answer", config, {"written": words}),) if is_told(ticket, config) else ()


def is_told(ticket: Ticket, config: Config) -> bool:
    """Whether the requester is somebody to write to: no machine, and none of our own addresses."""
    address = ticket.requester
    return bool(address) and not config.accepts(address) and not MACHINES.fullmatch(address.partition("@")[0])


def _did(order: Order) -> str:
    """ "task: court.psr-request", "due: 14 January 2027", "accept: mail 17"."""
    what = order.until.isoformat() if order.until else f"mail {order.mail}" if order.mail else order.to
    return f"{order.do}: {what}" if what else order.do


def of_change(ticket: Ticket, message: str, order: Order, config: Config, now: datetime) -> tuple[Reply, ...]:
    """What the requester hears of a change of status."""
    if not is_told(ticket, config):
        return ()
    fields = {"until": order.until.isoformat()} if order.until else {}
    if message == QUESTION:
        fields["asks"] = order.note or ""
    if message == "on_hold":
        fields["waiting_for"] = WaitingFor.THIRD_PARTY
    if message in ("done", "cancelled"):
        fields["reopen_by"] = due(now, config.service.defaults.reopen_within, calendar_of(None, config)).isoformat()
    return (to(ticket.requester, message, config, fields),)
