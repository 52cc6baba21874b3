"""What is looked at from time to time: is a mailbox quieter or louder than usual, does a certificate end soon?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailgate import journal
from mailgate.errors import TryLater
from mailgate.store.engine import Store
from mailgate.store.figures import accepted_between, first_mail_at

WEEKS = 4
HOUR = timedelta(hours=1)
QUIET_FROM = 10.0  # a mailbox that usually has fewer mails in the hour may have none by chance
QUIET_BELOW = 1 / 4
LOUD_ABOVE = 3.0
LOUD_FROM = 20
WARNED_DAYS = 30


@dataclass(frozen=True, slots=True)
class Hour:
    """The mails of one hour at one mailbox, and of the same hour in an average week before."""

    mails: int
    usual: float

    @property
    def is_quieter(self) -> bool:
        return self.usual >= QUIET_FROM and self.mails < self.usual * QUIET_BELOW

    @property
    def is_louder(self) -> bool:
        return self.mails >= LOUD_FROM and self.mails > self.usual * LOUD_ABOVE


@dataclass(slots=True)
class Watched:
    """What was found last, for the metrics; *mistakes*: of a configuration that did not come into force."""

    hours: Mapping[str, Hour] = field(default_factory=dict)
    days_left: Mapping[str, float] = field(default_factory=dict)
    differences: int | None = None
    mistakes: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks, and tells people what is not as it should be, by *tell*, which is ``Alerts.tell``.

    *endings* tells of each certificate and secret when it ends.
    """

    store: Store
    mailboxes: Sequence[str]
    endings: Mapping[str, Callable[[], datetime | None]]
    clock: Callable[[], datetime]
    watched: Watched
    tell: Callable[..., None]

    def hour(self) -> None:
        """Compare the last full hour with the same hour of the weeks before, once there is a week to compare with."""
        now = self.clock()
        end = now.replace(minute=0, second=0, microsecond=0)
        with self.store.read() as connection:
            first = first_mail_at(connection)
            back = [end - timedelta(weeks=week) for week in range(WEEKS + 1)]
            known = [at for at in back if first is not None and at - HOUR >= first]
            counts = [accepted_between(connection, at - HOUR, at) for at in known]
        self.watched.hours = hours(self.mailboxes, counts)
        for mailbox, found in self.watched.hours.items():
            if found.is_quieter or found.is_louder:
                journal.mailbox_unusual(mailbox, found.mails, found.usual)
                what = "quieter" if found.is_quieter else "louder"
                subject = f"A mailbox is far {what} than usual"
                detail = f"In the last hour {found.mails} mails came to {mailbox}; {found.usual:.0f} are usual then."
                self.tell(f"{what} {mailbox}", subject, detail, now)

    def expiries(self) -> None:
        """Say, once a week, which certificates and secrets end within 30 days; what cannot be asked now is left out."""
        now, days = self.clock(), dict[str, float]()
        monday = now.date() - timedelta(days=now.weekday())
        for what, ends_at in self.endings.items():
            try:
                end = ends_at()
            except TryLater as error:
                journal.not_looked_at(what, error)
                continue
            if end is not None:
                days[what] = (end - now) / timedelta(days=1)
                if days[what] < WARNED_DAYS:
                    journal.expires(what, days[what])
                    detail = f"What mailgate.yml names under {what} ends on {end:%Y-%m-%d}. Mail stops when it does."
                    self.tell(f"expires {what}", "A certificate or secret ends soon", detail, now, monday)
        self.watched.days_left = days


def hours(mailboxes: Sequence[str], counts: Sequence[Mapping[str, int]]) -> dict[str, Hour]:
    """Each mailbox's hour: *counts* are those of the last one, then of the weeks before. None without these."""
    if len(counts) < 2:
        return {}
    last, *before = counts
    usual = {name: sum(week.get(name, 0) for week in before) / len(before) for name in mailboxes}
    return {name: Hour(last.get(name, 0), usual[name]) for name in mailboxes}
