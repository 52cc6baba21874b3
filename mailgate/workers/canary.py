"""The canary of each hour: sends one through every live mailbox and sees whether those of before came back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailgate import journal
from mailgate.model.config import Config, Mode
from mailgate.notify.compose import Context
from mailgate.store import outbox
from mailgate.store.engine import Store
from mailgate.store.figures import Canary, canaries, forget_canaries
from mailgate.tickets import canary
from mailgate.workers.alerts import Alerts

MISSING_AFTER = timedelta(hours=2)
KEPT = timedelta(days=30)
SUBJECT = "Mail may not be arriving"


@dataclass(frozen=True, slots=True)
class Canaries:
    store: Store
    context: Context
    alerts: Alerts
    clock: Callable[[], datetime]

    def turn(self) -> None:
        """Look for those that are missing, forget old ones, send the next: once an hour, whoever else does it too."""
        now, config = self.clock(), self.context.config
        mailboxes = [name for name, mailbox in config.service.mailboxes.items() if mailbox.mode is Mode.LIVE]
        with self.store.read() as connection:
            gone = [name for name in mailboxes if is_missing(canaries(connection, name, now), now)]
        for mailbox in gone:
            journal.canary_missing(mailbox)
            detail = (
                f"For more than two hours no test mail has come back through {mailbox}. "
                "Mail that people send there may not be arriving either."
            )
            self.alerts.tell(f"canary {mailbox}", SUBJECT, detail, now)
        mails = [canary.compose(mailbox, _sender(mailbox, config), self.context.keys, now) for mailbox in mailboxes]
        with self.store.write() as tx:
            forget_canaries(tx, now - KEPT)
            outbox.queue(tx, [outbox.Queued(mail, None, now, to_stranger=False) for mail in mails])


def flies(config: Config) -> bool:
    """Whether canaries are sent: what goes into a Maildir never comes back."""
    return config.operator.send.via.startswith("smtp://")


def is_missing(sent: Sequence[Canary], now: datetime) -> bool:
    """Whether one that was sent more than two hours ago is not back, nor any after it. *sent*: the newest first."""
    for each in sent:
        if each.returned_at is not None:
            return False
        if now - each.sent_at > MISSING_AFTER:
            return True
    return False


def _sender(mailbox: str, config: Config) -> str:
    return config.service.send_from or mailbox
