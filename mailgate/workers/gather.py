"""Acknowledgements past thirty in an hour are gathered into one mail (docs/design.md)."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailgate.model.outbound import Attempt
from mailgate.notify.compose import About, Context, compose
from mailgate.notify.labels import team_label
from mailgate.store import gathering
from mailgate.store.engine import Connection, Store
from mailgate.tickets import answer

MESSAGE = "received"
AN_HOUR = 30


def too_many(connection: Connection, attempts: Sequence[Attempt], now: datetime) -> list[Attempt]:
    """Those of *attempts* that would be more than their reader should get in an hour."""
    acknowledging = [attempt for attempt in attempts if attempt.message == MESSAGE]
    if not acknowledging:
        return []
    had = Counter(gathering.acknowledged(connection, {each.recipient for each in acknowledging}, MESSAGE, now))
    found = []
    for attempt in acknowledging:
        had[attempt.recipient] += 1
        if had[attempt.recipient] > AN_HOUR:
            found.append(attempt)
    return found


@dataclass(frozen=True, slots=True)
class Gathering:
    """Tells a reader in one mail of all the tickets whose acknowledgements were kept back for it."""

    store: Store
    context: Context
    clock: Callable[[], datetime]

    def turn(self) -> int:
        """How many mails were written."""
        with self.store.read() as connection:
            readers = gathering.due(connection)
        return sum(self._tell(reader) for reader in readers)

    def _tell(self, reader: str) -> bool:
        now = self.clock()
        with self.store.write() as tx:
            waiting = gathering.waiting(tx, reader)
            if not waiting:
                return False  # another node was first
            first = waiting[0]
            about = About(
                ref=first.ref,
                serial=first.last_serial + 1,
                mailbox=first.mailbox,
                at=now,
                received_at=first.received_at,
                cause=f"gathered {first.mail_id}",
                team=team_label(self.context.config, first.team),
                marking=first.marking,
            )
            fields = {"references": " ".join(each.ref for each in waiting)}
            mail = compose(answer.to(reader, "gathered", self.context.config, fields), about, self.context)
            gathering.told(tx, mail, waiting, now)
        return True
