"""Everything that the pages tell, gathered at one moment."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from mailgate.errors import TryLater
from mailgate.model.config import Config, Mode
from mailgate.model.health import AccountHealth
from mailgate.store.engine import Store
from mailgate.store.figures import Canary, Figures, canaries, figures
from mailgate.store.nodes import Node, seen
from mailgate.web.counts import Counts
from mailgate.workers.presence import Presence
from mailgate.workers.watch import Watched


@dataclass(frozen=True, slots=True)
class Sight:
    """*store* is None while the store is away."""

    now: datetime
    store: Figures | None
    canaries: Mapping[str, Sequence[Canary]]
    free_bytes: int
    accounts: Sequence[AccountHealth]


@dataclass(slots=True)
class Observer:
    """Looks at the store, the disk, the workers' counts and the accounts. *workers*: those that should be at work.

    *config* is the one in force, and may be replaced.
    """

    config: Config
    store: Store
    counts: Counts
    clock: Callable[[], datetime]
    started_at: datetime
    free_bytes: Callable[[], int]
    workers: tuple[str, ...] = ()
    accounts: Sequence[AccountHealth] = ()
    watched: Watched = field(default_factory=Watched)
    presence: Presence | None = None

    def look(self) -> Sight:
        now, found, back = self.clock(), None, {}
        with suppress(TryLater), self.store.read() as connection:
            found = figures(connection)
            back = {mailbox: canaries(connection, mailbox, now) for mailbox in live_mailboxes(self.config)}
        return Sight(now, found, back, self.free_bytes(), self.accounts)

    def nodes(self) -> Sequence[Node] | None:
        """Who works on the store; None while it is away."""
        with suppress(TryLater), self.store.read() as connection:
            return seen(connection)
        return None


def live_mailboxes(config: Config) -> list[str]:
    return [name for name, mailbox in config.service.mailboxes.items() if mailbox.mode is Mode.LIVE]
