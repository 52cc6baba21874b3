"""The canary: a mail of our own through a mailbox, by whose return we know that mail still reaches us.

It carries a header that only we can write. Intake files it before anything else is asked: no
ticket, no answer. Nobody else can hide a mail that way, because the MAC is ours.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime

from mailgate.model.message import Message
from mailgate.model.outbound import Outbound
from mailgate.model.reading import Token
from mailgate.tickets import token

HEADER = "X-Mailgate-Canary"
MESSAGE = "canary"
_VALUE = re.compile(r"(?P<serial>[1-9][0-9]{0,11}) (?P<mac>[a-z][a-z2-7]{16}) (?P<mailbox>\S{3,320})")


def claims(message: Message) -> Iterator[Token]:
    """The token of a mail that says it is our canary; nothing is proved yet."""
    found = _VALUE.fullmatch(message.header(HEADER.lower()))
    if found:
        yield Token(_named(found["mailbox"]), int(found["serial"]), MESSAGE, found["mac"])


def compose(mailbox: str, sender: str, keys: token.Keys, at: datetime) -> Outbound:
    """The canary of this hour to *mailbox*: however often it is composed within the hour, it is queued once."""
    serial = int(at.timestamp())
    mac = token.sign(keys, _named(mailbox), serial, MESSAGE)
    message_id = f"<canary.{serial}.{mac}@{sender.rpartition('@')[2]}>"
    subject = "Canary of the mail gateway"
    lines = (
        f"From: {sender}",
        f"To: {mailbox}",
        f"Subject: {subject}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: {message_id}",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        f"{HEADER}: {serial} {mac} {mailbox}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "The mail gateway sends this mail to itself every hour to see whether mail still arrives.",
        "",
    )
    return Outbound(
        message=MESSAGE,
        recipient=mailbox.lower(),
        sender=sender,
        subject=subject,
        message_id=message_id,
        content="\r\n".join(lines).encode("utf-8"),
        cause=at.strftime("%Y-%m-%dT%H"),
        serial=0,
        automatic=False,
    )


def _named(mailbox: str) -> str:
    """What stands for the mailbox where other tokens have the reference of a ticket."""
    return f"canary-{mailbox.lower()}"
