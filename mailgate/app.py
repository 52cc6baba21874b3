"""Builds every real object from the configuration, in one place."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Thread

from mailgate import journal
from mailgate.errors import Refused
from mailgate.ingest.smtp import Listener
from mailgate.model.config import Config
from mailgate.model.decision import Facts, Reading
from mailgate.notify.channel import channel_for
from mailgate.notify.compose import Context, prepare
from mailgate.notify.files import read_templates
from mailgate.settings import template_folders
from mailgate.store.engine import Store, is_made, open_store
from mailgate.store.facts import look_up
from mailgate.store.group_commit import GroupCommit
from mailgate.store.keys import load_keys
from mailgate.store.outbox import release_leases as release_outbox
from mailgate.store.schema import loop_id, schema_is_current, upgrade
from mailgate.store.spool import release_leases
from mailgate.tickets.token import Keys, check
from mailgate.workers import loop
from mailgate.workers.delivery import Delivery
from mailgate.workers.intake import Intake

ROLES = ("smtp", "worker")
GRACE_SECONDS = 10.0


def clock() -> datetime:
    """The time; everything else is told it."""
    return datetime.now(UTC)


def make_ready(store: Store, config: Config) -> None:
    """Check the store, bring its tables up to date and take back the leases of workers that are gone."""
    store.check()
    store.objects.make_ready()
    upgrade(store)
    release_leases(store)
    release_outbox(store, repeatable=channel_for(config.operator.send.via).repeatable)


def context_of(config: Config, store: Store) -> Context:
    """What every mail we send shares. MailgateError names each mistake in a template."""
    sources = read_templates(config, template_folders(config))
    secrets, current = load_keys(Path(config.operator.keys))
    return prepare(config, Keys(current, secrets), loop_id(store), sources)


def facts_about(reading: Reading, config: Config) -> Facts:
    """What the store knows about a mail, changing nothing; where there is no store yet, only the time."""
    if not is_made(config.operator):
        return Facts(clock())
    with closing(open_store(config.operator)) as store, store.read() as connection:
        if not schema_is_current(store):
            return Facts(clock())
        secrets, current = load_keys(Path(config.operator.keys))
        return look_up(connection, [reading], partial(check, Keys(current, secrets)), [clock()])[0]


def address_of(listen: str) -> tuple[str, int]:
    """Host and port of "127.0.0.1:8025" or "[::1]:8025"; Refused where it is neither."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise Refused(f'smtp.listen is "{listen}"; expected HOST:PORT, such as 127.0.0.1:8025')
    return host.strip("[]"), int(port)


class Gateway:
    """One process of the gateway. *shared_port*: others listen on the same port."""

    def __init__(self, config: Config, store: Store, roles: frozenset[str], *, shared_port: bool = False) -> None:
        self._config = config
        self._store = store
        self._roles = roles
        self._shared_port = shared_port
        self._stop = Event()
        self._wakes: list[Event] = []
        self._threads: list[Thread] = []

    async def run(self, stop: asyncio.Event, listening: Callable[[Mapping[str, str]], None]) -> None:
        """Work until *stop*, then finish what was begun; *listening* hears what listens where, once it does."""
        intake_wake = self._start_workers() if "worker" in self._roles else Event()
        spool = GroupCommit(self._store, stored=intake_wake.set)
        listener = Listener(self._config, spool, clock)
        try:
            listening(await self._listen(listener))
            await stop.wait()
            journal.stopping()
        finally:
            await listener.stop(GRACE_SECONDS)
            await asyncio.to_thread(spool.close)
            await asyncio.to_thread(self._stop_workers)

    async def _listen(self, listener: Listener) -> Mapping[str, str]:
        listen = self._config.operator.smtp.listen
        if "smtp" not in self._roles or listen is None:
            return {}
        host, port = address_of(listen)
        try:
            host, port = await listener.start(host, port, shared_port=self._shared_port)
        except OSError as error:
            raise Refused(f"{listen} cannot be listened on ({error.strerror}): change smtp.listen") from error
        return {"smtp": f"{host}:{port}"}

    def _start_workers(self) -> Event:
        """The event that wakes the intake."""
        intake_wake, delivery_wake = Event(), Event()
        intake = Intake(self._store, context_of(self._config, self._store), clock, queued=delivery_wake.set)
        channel = channel_for(self._config.operator.send.via)
        delivery = Delivery(self._store, channel, clock, random.random, self._stop)
        self._start("intake", lambda: loop.turn(intake), intake_wake)
        self._start("delivery", delivery.turn, delivery_wake)
        return intake_wake

    def _start(self, name: str, turn: Callable[[], int], wake: Event) -> None:
        # A daemon: a relay that never answers must not keep the process from ending.
        thread = Thread(target=loop.run, args=(name, turn, wake, self._stop), name=name, daemon=True)
        self._wakes.append(wake)
        self._threads.append(thread)
        thread.start()

    def _stop_workers(self) -> None:
        self._stop.set()
        for wake in self._wakes:
            wake.set()
        for thread in self._threads:
            thread.join(GRACE_SECONDS)
