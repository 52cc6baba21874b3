"""Every night: what is kept no longer is forgotten, a little each minute, so that nothing else waits for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mailgate import journal
from mailgate.model.keeping import Keep
from mailgate.store import retention
from mailgate.store.engine import Store

LEASE = "keeping"
HOURS = "1-4"  # in UTC: after the day, and before what looks at it
TURN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """Forgets while this node *leads*; what one minute leaves over the next one does."""

    store: Store
    keep: Keep
    clock: Callable[[], datetime]
    leads: Callable[[], bool]

    def turn(self) -> None:
        until = time.monotonic() + TURN_SECONDS

        def goes_on() -> bool:
            return time.monotonic() < until and self.leads()

        if goes_on():
            counts = retention.run(self.store, self.keep, self.clock(), goes_on=goes_on)
            if any(counts.values()):
                journal.forgotten(counts)
