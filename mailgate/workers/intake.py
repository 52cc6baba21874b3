"""From the spool to a ticket: claim, parse, decide, apply. `ingest` and `rehearse` go the same way."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from mailgate import decide, journal
from mailgate.errors import Refused, TryLater
from mailgate.ingest.parse import parse
from mailgate.model.config import Config
from mailgate.model.decision import Decision, NewTicket, Reading
from mailgate.model.outbound import Outbound
from mailgate.notify.compose import Context, compose
from mailgate.store import people
from mailgate.store.apply import Settled, apply
from mailgate.store.engine import Store
from mailgate.store.facts import free_references, look_up
from mailgate.store.spool import Spooled, claim, release
from mailgate.tickets import unreadable
from mailgate.tickets.token import Keys
from mailgate.workers.about import abouts

BATCH = 32
LEASE_SECONDS = 120.0
MOST_ATTEMPTS = 3
RELEASED_FOR_SECONDS = 5.0


class KilledUs(Exception):
    """A mail during whose handling the process died again and again."""


class Intake:
    """The queue of mails that are not decided yet; *queued* is called when mails to send were written."""

    name = "intake"

    def __init__(
        self,
        store: Store,
        context: Context,
        clock: Callable[[], datetime],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._context = context
        self._clock = clock
        self._queued = queued

    @property
    def _config(self) -> Config:
        return self._context.config

    @property
    def _keys(self) -> Keys:
        return self._context.keys

    def claim(self) -> Sequence[Spooled]:
        return claim(self._store, BATCH, LEASE_SECONDS)

    def handle(
        self, spooled: Sequence[Spooled], now: Callable[[Spooled], datetime] | None = None
    ) -> list[Settled]:
        """Read, decide and record *spooled*, each at the time that *now* gives for it: the clock's, if it is left out.

        Raises TryLater while the store is away, and whatever a bug of ours raises; what was not
        recorded by then is as if it had never been claimed.
        """
        at = now or (lambda _: self._clock())
        read = [(mail, self._read(mail)) for mail in spooled]
        settled = [done for group in independent(read) for done in self._settle(group, at)]
        journal.mails_handled(len(settled), sum(len(done.references) for done in settled))
        return settled

    def release(self, spooled: Sequence[Spooled], error: TryLater) -> None:
        """Back to the queue: none of them is at fault."""
        release(self._store, spooled, RELEASED_FOR_SECONDS, journal.why(error))

    def quarantine(self, mail: Spooled, error: Exception) -> None:
        """Keep a mail that a bug of ours cannot take, and tell its team (G2)."""
        why = journal.why(error)
        found, at = unreadable.reading(mail.envelope, self._config), self._clock()
        with self._store.deciding([]) as tx:
            team = people.of_team(tx, unreadable.team_of(found, self._config))
            decision = unreadable.decision(found, why, self._config, team, at)
            apply(self._store, tx, [self._settled(mail, found, decision, at, free_references(tx, 1, self._prefix))])
        journal.mail_quarantined(mail.key, why)
        self._queued()

    @property
    def _prefix(self) -> str:
        return self._config.service.reference

    def _read(self, mail: Spooled) -> Reading:
        if mail.attempts > MOST_ATTEMPTS:
            raise KilledUs
        service = self._config.service
        message = parse(mail.raw, service.text, service.markings)
        return decide.read(message, mail.envelope, self._config)

    def _settle(
        self, group: Sequence[tuple[Spooled, Reading]], at: Callable[[Spooled], datetime]
    ) -> list[Settled]:
        """Decide and record mails that have nothing to do with one another, in one transaction."""
        times = [at(mail) for mail, _ in group]
        readings = [reading for _, reading in group]
        with self._store.deciding(lock for reading in readings for lock in reading.locks) as tx:
            facts = look_up(tx, readings, self._config, self._keys, times)
            decisions = [
                decide.decide(reading, self._config, known) for reading, known in zip(readings, facts, strict=True)
            ]
            references = iter(free_references(tx, sum(map(drafts, decisions)), self._prefix))
            settled = [
                self._settled(mail, reading, decision, time, [next(references) for _ in range(drafts(decision))])
                for (mail, reading), decision, time in zip(group, decisions, times, strict=True)
            ]
            apply(self._store, tx, settled)
        if any(done.outbound for done in settled):
            self._queued()
        return settled

    def _settled(
        self, mail: Spooled, reading: Reading, decision: Decision, now: datetime, references: Sequence[str]
    ) -> Settled:
        outbound: list[Outbound] = []
        for reply, about in abouts(decision, reading, references, self._config, mail.key, now):
            with suppress(Refused):  # an address that no mail can be written to
                outbound.append(compose(reply, about, self._context))
        return Settled(mail, reading, decision, tuple(references), tuple(outbound), now)


def drafts(decision: Decision) -> int:
    """How many tickets *decision* opens."""
    return len(decision.outcome.drafts) if isinstance(decision.outcome, NewTicket) else 0


def independent(read: Iterable[tuple[Spooled, Reading]]) -> list[list[tuple[Spooled, Reading]]]:
    """Groups in which no two mails share a lock; mails that do come in their order, in groups one after the other."""
    groups: list[list[tuple[Spooled, Reading]]] = []
    following: dict[str, int] = {}  # lock -> the first group that is free for it
    for mail, reading in read:
        place = max((following.get(lock, 0) for lock in reading.locks), default=0)
        if place == len(groups):
            groups.append([])
        groups[place].append((mail, reading))
        following.update(dict.fromkeys(reading.locks, place + 1))
    return groups
