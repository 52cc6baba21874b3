"""Whether anybody may be answered automatically (E134, E185, E189), and with what."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mailgate.model.config import Config
from mailgate.model.decision import Facts, Order, Reading, Reply
from mailgate.model.message import NOTIFY, VERIFIED, Kind, Verdict
from mailgate.model.ticket import Draft, Ticket, WaitingFor
from mailgate.rules.promise import calendar_of
from mailgate.sla.calendar import due

MACHINES = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|microsoftexchange[0-9a-f]{32})")
_PARTS = re.compile(r"\s+[-–|]\s+|:\s+|[\[\]]\s*")
SHORTEST_PART, MOST_REPEATED = 6, 3
SUPPRESSING = {"all", "autoreply", "oof"}
A_DAY_TO_STRANGERS = 1
A_DAY_TO_OUTSIDERS, AN_HOUR_TO_OUTSIDERS, TEN_MINUTES_TO_OUTSIDERS = 5, 4, 1
A_MINUTE_TO_STRANGERS = 20


def silent_because(reading: Reading, config: Config, facts: Facts) -> str:
    """Why no automatic answer may go to the sender of this mail; "" when one may (E134)."""
    return _never(reading, config) or _not_now(reading, config, facts)


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


def acknowledgements(drafts: Sequence[Draft], reading: Reading, config: Config) -> tuple[Reply, ...]:
    """One for each new ticket: what is missing, or that it was received, unless its priority is a quiet one."""
    quiet = config.service.messages.quiet_for
    return tuple(
        replace(to(reading.sender, "more_needed" if draft.missing else "received", config), draft=number)
        for number, draft in enumerate(drafts)
        if draft.missing or draft.priority not in quiet
    )


def of_change(ticket: Ticket, message: str, order: Order, config: Config, now: datetime) -> tuple[Reply, ...]:
    """What the requester hears of a change that an agent ordered; nothing where it is a machine, or ours."""
    address = ticket.requester
    if not address or config.accepts(address) or MACHINES.fullmatch(address.partition("@")[0]):
        return ()
    fields = {"until": order.until.isoformat()} if order.until else {}
    if message == "on_hold":
        fields["waiting_for"] = WaitingFor.THIRD_PARTY
    if message in ("done", "cancelled"):
        fields["reopen_by"] = due(now, config.service.defaults.reopen_within, calendar_of(None, config)).isoformat()
    return (to(address, message, config, fields),)
