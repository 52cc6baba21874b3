"""What a Postfix in front of us says it handed over, read from the lines of its log."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

_HANDED_OVER = re.compile(
    r"^(?P<at>\d{4}-\d\d-\d\dT\S+|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) .*?"
    r"\b(?P<queue_id>[0-9A-Za-z]{6,20}): to=<.*status=sent \(250 2\.0\.0 (?:<[^>]*> )?queued as (?P<key>[0-9a-f]{16})\b"
)
_RECEIVED_ID = re.compile(rb"(?im)^received:(?:[^\n]|\n[ \t]){0,2000}?\bid\s+([0-9A-Za-z]{6,20})\b")


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One mail that the relay calls sent: *key* is the beginning of its ingest key, as our reply told it."""

    at: datetime
    queue_id: str
    key: str


def handed_over(lines: Iterable[str], now: datetime) -> list[HandedOver]:
    """Every mail that *lines* call sent to us. Stamps without year and zone are *now*'s, or the year before.

    A line whose stamp is none is taken for *now*'s: what the relay says it sent is never left out.
    """
    found = (_HANDED_OVER.match(line) for line in lines)
    return [HandedOver(_instant(each["at"], now) or now, each["queue_id"], each["key"]) for each in found if each]


def received_id(raw: bytes) -> str:
    """The queue id that the last relay wrote into the mail, "" where it wrote none."""
    found = _RECEIVED_ID.search(raw[:65536])
    return found[1].decode("ascii") if found else ""


def _instant(stamp: str, now: datetime) -> datetime | None:
    if stamp[0].isdigit():
        with suppress(ValueError):
            at = datetime.fromisoformat(stamp)
            return at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
    for year in (now.year, now.year - 1):
        with suppress(ValueError):  # the 29th of February has its year
            at = datetime.strptime(f"{year} {stamp}", "%Y %b %d %H:%M:%S").replace(tzinfo=now.tzinfo)
            if at <= now + timedelta(days=1):
                return at
    return None
