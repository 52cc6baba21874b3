"""Values for the store's tests: each test states only what it is about."""

import itertools
from datetime import UTC, datetime
from typing import Any

from mailgate.model.config import Config, Service
from mailgate.model.decision import Decision, FollowUp, Ignore, NewTicket, Reply
from mailgate.model.decision import Intent as Intent
from mailgate.model.message import Address, Envelope, Message, Verdict
from mailgate.model.outbound import Outbound
from mailgate.model.reading import Reading, Token
from mailgate.model.ticket import Draft, Ticket
from mailgate.store import facts, spool
from mailgate.store.apply import Settled, apply
from mailgate.store.engine import Store

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ANN = "ann.other@council.example"
HELPDESK = "helpdesk@council.example"
NUMBERS = itertools.count(1)
CONFIG = Config(
    version="v1",
    service=Service.model_validate(
        {
            "send_from": "tickets@gate.council.example",
            "identifiers": {"asset": {"pattern": "[A-Z][0-9]{5}", "key": True}},
            "teams": {"desk": {}},
            "mailboxes": {HELPDESK: {"team": "desk"}},
        }
    ),
)


def envelope(sender: str = ANN, *recipients: str) -> Envelope:
    return Envelope(sender, recipients or (HELPDESK,), NOW)


def put(store: Store, raw: bytes = b"Subject: hello\r\n\r\nhello\r\n", sender: str = ANN) -> str:
    mail = envelope(sender)
    key = spool.ingest_key(mail, raw)
    with store.write() as tx:
        spool.put(tx, [(key, mail, raw)])
    return key


def spooled(store: Store) -> spool.Spooled:
    """A fresh mail, claimed."""
    put(store, b"Subject: %d\r\n\r\n" % next(NUMBERS))
    (mail,) = spool.claim(store, 1, 60)
    return mail


def reading(sender: str = ANN, message_id: str = "", **changes: Any) -> Reading:
    names = (
        "in_reply_to",
        "references",
        "subject",
        "text",
        "reply_text",
        "headers",
        "returned_ids",
        "attachments",
        "defects",
    )
    of_message = {name: changes.pop(name) for name in names if name in changes}
    message_id = message_id or f"<{next(NUMBERS)}@council.example>"
    message = Message(message_id, from_=Address(sender) if sender else None, **of_message)
    defaults: dict[str, Any] = {
        "mailbox": HELPDESK,
        "verdict": Verdict.INTERNAL,
        "fingerprint": f"print of {message_id}",
    }
    return Reading(message, envelope(sender), **{**defaults, **changes})


def draft(**changes: Any) -> Draft:
    defaults: dict[str, Any] = {"mailbox": HELPDESK, "requester": ANN, "subject": "a broken screen", "team": "desk"}
    return Draft(**{**defaults, "received_at": NOW, "clock_started_at": NOW, **changes})


def outbound(ref: str = "MG-7K3F-99", recipient: str = ANN, serial: int = 1, **changes: Any) -> Outbound:
    defaults: dict[str, Any] = {
        "message": "received",
        "sender": "tickets@gate.council.example",
        "subject": f"[{ref}] a broken screen",
        "message_id": f"<mg.{ref}.{serial}@gate.council.example>",
        "content": b"Subject: received\r\n\r\n",
        "cause": f"cause {next(NUMBERS)}",
    }
    return Outbound(recipient=recipient, serial=serial, **{**defaults, **changes})


def new_ticket(mail: spool.Spooled, ref: str = "MG-7K3F-99", what: Reading | None = None, **changes: Any) -> Settled:
    """The decision to open one ticket and acknowledge it."""
    what = what or reading()
    opening = NewTicket((draft(requester=what.sender, keys=what.keys, fields=what.fields, **changes),))
    decision = Decision(opening, "v1", replies=(Reply("received", what.sender),))
    return Settled(mail, what, decision, (ref,), (outbound(ref, what.sender),), NOW)


def follow_up(mail: spool.Spooled, ticket: Ticket, what: Reading | None = None, **changes: Any) -> Settled:
    decision = Decision(FollowUp(ticket, Intent.NOTE), "v1", **changes)
    mails = tuple(
        outbound(ticket.ref, reply.to, ticket.last_serial + place, message=reply.message)
        for place, reply in enumerate(decision.replies, start=1)
    )
    return Settled(mail, what or reading(), decision, (), mails, NOW)


def ignored(mail: spool.Spooled, what: Reading | None = None) -> Settled:
    return Settled(mail, what or reading(), Decision(Ignore("nothing asked"), "v1"), (), (), NOW)


def applied(store: Store, *settled: Settled) -> None:
    with store.deciding(()) as connection:
        apply(store, connection, settled)


def looked_up(store: Store, *readings: Reading, at: datetime = NOW, good: frozenset[Token] = frozenset()) -> list[Any]:
    with store.deciding(()) as connection:
        return facts.look_up(connection, readings, good.__contains__, [at] * len(readings))


def opened(store: Store, ref: str = "MG-7K3F-99", what: Reading | None = None, **changes: Any) -> Ticket:
    """A ticket as the store knows it after it was opened."""
    applied(store, new_ticket(spooled(store), ref, what, **changes))
    return ticket(store, ref)


def ticket(store: Store, ref: str = "MG-7K3F-99") -> Ticket:
    (known,) = looked_up(store, reading("nobody@council.example", refs=(ref,)))
    found: Ticket = known.evidence[-1].ticket
    return found
