"""People who write to a gateway and answer its mails: everything but the network, on a real store."""

import itertools
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote

from mailgate.model.config import Config
from mailgate.model.message import Envelope
from mailgate.model.outbound import Outbound
from mailgate.notify.compose import Context
from mailgate.store import spool, tickets
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from mailgate.workers import loop
from mailgate.workers.intake import Intake
from tests.make import HELPDESK, NOW

NUMBERS = itertools.count(1)


def text_of(mail: Outbound) -> str:
    """What its reader reads."""
    body = message_from_bytes(mail.content, policy=policy.default).get_body(["plain"])
    return str(body.get_content())


@dataclass
class Conversation:
    """A gateway on *store*, at a time that stands still until it is moved."""

    store: Store
    context: Context
    now: datetime = NOW
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(self.store, self.context, lambda: self.now)

    @property
    def config(self) -> Config:
        return self.context.config

    def arrives(self, raw: bytes, sender: str, *mailboxes: str, vouched: bool = True) -> str:
        """A mail is on stable storage; its ingest key."""
        envelope = Envelope(sender, mailboxes or (HELPDESK,), self.now, peer="127.0.0.1", vouched=vouched)
        key = spool.ingest_key(envelope, raw)
        with self.store.write() as tx:
            spool.put(tx, [(key, envelope, raw)])
        return key

    def works(self) -> list[Settled]:
        """Everything that waits is decided."""
        settled: list[Settled] = []
        while waiting := self.intake.claim():
            settled += loop.work(self.intake, waiting)
        return settled

    def hears(self, text: str, sender: str, to: Outbound | None = None, **more: str) -> Settled:
        """*sender* writes *text*, in answer to our mail *to*; what became of it."""
        self.arrives(self.mail(text, sender, to, **more), sender)
        (settled,) = self.works()
        return settled

    def presses(self, label: str, mail: Outbound, sender: str) -> Settled:
        """*sender* sends what the first button *label* of *mail* opens: nothing names the mail but the address."""
        address, _, asked = re.findall(rf"- {label}: mailto:(\S+)", text_of(mail))[0].partition("?")
        words = {name: values[0] for name, values in parse_qs(asked).items()}
        written = message_from_bytes(self.mail(words.get("body", ""), sender, subject=words["subject"]))
        written.replace_header("To", unquote(address))
        self.arrives(written.as_bytes(), sender)
        (settled,) = self.works()
        return settled

    def mail(self, text: str, sender: str, to: Outbound | None = None, **headers: str) -> bytes:
        """The bytes of a mail; its subject is *headers*' or that of an answer."""
        mail = EmailMessage()
        named = {"subject": "Re: " + to.subject if to else "Broken screen", "message_id": f"<m{next(NUMBERS)}@people>"}
        answered = message_from_bytes(to.content) if to else None
        if answered is not None:
            named |= {"to": str(answered["Reply-To"]), "in_reply_to": to.message_id if to else ""}
        named = {"from": sender, "to": HELPDESK, "date": format_datetime(self.now), **named, **headers}
        for name, value in named.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        return mail.as_bytes()

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def tickets(self) -> list[dict[str, object]]:
        with self.store.read() as connection:
            return tickets.listing(connection, self.config.key_name)

    def ticket(self, ref: str) -> dict[str, object]:
        with self.store.read() as connection:
            return tickets.show(connection, ref, self.config.key_name)
