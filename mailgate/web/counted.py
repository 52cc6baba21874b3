"""The workers' own work, counted as it passes."""

from collections.abc import Sequence

from mailgate.errors import GiveUp, TryLater
from mailgate.model.outbound import Attempt
from mailgate.notify.channel import Channel
from mailgate.store.apply import Settled
from mailgate.store.spool import Spooled
from mailgate.web.counts import Own
from mailgate.workers.guesses import FALSE_TOKEN
from mailgate.workers.intake import Intake


class CountedIntake:
    """An intake whose decisions are counted."""

    name = Intake.name

    def __init__(self, intake: Intake, counts: Own) -> None:
        self._counts = counts
        self._intake = intake
        self.release = intake.release

    def claim(self) -> Sequence[Spooled]:
        self._counts.turned(self.name)
        return self._intake.claim()

    def handle(self, spooled: Sequence[Spooled]) -> list[Settled]:
        settled = self._intake.handle(spooled)
        for each in settled:
            decision, message = each.decision, each.reading.message
            self._counts.decided(decision.action, message.kind, decision.silent_because)
            self._counts.read(message.confidence, unreadable="unreadable" in message.defects)
            if FALSE_TOKEN in message.defects:
                self._counts.false_token()
        return settled

    def quarantine(self, mail: Spooled, error: Exception) -> None:
        self._intake.quarantine(mail, error)
        self._counts.quarantined()


class CountedChannel:
    """A channel whose results are counted."""

    def __init__(self, channel: Channel, counts: Own, worker: str = "delivery") -> None:
        self._channel = channel
        self._counts = counts
        self._worker = worker
        self.longest_seconds, self.doubt, self.pace = channel.longest_seconds, channel.doubt, channel.pace
        self.find, self.probe, self.close = channel.find, channel.probe, channel.close
        self._unsettled = 0

    def send(self, attempt: Attempt) -> str:
        self._counts.turned(self._worker)
        result = "uncertain"
        try:
            name = self._channel.send(attempt)
            result = ""
            self._unsettled += 1
            return name
        except TryLater:
            result = "later"
            raise
        except GiveUp:
            result = "given up"
            raise
        finally:
            if result:
                self._counts.sent(result)

    def settle(self) -> None:
        """What was sent counts when it is sure."""
        mails, self._unsettled = self._unsettled, 0
        result = "later"
        try:
            self._channel.settle()
            result = "sent"
        finally:
            self._counts.sent(result, mails)
