"""One process of the gateway: what it listens with, its workers, its jobs and its pages; from start to stop."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from socket import socket
from threading import Event, Thread
from typing import TYPE_CHECKING

from mailgate import journal
from mailgate.errors import Refused
from mailgate.ingest.listener import Encryption, Listener
from mailgate.ingest.lmtp import LmtpSession
from mailgate.ingest.policy import space_floor
from mailgate.ingest.session import SmtpSession
from mailgate.model.config import Config
from mailgate.model.health import AccountHealth
from mailgate.model.outbound import Way
from mailgate.settings import load
from mailgate.store import configurations
from mailgate.store.engine import Store
from mailgate.store.group_commit import GroupCommit
from mailgate.store.nodes import Running
from mailgate.store.schema import loop_id
from mailgate.store.space import FreeSpace, folders_of
from mailgate.web.counted import CountedChannel, CountedIntake
from mailgate.web.counts import ALERTING, WORKERS, Counts
from mailgate.web.sight import Observer
from mailgate.workers import loop
from mailgate.workers.alerts import Alerts
from mailgate.workers.configuration import Reloading
from mailgate.workers.delivery import Around, Delivery, name_of
from mailgate.workers.gather import Gathering
from mailgate.workers.intake import Intake
from mailgate.workers.mailbox import MailboxReader
from mailgate.workers.presence import Presence, name_of_node, running
from mailgate.workers.receipts import Receipts
from mailgate.workers.warming import warm_up
from mailgate.workers.watch import Watched

if TYPE_CHECKING:
    from mailgate.notify.govuk import Govuk
    from mailgate.scheduler import Scheduler
    from mailgate.web.server import Door

from mailgate.app import (
    address_of,
    addresses,
    cannot_listen,
    channel_to,
    clock,
    connection_to,
    context_of,
    notify_channel,
    secret_in,
)

GRACE_SECONDS = 10.0
RECEIPTS = "/notify/receipts"
SHORTEST_TOKEN = 10  # GOV.UK Notify asks for that much
LOOK_AGAIN_SECONDS = 5.0


class Gateway:
    """One process of the gateway: the one with this *number* among those that *counts* counts for.

    *shared_port*: others listen on the same port; *lmtp*: the Unix socket for LMTP.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        roles: frozenset[str],
        *,
        shared_port: bool = False,
        lmtp: socket | None = None,
        counts: Counts | None = None,
        number: int = 0,
    ) -> None:
        self._config = config
        self._store = store
        self._context = context_of(config, store)
        self._roles = roles
        self._shared_port = shared_port
        self._lmtp = lmtp
        self._counts = counts or Counts()
        self._own = self._counts.of(number)
        self._is_first = number == 0
        self._watched = Watched()
        self.mailboxes = {number: AccountHealth(account.mailbox) for number, account in enumerate(config.operator.imap)}
        self._encryption = Encryption(config.operator.smtp.tls) if config.operator.smtp.tls else None
        self._stop = Event()
        self._presence = Presence(store, name_of_node(config), self._running, clock, self._tell)
        self._wakes: list[Event] = []
        self._threads: list[Thread] = []
        self._listener: Listener | None = None
        self._intake: Intake | None = None
        self._alerting: list[Govuk] = []
        self._scheduler: Scheduler | None = None
        self._observer: Observer | None = None

    async def run(self, stop: asyncio.Event, listening: Callable[[Mapping[str, str]], None]) -> None:
        """Work until *stop*, then finish what was begun; *listening* hears what listens where, once it does."""
        files = self._reloading()
        intake_wake = self._start_workers() if "worker" in self._roles else Event()
        stored = self._start_hints(intake_wake)
        if "imap" in self._roles:
            self._start_readers(stored)
        group = GroupCommit(self._store, stored)
        listener = self._listener = self._made_listener(group)
        beside: list[Callable[[], None]] = []
        renewing = asyncio.create_task(self._renew(listener))
        try:
            listening(await self._listen(listener))
            beside += self._start_beside()
            self._start("configuration", files.turn, Event())
            if self._is_first:
                self._start("presence", self._presence.turn, Event(), self._presence.leave)
            await stop.wait()
            journal.stopping()
        finally:
            renewing.cancel()
            for end in beside:
                await asyncio.to_thread(end)
            await listener.stop(GRACE_SECONDS)
            await asyncio.to_thread(group.close)
            await asyncio.to_thread(self._stop_workers)

    def _running(self) -> Running:
        return running(self._config)

    def _reloading(self) -> Reloading:
        read = partial(load, [Path(folder) for folder in self._config.folders], os.environ)
        return Reloading(self._config, read, self._use, self._tell_of_mistakes, self._watched)

    def _use(self, config: Config) -> None:
        """Bring *config* into force for all that comes from now on; MailgateError where a template is wrong."""
        context = context_of(config, self._store)
        configurations.keep(self._store, config, clock())
        self._config, self._context = config, context
        if self._intake is not None:
            warm_up(context, clock())
            self._intake.use(context)
        for channel in self._alerting:
            channel.templates = config.service.alerts.templates.known
        if self._listener is not None:
            self._listener.config = config
        if self._observer is not None:
            self._observer.config = config
        if self._scheduler is not None:
            self._stop_jobs()
            self._start_jobs()

    def _tell_of_mistakes(self, count: int) -> None:
        mistakes = "a mistake" if count == 1 else f"{count} mistakes"
        detail = f"Its files have {mistakes}. The last good one stays in force. Run: mailgate rules check"
        self._tell("configuration", "The configuration is wrong", detail, clock())

    def _tell(self, name: str, subject: str, detail: str, now: datetime) -> None:
        """Tell people, by the configuration that is in force by then."""
        Alerts(self._store, self._context).tell(name, subject, detail, now)

    def _made_listener(self, group: GroupCommit) -> Listener:
        free_bytes = FreeSpace(folders_of(self._config.operator))
        tls = self._encryption.context if self._encryption else None
        return Listener(self._config, group, clock, free_bytes=free_bytes, tls=tls, tally=self._own)

    async def _renew(self, listener: Listener) -> None:
        """Show a certificate that was renewed without a restart."""
        while self._encryption is not None:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            listener.tls = self._encryption.look_again()

    async def _listen(self, listener: Listener) -> Mapping[str, str]:
        """Where the gateway listens now, by protocol."""
        listening = {}
        for name, (host, port) in addresses(self._config, self._roles).items():
            session = LmtpSession if name == "lmtp" else SmtpSession
            try:
                bound = await listener.start(host, port, session=session, shared_port=self._shared_port)
            except OSError as error:
                raise cannot_listen(name, host, port, error) from error
            listening[name] = "{}:{}".format(*bound)
        if self._lmtp is not None:
            await listener.start_local(self._lmtp)
            listening["lmtp"] = f"unix:{self._config.operator.lmtp.path}"
        return listening

    def _start_workers(self) -> Event:
        """The event that wakes the intake."""
        intake_wake = Event()
        context = self._context
        wakes = {way: Event() for way in self._ways()}

        def queued() -> None:
            for wake in wakes.values():
                wake.set()

        deciding = Intake(self._store, context, clock, queued)
        self._intake = deciding
        intake = CountedIntake(deciding, self._own)
        self._start("intake", lambda: loop.turn(intake), intake_wake)
        per_hour = self._config.operator.send.automatic_per_hour
        around = Around(self._store, clock, random.random, self._stop, self._tell, per_hour)
        for way, wake in wakes.items():
            try:
                self._start_delivery(way, wake, around, deciding.caught_up)
            except Refused as error:
                if way is Way.MAIL:
                    raise
                journal.way_not_started(way, error)
        return intake_wake

    def _start_hints(self, intake_wake: Event) -> Callable[[], None]:
        """What is to be called when mail was stored: it wakes the intake here and the workers of other nodes."""
        if not self._store.is_shared:
            return intake_wake.set
        from mailgate.store.hints import Hints

        workers = tuple(self._wakes)

        def wake() -> None:
            for each in workers:
                each.set()

        def stored() -> None:
            intake_wake.set()
            hints.tell()

        hints = Hints(self._store, wake)
        self._start("hints", hints.turn, Event(), hints.close)
        return stored

    def _ways(self) -> tuple[Way, ...]:
        return tuple(Way) if self._config.operator.notify.is_set else (Way.MAIL,)

    def _start_delivery(self, way: Way, wake: Event, around: Around, caught_up: Event) -> None:
        """What came in becomes tickets before our mail leaves; alerts do not wait for that."""
        environment = self._context.loop_id
        made = channel_to(self._config) if way is Way.MAIL else self._alerting_by(way)
        name = name_of(way)
        delivery = Delivery(way, CountedChannel(made, self._own, name), around)
        receipts = Receipts(self._store, environment, clock)

        def turn() -> int:
            beside = Gathering(self._store, self._context, clock).turn() if way is Way.MAIL else 0
            return delivery.turn() + beside

        alive = self._alive(name, turn)
        self._start(name, loop.giving_way(alive, caught_up) if way is Way.MAIL else alive, wake)
        if way is Way.NOTIFY and not self._config.operator.notify.callback_token_file:
            asking = notify_channel(self._config, way, environment)  # a client of its own: it is for one thread
            self._start("receipts", lambda: receipts.ask(asking), Event())

    def _alerting_by(self, way: Way) -> "Govuk":
        """A channel that is kept up with the configuration."""
        channel = notify_channel(self._config, way, self._context.loop_id)
        self._alerting.append(channel)
        return channel

    def _alive(self, name: str, turn: Callable[[], int]) -> Callable[[], int]:
        def counted() -> int:
            self._own.turned(name)
            return turn()

        return counted

    def _start_beside(self) -> list[Callable[[], None]]:
        """What intake never needs: the scheduler and the pages; how to end each."""
        ends: list[Callable[[], None]] = []
        if "scheduler" in self._roles:
            self._start_jobs()
            ends.append(self._stop_jobs)
        if "web" in self._roles and self._config.operator.web.listen is not None:
            ends += self._start_pages(self._config.operator.web.listen)
        return ends

    def _start_jobs(self) -> None:
        from mailgate.jobs import jobs
        from mailgate.scheduler import Scheduler

        self._scheduler = Scheduler(jobs(self._config, self._store, self._watched))
        self._scheduler.start()

    def _stop_jobs(self) -> None:
        if self._scheduler is not None:
            self._scheduler.stop()

    def _start_pages(self, listen: str) -> list[Callable[[], None]]:
        from mailgate.web.pages import pages
        from mailgate.web.server import Server

        observer = self._observer = Observer(
            config=self._config,
            store=self._store,
            counts=self._counts,
            clock=clock,
            started_at=clock(),
            free_bytes=FreeSpace(folders_of(self._config.operator)),
            accounts=tuple(self.mailboxes.values()) if "imap" in self._roles else (),
            workers=self._workers(),
            watched=self._watched,
            presence=self._presence,
        )
        try:
            server = Server(*address_of(listen, "web.listen"), pages(observer), self._doors())
        except (OSError, Refused) as error:
            journal.web_not_started(listen, error)
            return []
        server.start()
        journal.listening("web", "{}:{}".format(*server.server_address[:2]))
        return [server.stop]

    def _workers(self) -> tuple[str, ...]:
        if "worker" not in self._roles:
            return ()
        return (*WORKERS, *ALERTING) if self._config.operator.notify.is_set else WORKERS

    def _doors(self) -> dict[str, "Door"]:
        """What other programs may post to the pages."""
        file = self._config.operator.notify.callback_token_file
        if not file:
            return {}
        from mailgate.web.pages import receipts_door

        token = secret_in(Path(file), "notify.callback_token_file")()
        if len(token) < SHORTEST_TOKEN:
            raise Refused(f"notify.callback_token_file has less than {SHORTEST_TOKEN} characters: make a longer token")
        return {RECEIPTS: receipts_door(Receipts(self._store, loop_id(self._store), clock), token)}

    def _start_readers(self, stored: Callable[[], None]) -> None:
        free_bytes, floor = FreeSpace(folders_of(self._config.operator)), space_floor(self._config)

        def has_room() -> bool:
            return free_bytes() >= floor

        for number, account in enumerate(self._config.operator.imap):
            reader = MailboxReader(
                account,
                self._store,
                connection_to(account),
                clock,
                random.random,
                self._stop,
                self.mailboxes[number],
                stored,
                self._config.operator.smtp.max_size,
                has_room,
            )
            self._start(f"imap {number}", reader.turn, Event(), reader.close)

    def _start(self, name: str, turn: Callable[[], int], wake: Event, end: Callable[[], None] = lambda: None) -> None:
        def work() -> None:
            loop.run(name, turn, wake, self._stop)
            end()

        # A daemon: a relay that never answers must not keep the process from ending.
        thread = Thread(target=work, name=name, daemon=True)
        self._wakes.append(wake)
        self._threads.append(thread)
        thread.start()

    def _stop_workers(self) -> None:
        self._stop.set()
        for wake in self._wakes:
            wake.set()
        deadline = time.monotonic() + GRACE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
