"""What the stand-in knows: its texts and limits, what was sent and what became of it (docs/notify.md sections 6, 8)."""

import json
import re
import time
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from mailgate.notify.standin.access import Refusal
from mailgate.notify.standin.messages import Said, Templates, checked, made

SMOKE = re.compile(r"simulate-delivered(-[23])?@notifications\.service\.gov\.uk|0770090(0000|0111|0222)")
OUTCOMES = {
    "temp-fail@simulator.notify": "temporary-failure",
    "perm-fail@simulator.notify": "permanent-failure",
    "07700900003": "temporary-failure",
    "07700900002": "permanent-failure",
}
LARGEST_BUCKET, A_SECOND = 1000, 50

Reply = tuple[int, Any]


class Known:
    """What was *sent*, and what may be. *bucket* fills up by *refill* a second; *daily*: how many more today.

    None: no limit. *callback*: the address and the token by which receipts are sent.
    """

    url: str

    def __init__(self) -> None:
        self.bucket: float | None = LARGEST_BUCKET
        self.refill = A_SECOND
        self.daily: int | None = None
        self.templates = Templates()
        self.callback: tuple[str, str] | None = None
        self.sent: list[dict[str, Any]] = []
        self.requests = 0
        self.lock = Lock()
        self._refilled_at = time.monotonic()

    def send(self, channel: str, kind: str, said: Said) -> Reply:
        """Take one message, or refuse it as Notify would. What fails counts as well."""
        with self.lock:
            self.requests += 1
            if not self._has_room():
                why = f"Exceeded rate limit for key type {kind.upper()} of 3000 requests per 60 seconds"
                raise Refusal(429, "RateLimitError", why)
            to, text = checked(channel, kind, said, self.templates)
            if self.daily is not None:
                if self.daily <= 0:
                    raise Refusal(429, "TooManyRequestsError", f"Exceeded send limits ({channel}: 50) for today")
                self.daily -= 1
            message = made(channel, to, text, said, self.url, now())
            if not SMOKE.fullmatch(to):
                self.sent.append(message | {"kind": kind, "to": to})
        return 201, {name: message[name] for name in ("id", "reference", "template", "uri")} | {
            "content": {"body": message["body"], "subject": message["subject"]},
            "scheduled_for": None,
        }

    def _has_room(self) -> bool:
        """Whether the bucket holds one more; it is taken out then."""
        if self.bucket is None:
            return True
        before, self._refilled_at = self._refilled_at, time.monotonic()
        self.bucket = min(LARGEST_BUCKET, self.bucket + self.refill * (self._refilled_at - before))
        if self.bucket < 1:
            return False
        self.bucket -= 1
        return True

    def report(self, notify_id: str, *, times: int = 1) -> None:
        """Decide what becomes of a message, and tell whoever wants to hear of it."""
        message = next(each for each in self.sent if each["id"] == notify_id)
        status = OUTCOMES.get(message["to"], "delivered")
        message |= {"status": status, "sent_at": now(), "completed_at": now()}
        if self.callback is None:
            return
        url, token = self.callback
        names = ("id", "reference", "to", "status", "created_at", "completed_at", "sent_at")
        receipt = {name: message[name] for name in names} | {"notification_type": message["type"]}
        receipt |= {"template_id": message["template"]["id"], "template_version": message["template"]["version"]}
        bears = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for _ in range(times):
            with suppress(OSError):  # Notify tries again; whoever wants that of us asks by id
                call = urllib.request.Request(url, json.dumps(receipt).encode(), bears)  # noqa: S310
                urllib.request.urlopen(call, timeout=5).close()  # noqa: S310


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
