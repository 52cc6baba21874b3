"""Mail from files through the very pipeline that serves: a rehearsal in a scratch store, or into the real one."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from mailgate.app import clock, context_of, make_ready
from mailgate.errors import Refused
from mailgate.ingest.directory import read_people
from mailgate.ingest.files import envelope_of, read_mails
from mailgate.ingest.parse import parse
from mailgate.model.config import Config
from mailgate.model.message import Envelope
from mailgate.model.operator import Store as StoreSettings
from mailgate.rules.located import read
from mailgate.store import configurations, people, spool, tickets
from mailgate.store.apply import Settled
from mailgate.store.engine import Store, open_store
from mailgate.store.spool import Mail
from mailgate.workers import loop
from mailgate.workers.intake import Intake

BATCH = 32
PEOPLE, TICKETS = "people.yml", "existing_tickets.yml"


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one file: *settled* is None for one that was quarantined or, with *copy_of*, came before."""

    file: str
    settled: Settled | None
    copy_of: str | None = None


class Times:
    """The clock of a rehearsal: it stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def rehearse(config: Config, folder: Path, *, strict: bool = False) -> Iterator[Played]:
    """Play the mails of *folder* in order of their dates, each at its own time, in a store made for it.

    People and tickets that stand in the folder are loaded first. Mail from our own domains counts
    as internal, unless *strict*: then only what its headers prove.
    """
    mails = _by_date(folder, config, vouched=not strict)
    times = Times(mails[0][1].received_at if mails else clock())
    with _scratch(config) as (config, store):
        _load(store, folder, config)
        intake = Intake(store, context_of(config, store), times)
        first: dict[str, str] = {}
        for file, envelope, raw in mails:
            key = spool.ingest_key(envelope, raw)
            if key in first:
                yield Played(file, None, first[key])
                continue
            first[key] = file
            times.now = envelope.received_at
            with store.write() as tx:
                spool.put(tx, [(key, envelope, raw)])
            settled = loop.work(intake, intake.claim())
            yield Played(file, settled[0] if settled else None)


def _by_date(folder: Path, config: Config, *, vouched: bool) -> list[tuple[str, Envelope, bytes]]:
    mails = [(Path(name).name, *_enveloped(raw, config, clock(), None)) for name, raw in read_mails([folder])]
    dated = [
        (name, replace(envelope, received_at=sent or envelope.received_at, vouched=vouched), raw)
        for name, envelope, sent, raw in mails
    ]
    return sorted(dated, key=lambda mail: (mail[1].received_at, mail[0]))


def _enveloped(
    raw: bytes, config: Config, now: datetime, mailbox: str | None
) -> tuple[Envelope, datetime | None, bytes]:
    message = parse(raw, config.service.text, config.service.markings)
    return envelope_of(message, config, now, mailbox), message.date, raw


@contextmanager
def _scratch(config: Config) -> Iterator[tuple[Config, Store]]:
    """A configuration that keeps everything in a folder of its own, with its store; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mailgate-") as folder:
        settings = StoreSettings(url=f"sqlite:///{folder}/scratch.db", raw=f"{folder}/raw")
        operator = config.operator.model_copy(update={"store": settings, "keys": f"{folder}/keys"})
        config = config.model_copy(update={"operator": operator})
        store = open_store(operator)
        try:
            make_ready(store, config)
            yield config, store
        finally:
            store.close()


def _load(store: Store, folder: Path, config: Config) -> None:
    """People and tickets that are there before the first mail."""
    with store.write() as tx:
        if (directory := folder / PEOPLE).exists():
            people.put(tx, read_people(directory.read_bytes(), directory.name))
        if (existing := folder / TICKETS).exists():
            tickets.load_existing(tx, _entries(existing), config)


def _entries(file: Path) -> list[dict[str, Any]]:
    """The tickets in *file*, with their days as dates."""
    source = read(file.read_text(encoding="utf-8"), file.name)
    entries = source.root.plain if source.root and not source.problems else None
    if not isinstance(entries, list):
        raise Refused("\n".join(map(str, source.problems)) or f"{file} must be a list of tickets")
    return [{name: _dated(name, value) for name, value in entry.items()} for entry in entries]


def _dated(name: str, value: Any) -> Any:
    return date.fromisoformat(value) if name in ("opened", "closed") and value else value


def ingest(
    config: Config, store: Store, paths: Sequence[Path], mailbox: str | None, *, answer: bool
) -> Iterator[Counter[str]]:
    """Feed the mails under *paths* through the pipeline now; after each batch how many of it became what.

    Nothing is sent unless *answer*. A gateway that runs on the same store may do part of the work.
    """
    configurations.keep(store, config, clock())
    intake = Intake(store, context_of(config, store), clock)
    mails = read_mails(paths)
    while batch := list(islice(mails, BATCH)):
        keyed = [_keyed(raw, config, mailbox, silent=not answer) for _, raw in batch]
        with store.write() as tx:
            new = spool.put(tx, keyed)
        while loop.turn(intake):
            pass
        became = Counter({"came before": len(keyed) - len(new)})
        with store.read() as connection:
            became.update(spool.outcomes(connection, new))
        yield +became


def _keyed(raw: bytes, config: Config, mailbox: str | None, *, silent: bool) -> Mail:
    envelope = replace(_enveloped(raw, config, clock(), mailbox)[0], silent=silent)
    return spool.ingest_key(envelope, raw), envelope, raw
