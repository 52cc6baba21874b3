"""From the spool to a ticket: claim, parse, decide, apply. `ingest` and `rehearse` go the same way."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from threading import Event

from mailgate import decide, journal, understand
from mailgate.errors import GiveUp, TryLater
from mailgate.ingest.bounded import read
from mailgate.model.config import Config
from mailgate.model.decision import Decision
from mailgate.model.facts import Facts
from mailgate.model.message import NOT_FETCHED
from mailgate.model.reading import Reading
from mailgate.notify.compose import Context
from mailgate.store import asked, people
from mailgate.store.apply import Notice, Settled, apply, quarantine
from mailgate.store.engine import Store
from mailgate.store.facts import free_references, look_up
from mailgate.store.locks import Unreachable
from mailgate.store.spool import Spooled, are_waiting, claim, release
from mailgate.tickets import reference, telling, token, unreadable
from mailgate.tickets.together import SoFar
from mailgate.workers.about import composed
from mailgate.workers.commissions import asked_with
from mailgate.workers.guesses import Guesses
from mailgate.workers.loop import failure_of

Group = Sequence[tuple[Spooled, Reading]]

BATCH = 64  # more share a commit, and the last of them still waits less than a quarter of a second
MANY = BATCH // 4  # so many wait only where they come faster than they are decided
LEASE_SECONDS = 60.0
MOST_DEATHS = 3
RELEASED_FOR_SECONDS = 5.0


class KilledUs(Exception):
    """A mail during whose handling the process died again and again."""


class NotFetched(GiveUp):
    """A mail that its server did not hand over (E53); its sentence is for the team."""


class Intake:
    """The queue of mails that are not decided yet; *queued* is called when mails to send were written.

    *caught_up* is set but for the time in which many mails wait to be decided.
    """

    name = "intake"

    def __init__(
        self,
        store: Store,
        context: Context,
        clock: Callable[[], datetime],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._context = self._next = context
        self._clock = clock
        self._queued = queued
        self._guesses = Guesses()
        self.caught_up = Event()
        self.caught_up.set()

    @property
    def _config(self) -> Config:
        return self._context.config

    def use(self, context: Context) -> None:
        """Decide by *context* from the next claim on."""
        self._next = context

    def claim(self) -> Sequence[Spooled]:
        self._context = self._next  # here alone: the mails of one batch are read and decided by one configuration
        claimed = claim(self._store, BATCH, LEASE_SECONDS)
        many = len(claimed) >= MANY or are_waiting(self._store, MANY)
        (self.caught_up.clear if many else self.caught_up.set)()
        return claimed

    def handle(self, spooled: Sequence[Spooled], now: Callable[[Spooled], datetime] | None = None) -> list[Settled]:
        """Read, decide and record *spooled*, each at the time that *now* gives for it; without it, all at the clock's.

        Raises TryLater while the store is away, and whatever a bug of ours raises; what was not
        recorded by then is as if it had never been claimed.
        """
        begun = self._clock()
        at = now or (lambda _: begun)
        read = [(mail, self._judged(self._read(mail), at(mail))) for mail in spooled]
        settled = [done for group in independent(read) for done in self._settled_group(group, at)]
        journal.mails_handled(len(settled), sum(len(done.references) for done in settled))
        return settled

    def release(self, spooled: Sequence[Spooled], error: TryLater) -> None:
        """Back to the queue: none of them is at fault."""
        release(self._store, spooled, RELEASED_FOR_SECONDS, journal.why(error))

    def quarantine(self, mail: Spooled, error: Exception) -> None:
        """Keep a mail that a bug of ours cannot take, and tell its team (G2); unless that fails by a bug as well."""
        why, at = journal.why(error), self._clock()
        reason = "the gateway ended several times while it read this mail" if isinstance(error, KilledUs) else why
        put_away = partial(quarantine, self._store, mail, reason, type(error).__name__, at)
        another = failure_of(lambda mail: put_away(self._notice(mail, why, at)), mail)
        if isinstance(another, TryLater):
            raise another
        if another is not None:
            journal.team_not_told(mail.key, another)
            put_away()
        journal.mail_quarantined(mail.key, why)
        self._queued()

    def _notice(self, mail: Spooled, why: str, at: datetime) -> Notice:
        """The ticket that tells the team of its mailbox."""
        found = unreadable.reading(mail.envelope, self._config)
        team = unreadable.team_of(found, self._config)
        with self._store.read() as connection:
            readers = people.members(connection, [team])[team]
            ref = free_references(connection, 1, self._reference)[0]
        decision = unreadable.decision(found, why, self._config, readers, at)
        told = self._settled(mail, found, decision, at, [ref])
        return Notice(told.drafts[0], ref, told.outbound, decision.events)

    def _read(self, mail: Spooled) -> Reading:
        if mail.deaths >= MOST_DEATHS:
            raise KilledUs
        if mail.envelope.source == NOT_FETCHED:
            raise NotFetched("the mail server cannot hand this mail over: look at it in the folder Failed")
        service = self._config.service
        message = read(mail.raw, service.text, service.markings)
        reading = understand.read(message, mail.envelope, self._config, mail.id)
        return understand.asked_ahead(reading, self._config)

    def _judged(self, reading: Reading, at: datetime) -> Reading:
        return self._guesses.judged(reading, partial(token.check, self._context.keys, at), at)

    def _settled_group(self, group: Group, at: Callable[[Spooled], datetime]) -> list[Settled]:
        """Decide and record mails that share no lock; one by one where two of them turn out to touch one ticket."""
        try:
            return self._settle(group, at)
        except Unreachable:
            raise
        except TryLater:
            if len(group) == 1:
                raise
            return [done for one in group for done in self._settle([one], at)]

    def _settle(self, group: Group, at: Callable[[Spooled], datetime]) -> list[Settled]:
        """Decide and record *group* in one transaction."""
        times = [at(mail) for mail, _ in group]
        readings = [reading for _, reading in group]
        with self._store.deciding(lock for reading in readings for lock in reading.locks) as connection:
            keys, latest = self._context.keys, max(times)
            checks, outlived = partial(token.check, keys, latest), keys.outlived(token.ORDERS_FOR, latest)
            facts = look_up(connection, readings, checks, times, self._config.service.sharing, outlived)
            decided = self._decided(readings, facts)
            decisions = telling.told(decided, readings, self._config, asked.known(connection, decided))
            opening = sum(map(drafts, decisions))
            references = iter(free_references(connection, opening, self._reference) if opening else ())
            settled = [
                self._settled(mail, reading, decision, time, list(islice(references, drafts(decision))), known)
                for (mail, reading), decision, time, known in zip(group, decisions, times, facts, strict=True)
            ]
            apply(self._store, connection, settled)
        if any(done.outbound for done in settled):
            self._queued()
        return settled

    def _decided(self, readings: Sequence[Reading], facts: Sequence[Facts]) -> list[Decision]:
        """Each decision; what was decided by one counts when the next is made."""
        so_far = SoFar()
        decisions = []
        for reading, known in zip(readings, facts, strict=True):
            decision = decide.decide(reading, self._config, so_far.added_to(known, reading))
            so_far.count(reading, decision)
            decisions.append(decision)
        return decisions

    def _reference(self) -> str:
        return reference.make(self._config.service.reference, secrets.randbelow)

    def _settled(
        self,
        mail: Spooled,
        reading: Reading,
        decision: Decision,
        now: datetime,
        references: Sequence[str],
        facts: Facts | None = None,
    ) -> Settled:
        """With the mails to send."""
        given = partial(asked_with, mail, reading) if not decision.holds_files else lambda _: ()
        sent = composed(decision, reading, references, self._context, mail.key, now, given)
        decided = replace(decision, replies=tuple(reply for reply, _ in sent))
        return Settled(mail, reading, decided, tuple(references), tuple(outbound for _, outbound in sent), now, facts)


def drafts(decision: Decision) -> int:
    """How many tickets *decision* opens."""
    return len(decision.drafts)


def independent(read: Iterable[tuple[Spooled, Reading]]) -> list[list[tuple[Spooled, Reading]]]:
    """Groups in which no two mails share a lock; mails that do come in their order, in groups one after the other.

    But requests of one colleague that are about nothing else may share their sender, though not their words.
    """
    groups: list[list[tuple[Spooled, Reading]]] = []
    following: dict[str, int] = {}  # lock -> the first group that is free for it
    for mail, reading in read:
        sender, alone = reading.sender, reading.is_request_alone
        own = {*reading.locks - {sender}, f"{sender} {reading.content}"}
        hers, others = ({sender}, {f"{sender} beside"}) if sender else (set(), set())  # beside such requests
        place = max(following.get(lock, 0) for lock in own | (others if alone else hers))
        if place == len(groups):
            groups.append([])
        groups[place].append((mail, reading))
        for lock in own | hers | (set() if alone else others):
            following[lock] = max(following.get(lock, 0), place + 1)
    return groups
