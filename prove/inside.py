"""Whole gateways in this process, with real stores and without a network, at whatever time it is to be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from threading import Event

from sqlalchemy import text

from mailgate.app import context_of, make_ready
from mailgate.model.config import Config
from mailgate.model.message import Envelope
from mailgate.model.operator import Operator, Send, Smtp
from mailgate.model.operator import Store as Place
from mailgate.model.outbound import Attempt, Doubt, Way
from mailgate.store.engine import open_store
from mailgate.store.spool import ingest_key, put
from mailgate.workers.delivery import Around, Delivery
from mailgate.workers.gather import Gathering
from mailgate.workers.intake import Intake
from mailgate.workers.loop import turn
from prove.machines import Letter


class Standing(Enum):
    """What a gateway knows of who writes."""

    STRANGER = "stranger"
    VERIFIED = "verified"
    COLLEAGUE = "colleague"


class Gateway:
    """A whole one for *domain* but for the network, at the time that the world has."""

    def __init__(self, folder: Path, domain: str, via: str, clock: Callable[[], datetime]) -> None:
        self.domain, self.mailbox, self.sent = domain, f"helpdesk@{domain}", list[Attempt]()
        self._clock, config = clock, _config(folder, domain, via)
        self.store = open_store(config.operator)
        make_ready(self.store, config)
        context = context_of(config, self.store)
        self._intake = Intake(self.store, context, clock)
        around = Around(self.store, clock, lambda: 0.5, Event(), lambda *_: None)
        self._delivery = Delivery(Way.MAIL, Post(self.sent), around)
        self._gathering = Gathering(self.store, context, clock)

    def receives(self, letter: Letter, standing: Standing) -> str:
        """Its ingest key. The relay in front says who is proved to have sent it."""
        raw, sender = letter.raw, letter.path.rpartition("@")[2]
        if standing is Standing.VERIFIED:
            said = f"Authentication-Results: mx.{self.domain}; dmarc=pass header.from={sender}\r\n"
            raw = said.encode() + raw
        vouched = standing is not Standing.STRANGER
        envelope = Envelope(letter.path, (letter.to,), self._clock(), vouched=vouched)
        key = ingest_key(envelope, raw)
        with self.store.write() as tx:
            put(tx, [(key, envelope, raw)])
        return key

    def works(self) -> list[Attempt]:
        """What it sends now."""
        while turn(self._intake):
            pass
        self._gathering.turn()
        with self.store.write() as tx:  # what waits behind another mail to staff (E137) waits by the store's clock
            tx.execute(text("UPDATE outbox SET run_at = 0 WHERE state = 'ready'"))
        while self._delivery.turn():
            pass
        sent = list(self.sent)
        self.sent.clear()
        return sent


@dataclass(frozen=True)
class Post:
    """A way out into a list."""

    sent: list[Attempt]
    longest_seconds = 10.0
    doubt = Doubt.ONCE_MORE
    pace = None

    def send(self, attempt: Attempt) -> str:
        self.sent.append(attempt)
        return ""

    def settle(self) -> None: ...

    def find(self, attempt: Attempt) -> str | None: ...

    def probe(self) -> None: ...

    def close(self) -> None: ...


def _config(folder: Path, domain: str, via: str) -> Config:
    operator = Operator(
        store=Place(url=f"sqlite:///{folder}/{domain}.db", raw=f"{folder}/{domain}.raw"),
        send=Send(via=via),
        smtp=Smtp(authserv_id=f"mx.{domain}"),
        keys=f"{folder}/{domain}.keys",
    )
    service = {
        "domains": [domain],
        "defaults": {"team": "desk"},
        "teams": {"desk": {"lead": "lead"}},
        "mailboxes": {f"helpdesk@{domain}": {"team": "desk"}},
    }
    return Config.model_validate({"version": domain, "service": service}).model_copy(update={"operator": operator})
