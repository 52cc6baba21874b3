"""From the outbox to the outside: claim, send, record. Nothing else sends anything.

Each way out has a delivery of its own. What may have gone is never simply sent again: where the other side can be
asked it is asked first. A way that is broken rests, and is tried without a mail before it is used again.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from time import monotonic

from mailgate import journal
from mailgate.errors import Away, BadTemplate, GiveUp, NotNow, TryLater
from mailgate.model.outbound import Attempt, Doubt, SendState, Way
from mailgate.notify.backoff import alert_pause_after, pause_after, rest_after
from mailgate.notify.channel import Channel
from mailgate.store import pacing, pauses
from mailgate.store.begun import Ended
from mailgate.store.engine import Store
from mailgate.store.outbox import ASK_FIRST, Result, claim, record
from mailgate.store.outgoing import release_held
from mailgate.store.pauses import AUTOMATIC, Pause
from mailgate.workers import texting
from mailgate.workers.gather import too_many
from mailgate.workers.loop import failure_of

BATCH = 32
RECORD_SECONDS = 1.0  # of sending at most is in doubt after a power cut
DOUBT_PAUSE_SECONDS = 600.0  # E140: as long as a relay may need to get over whatever interrupted it
ASK_PAUSE_SECONDS = 60.0  # docs/notify.md section 7: a request is served for 30 seconds at most
NOTE_REST_SECONDS = 30.0
ASKED_TWICE = ASK_FIRST + 1
MOST_FAILURES = 5  # in a row, and the way rests
MOST_BAD = 3  # refused in a row with one template, and the template rests
TEMPLATE_REST = timedelta(hours=1)
HELD_FOR = timedelta(hours=1)
GATHER_SECONDS = 600.0
AUTOMATIC_PER_HOUR = 3000
OUTDATED, HELD, GATHERED = "the ticket was closed before", "there is too much automatic mail", "told with others"

Tell = Callable[[str, str, str, datetime], None]


@dataclass(frozen=True, slots=True)
class Around:
    """What a delivery needs beside its channel. *chance* gives numbers from 0 to 1; *tell* tells people."""

    store: Store
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    stop: Event
    tell: Tell
    automatic_per_hour: int = AUTOMATIC_PER_HOUR


class Delivery:
    """Sends what waits in the outbox for one *way* through *channel*."""

    def __init__(self, way: Way, channel: Channel, around: Around) -> None:
        self.name = name_of(way)
        self._way = way
        self._channel = channel
        self._around = around
        self._store = around.store
        self._results: list[Result] = []
        self._token = ""
        self._ours_until = float("-inf")
        self._failures = 0
        self._bad: Counter[str] = Counter()

    def turn(self) -> int:
        """Send a batch; how many mails it had. What could not be recorded is recorded by the next turn."""
        self._record()
        self._store.begun.close(self._token)
        self._failures = 0 if self._failures >= MOST_FAILURES else self._failures
        with self._store.read() as connection:
            resting = dict(pauses.standing(connection))
        if AUTOMATIC in resting and self._around.clock() >= resting[AUTOMATIC].until:
            release_held(self._store)
            del resting[AUTOMATIC]
        if self._rests(resting.get(self._way)):
            return 0
        lease_seconds = 2 * self._channel.longest_seconds
        self._ours_until = monotonic() + lease_seconds  # from before the claim, so that ours ends first
        attempts = claim(
            self._store,
            BATCH,
            lease_seconds,
            way=self._way,
            doubt=self._channel.doubt,
            pace=self._channel.pace,
        )
        self._token = attempts[0].token if attempts else ""
        left = deque(attempts)
        try:
            self._send_all(left, resting)
        except BaseException:  # what was not begun is not in doubt
            self._results += map(_not_begun, left)
            raise
        self._store.begun.close(self._token)
        return len(attempts)

    def _send_all(self, left: deque[Attempt], resting: Mapping[str, Pause]) -> None:
        """Send what is *left*; a slow way has its results recorded now and then."""
        kept_back = self._kept_back(tuple(left), resting) if left else {}
        begun = monotonic()
        while left:
            attempt = left.popleft()
            self._results.append(kept_back.get(attempt.id) or self._tried(attempt))
            if not left or monotonic() - begun > RECORD_SECONDS:
                self._settle()
                self._record()
                begun = monotonic()

    # ------------------------------------------------------------ before

    def _rests(self, pause: Pause | None) -> bool:
        """Whether this way is not to be used now. One that was broken is tried first, without a mail."""
        if pause is None:
            return False
        now = self._around.clock()
        if now < pause.until:
            return True
        error = failure_of(lambda channel: channel.probe(), self._channel) if pause.failures else None
        if error is None:
            with self._store.write() as tx:
                pauses.lift(tx, self._way)
            if pause.failures:
                journal.way_works_again(self._way)
            return False
        self._rest(pause.failures + 1, rest_after(pause.failures + 1), journal.why(error))
        return True

    def _kept_back(self, attempts: tuple[Attempt, ...], resting: Mapping[str, Pause]) -> dict[int, Result]:
        """What is not sent now, and not because anything failed."""
        now = self._around.clock()
        kept = {each.id: Result(each, SendState.CANCELLED, error=OUTDATED) for each in attempts if each.is_outdated}
        for attempt in attempts:
            pause = resting.get(_template(attempt))
            if pause is not None and now < pause.until:
                seconds = (pause.until - now).total_seconds()
                kept[attempt.id] = Result(attempt, SendState.READY, seconds, pause.why, counts=False)
        going = [attempt for attempt in attempts if attempt.id not in kept and not attempt.doubts]
        kept |= self._held([attempt for attempt in going if attempt.automatic], resting.get(AUTOMATIC), now)
        with self._store.read() as connection:
            left = [attempt for attempt in going if attempt.id not in kept]
            gathered, texts = too_many(connection, left, now), texting.too_many(connection, left, now)
        kept |= {
            each.id: Result(each, SendState.GATHERING, GATHER_SECONDS, GATHERED, counts=False) for each in gathered
        }
        return kept | {
            each.id: Result(each, SendState.READY, texting.AGAIN_SECONDS, texting.WHY, counts=False) for each in texts
        }

    def _held(self, automatic: list[Attempt], pause: Pause | None, now: datetime) -> dict[int, Result]:
        """What goes beyond the automatic mails of an hour (E136): something is answering something."""
        if not automatic:
            return {}
        room = 0
        if pause is None:
            with self._store.read() as connection:
                room = max(0, self._around.automatic_per_hour - pacing.sent_within_an_hour(connection, now))
        held = automatic[room:]
        if held and pause is None:
            self._open_breaker(now)
        return {each.id: Result(each, SendState.HELD, error=HELD, counts=False) for each in held}

    def _open_breaker(self, now: datetime) -> None:
        self._pause(Pause(AUTOMATIC, now + HELD_FOR, 1, HELD))
        journal.automatic_mail_held(self._around.automatic_per_hour)
        detail = (
            f"More than {self._around.automatic_per_hour} automatic mails went out within an hour. Those that follow "
            "are held for an hour, or until somebody lets them go with mailgate outbox retry held."
        )
        self._tell("automatic mail", "Acknowledgements are held", detail)

    # ------------------------------------------------------------ one mail

    def _tried(self, attempt: Attempt) -> Result:
        if self._around.stop.is_set() or self._is_late() or self._failures >= MOST_FAILURES:
            return _not_begun(attempt)
        if attempt.doubts and self._channel.doubt is Doubt.ASK:
            return self._asked(attempt)
        return self._sent(attempt)

    def _is_late(self) -> bool:
        """Whether the claim could run out while a mail is sent; our own clock may be wrong, and is not asked."""
        return self._ours_until - monotonic() < self._channel.longest_seconds

    def _sent(self, attempt: Attempt) -> Result:
        names: list[str] = []
        error = failure_of(lambda attempt: names.append(self._begun(attempt)), attempt)
        if error is not None:
            return self._not_sent(attempt, error)
        self._failures = 0
        self._bad.pop(attempt.message, None)
        return Result(attempt, SendState.SENT, receipt=names[0])

    def _begun(self, attempt: Attempt) -> str:
        """Send it, and note how far it came: should we die now, nobody has to doubt the mails before and after it."""
        notes = self._store.begun
        try:
            notes.begin(attempt.token, attempt.id)
        except TryLater as error:  # the store's fault, and no try of this mail
            raise NotNow(str(error), NOTE_REST_SECONDS) from error
        try:
            if self._is_late():  # asked again now that whoever takes it over finds it begun
                raise TryLater("the worker stood still until its claim ran out")
            name = self._channel.send(attempt)
        except (TryLater, GiveUp):
            notes.end(attempt.token, attempt.id, Ended.NOT_SENT)
            raise
        notes.end(attempt.token, attempt.id, Ended.SENT, name)
        return name

    def _asked(self, attempt: Attempt) -> Result:
        """A mail that may have gone: sent again only when the other side has said twice that it does not know it."""
        found: list[str | None] = []
        error = failure_of(lambda attempt: found.append(self._channel.find(attempt)), attempt)
        if error is not None:
            self._note_failure(error)
            why = journal.why(error)
            return Result(attempt, SendState.READY, ASK_PAUSE_SECONDS, why, counts=False)
        self._failures = 0
        if found[0] is not None:
            journal.mail_was_taken(attempt.id)
            return Result(attempt, SendState.SENT, receipt=found[0])
        if attempt.doubts < ASKED_TWICE:
            return Result(attempt, SendState.READY, ASK_PAUSE_SECONDS, counts=False, doubts=attempt.doubts + 1)
        return self._sent(attempt)

    # ------------------------------------------------------------ failures

    def _not_sent(self, attempt: Attempt, error: Exception) -> Result:
        self._note_failure(error)
        if isinstance(error, BadTemplate):
            self._note_bad(attempt, error)
        result = self._failed(attempt, error)
        journal.mail_not_sent(attempt.id, result.state, error)
        return result

    def _failed(self, attempt: Attempt, error: Exception) -> Result:
        why = str(error) if isinstance(error, TryLater | GiveUp) else journal.why(error)
        if isinstance(error, GiveUp):
            return Result(attempt, SendState.FAILED, error=why)
        if isinstance(error, NotNow):
            return Result(attempt, SendState.READY, error.seconds, why, counts=False)
        is_later = isinstance(error, TryLater)
        if not is_later and self._channel.doubt is not Doubt.ASK:
            return Result(attempt, SendState.UNCERTAIN, DOUBT_PAUSE_SECONDS, why)
        pause = self._pause_after(attempt.attempts)
        if pause is None and is_later:
            return self._given_up(attempt, why)
        seconds = pause.total_seconds() if pause else 0.0
        if is_later:
            return Result(attempt, SendState.READY, seconds, why)
        if pause is None:
            return Result(attempt, SendState.UNCERTAIN, error=f"Given up after {attempt.attempts} tries. {why}")
        return Result(attempt, SendState.READY, max(seconds, ASK_PAUSE_SECONDS), why, doubts=ASK_FIRST)

    def _pause_after(self, attempts: int) -> timedelta | None:
        chance = self._around.chance()
        return pause_after(attempts, chance) if self._way is Way.MAIL else alert_pause_after(attempts, chance)

    def _given_up(self, attempt: Attempt, why: str) -> Result:
        waited = "five days" if self._way is Way.MAIL else f"{attempt.attempts} tries"
        if self._way is not Way.MAIL:
            detail = f"After {waited} an alert could not be sent. {why} See mailgate outbox list --state failed."
            self._tell(f"alerts by {self._way}", "Alerts cannot be sent", detail)
        return Result(attempt, SendState.FAILED, error=f"Given up after {waited}. {why}")

    def _note_failure(self, error: Exception) -> None:
        """Five answers in a row that say nothing, or one that says that nothing will go, and the way rests."""
        if isinstance(error, NotNow):
            self._rest(int(error.for_people), timedelta(seconds=error.seconds), str(error))
            self._failures = MOST_FAILURES  # the rest of the batch is not begun
        elif isinstance(error, Away) or not isinstance(error, TryLater | GiveUp):
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                self._rest(1, rest_after(1), journal.why(error))
        else:
            self._failures = 0

    def _rest(self, failures: int, length: timedelta, why: str) -> None:
        self._pause(Pause(self._way, self._around.clock() + length, failures, why))
        if failures:
            journal.way_rests(self._way, length.total_seconds(), why)
            detail = f"{why} Nothing is lost: what waits goes out as soon as it works again. See mailgate doctor."
            self._tell(f"sending by {self._way}", "Mail of ours cannot be sent", detail)

    def _note_bad(self, attempt: Attempt, error: BadTemplate) -> None:
        self._bad[attempt.message] += 1
        if self._bad[attempt.message] < MOST_BAD:
            return
        self._pause(Pause(_template(attempt), self._around.clock() + TEMPLATE_REST, 1, str(error)))
        detail = f"{MOST_BAD} alerts in a row were refused with the template {attempt.message}. {error}"
        self._tell(_template(attempt), "A template of GOV.UK Notify is refused", detail)

    def _pause(self, pause: Pause) -> None:
        def written(pause: Pause) -> None:
            with self._store.write() as tx:
                pauses.rest(tx, pause)

        self._done_if_possible(failure_of(written, pause))

    def _tell(self, name: str, subject: str, detail: str) -> None:
        now = self._around.clock()
        self._done_if_possible(failure_of(lambda tell: tell(name, subject, detail, now), self._around.tell))

    def _done_if_possible(self, error: Exception | None) -> None:
        """What is only said about mails must not keep their results from being recorded."""
        if error is not None:
            journal.worker_failed(self.name, error)

    # ------------------------------------------------------------ after

    def _settle(self) -> None:
        """What was sent is sure now, or was not sent after all."""
        sent = [result.attempt for result in self._results if result.state is SendState.SENT]
        error = failure_of(lambda channel: channel.settle(), self._channel) if sent else None
        if error is not None:
            self._results = [
                self._not_sent(result.attempt, error) if result.state is SendState.SENT else result
                for result in self._results
            ]
        elif sent:
            journal.mails_sent([attempt.id for attempt in sent])

    def _record(self) -> None:
        if self._results:
            record(self._store, self._results, self._around.clock())
            self._results.clear()


def name_of(way: Way) -> str:
    return "delivery" if way is Way.MAIL else f"delivery by {way}"


def _not_begun(attempt: Attempt) -> Result:
    return Result(attempt, SendState.READY, counts=False)


def _template(attempt: Attempt) -> str:
    return f"template {attempt.message}"
