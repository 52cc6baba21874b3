"""Tells the store every 30 seconds that this node is here, and people when its clock is wrong or was moved."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version

from mailgate import journal
from mailgate.errors import TryLater
from mailgate.model.config import Config
from mailgate.store import nodes
from mailgate.store.engine import Store
from mailgate.store.nodes import MOST_AHEAD, Node, Running
from mailgate.store.schema import HEAD

BEAT_SECONDS = 30.0
CLOCK = "let chrony or systemd-timesyncd set it, and see mailgate doctor."

Tell = Callable[[str, str, str, datetime], None]


class Presence:
    """*running* says what runs now, *tell* is ``Alerts.tell``; *steady* gives seconds that nobody moves."""

    def __init__(
        self,
        store: Store,
        name: str,
        running: Callable[[], Running],
        clock: Callable[[], datetime],
        tell: Tell,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._name, self._running, self._clock, self._tell = store, name, running, clock, tell
        self._steady = steady
        self._last = (clock(), steady())
        self._next = float("-inf")
        self._started_at: datetime | None = None
        self.told: Node | None = None

    def turn(self) -> int:
        """One look. Nothing is ever waiting: 0. Raises TryLater while the store is away."""
        if self._steady() < self._next:
            return 0
        self._next = self._steady() + BEAT_SECONDS
        moved = self._moved()
        if abs(moved) > MOST_AHEAD:
            self._say("was moved", moved)
        node = self.told = nodes.tell(self._store, self._name, self._running(), self._started_at, self._clock)
        self._started_at = node.started_at
        if node.is_wrong:
            self._say("is off the database's", node.ahead)
        return 0

    def _moved(self) -> timedelta:
        """How far the clock was put on since the last look, or back."""
        (clock, steady), self._last = self._last, (self._clock(), self._steady())
        return (self._last[0] - clock) - timedelta(seconds=self._last[1] - steady)

    def _say(self, how: str, seconds: timedelta) -> None:
        journal.clock_wrong(how, seconds.total_seconds())
        detail = f"The clock of {self._name} {how} by {seconds.total_seconds():+.0f} seconds: {CLOCK}"
        self._tell(f"clock {self._name}", "The clock of a gateway is wrong", detail, self._clock())

    def leave(self) -> None:
        """Nobody is to miss a node that ended in good order."""
        with suppress(TryLater):
            nodes.forget(self._store, self._name)


def name_of_node(config: Config) -> str:
    """Two gateways of one machine listen at different places."""
    return " ".join([socket.gethostname(), *filter(None, [config.operator.smtp.listen])])


def running(config: Config) -> Running:
    """What this program runs with *config*."""
    return Running(version("mailgate"), HEAD, config.version)
