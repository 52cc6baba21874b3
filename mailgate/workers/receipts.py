"""What GOV.UK Notify reports about what it took: by its calls, or by our asking (docs/notify.md section 8)."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from mailgate import journal
from mailgate.errors import GiveUp, Refused, TryLater, Uncertain
from mailgate.model.outbound import Way
from mailgate.store import contacts, outbox, receipts
from mailgate.store.engine import Connection, Store

BATCH = 50
UNKNOWN = "unknown"
SENT_AGAIN = {"technical-failure": timedelta(0), "temporary-failure": timedelta(hours=6)}
"""After which time: an inbox may be emptied, a telephone switched on."""
DELIVERED = frozenset({"sent", "delivered"})


class Asking(Protocol):
    """The part of the channel that is asked."""

    def status(self, notify_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Receipts:
    """*environment* begins the references that are ours."""

    store: Store
    environment: str
    clock: Callable[[], datetime]

    def note(self, notify_id: str, reference: str, status: str) -> None:
        """Write a receipt down; one that is not ours, or not known, or comes again, changes nothing."""
        now = self.clock()
        with self.store.write() as tx:
            mail_id = receipts.note(tx, notify_id, self._mail_id(reference), status, now)
            if mail_id is not None:
                self._follow(tx, mail_id, status, now)
        if mail_id is not None:
            journal.receipt_noted(mail_id, status)

    def _mail_id(self, reference: str) -> int | None:
        """The number of the outbox row that *reference* names, if this gateway made it."""
        mine, _, rest = reference.partition(f"{self.environment}-")
        number = rest.partition("-")[0]
        return int(number) if not mine and number.isdecimal() and len(number) < 18 else None

    def _follow(self, tx: Connection, mail_id: int, status: str, now: datetime) -> None:
        """What a final status means: the ticket shows it, an address that is none is not used again."""
        what = "alert delivered" if status in DELIVERED else "alert not delivered"
        outbox.tell_ticket(tx, mail_id, what, "" if status in DELIVERED else status, now)
        mail = receipts.mail(tx, mail_id)
        if status == "permanent-failure":
            contacts.flag(tx, mail.recipient, now)
        elif status in SENT_AGAIN and Way(mail.way) is not Way.MAIL:
            receipts.send_again(tx, mail, now, SENT_AGAIN[status])

    def ask(self, channel: Asking) -> int:
        """Ask for what is due; how many were asked for. What Notify does not know any more is not asked for again."""
        now = self.clock()
        with self.store.read() as connection:
            waiting = receipts.to_ask(connection, now, BATCH)
        for row in waiting:
            try:
                status = channel.status(row.id)
            except (TryLater, Uncertain, GiveUp):
                status = None
            if status is not None:
                self.note(row.id, "", status)
            with self.store.write() as tx:
                receipts.asked(tx, row.mail_id, now)
        return len(waiting)


def read_receipt(body: bytes) -> tuple[str, str, str]:
    """Notify's id, our reference and the status of one call; Refused where it is no receipt."""
    try:
        said: Any = json.loads(body)
        found = said["id"], said.get("reference") or "", said["status"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("this is no receipt of GOV.UK Notify") from error
    if not all(isinstance(each, str) and len(each) <= 1000 for each in found):
        raise Refused("this is no receipt of GOV.UK Notify")
    return found


def may_report(authorization: str, token: str) -> bool:
    """Whether a call bears our *token*; takes the same time wherever it is wrong."""
    return hmac.compare_digest(authorization.encode("utf-8", "replace"), f"Bearer {token}".encode())
