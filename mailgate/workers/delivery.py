"""From the outbox to the outside: claim, send, record. Nothing else sends anything."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from mailgate import journal
from mailgate.errors import GiveUp, TryLater
from mailgate.model.outbound import Attempt, SendState
from mailgate.notify.backoff import pause_after
from mailgate.notify.channel import Channel
from mailgate.store.engine import Store
from mailgate.store.outbox import Result, claim, record
from mailgate.workers.loop import failure_of

BATCH = 32
DOUBT_PAUSE_SECONDS = 600.0  # E140: as long as a relay may need to get over whatever interrupted it


class Delivery:
    """Sends what waits in the outbox through *channel*; *chance* gives numbers from 0 to 1."""

    name = "delivery"

    def __init__(
        self, store: Store, channel: Channel, clock: Callable[[], datetime], chance: Callable[[], float], stop: Event
    ) -> None:
        self._store = store
        self._channel = channel
        self._clock = clock
        self._chance = chance
        self._stop = stop
        self._results: list[Result] = []

    def turn(self) -> int:
        """Send a batch; how many mails it had. What could not be recorded is recorded by the next turn."""
        self._record()
        lease_seconds = 2 * self._channel.longest_seconds
        attempts = claim(self._store, BATCH, lease_seconds, repeatable=self._channel.repeatable)
        for attempt in attempts:
            self._results.append(self._sent(attempt))
        self._settle()
        self._record()
        return len(attempts)

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
            record(self._store, self._results, self._clock())
            self._results.clear()

    def _sent(self, attempt: Attempt) -> Result:
        now = self._clock()
        if self._stop.is_set() or attempt.lease_until - now < timedelta(seconds=self._channel.longest_seconds):
            return Result(attempt, SendState.READY)  # not begun: the lease could end before the answer
        error = failure_of(self._channel.send, attempt)
        return Result(attempt, SendState.SENT) if error is None else self._not_sent(attempt, error)

    def _not_sent(self, attempt: Attempt, error: Exception) -> Result:
        result = self._failed(attempt, error)
        journal.mail_not_sent(attempt.id, result.state, error)
        return result

    def _failed(self, attempt: Attempt, error: Exception) -> Result:
        why = str(error) if isinstance(error, TryLater | GiveUp) else journal.why(error)
        if isinstance(error, GiveUp):
            return Result(attempt, SendState.FAILED, error=why)
        if isinstance(error, TryLater):
            pause = pause_after(attempt.attempts, self._chance())
            if pause is None:
                return Result(attempt, SendState.FAILED, error=f"Given up after five days. {why}")
            return Result(attempt, SendState.READY, after_seconds=pause.total_seconds(), error=why)
        return Result(attempt, SendState.UNCERTAIN, after_seconds=DOUBT_PAUSE_SECONDS, error=why)
