"""What to do with the mails of a folder that is our queue: the state machine of E43, without the server."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailgate.ingest.parse import parse
from mailgate.model.folder import Fetched, Folder, Known, Stage
from mailgate.model.message import NOT_FETCHED, Envelope, Kind, Message
from mailgate.model.operator import ImapAccount

PROCESSED, FAILED, TOO_LARGE = "Processed", "Failed", "TooLarge"
MOST_A_CYCLE = 500  # E51
RETRIES = 5  # E53: they come after 4, 8, 12, 16 and 20 minutes, an hour in all
RETRY_STEP = timedelta(minutes=4)
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 300.0
FIRST_PAUSE_WHEN_REFUSED_SECONDS = 30.0
LONGEST_PAUSE_WHEN_REFUSED_SECONDS = 900.0
MOST_HEADER_BYTES = 256 * 1024

_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_HEADER_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?")
_DESCRIBES_CONTENT = re.compile(rb"(?i)(?:content-|mime-version)")


class TooLarge(Exception):
    """A mail above the limit: only its beginning is taken (E50)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """*fetch*: the UIDs to read now, the oldest first. *gone*: those that left the folder."""

    fetch: tuple[int, ...]
    gone: tuple[int, ...]


def plan(listed: Collection[int], known: Iterable[Known], now: datetime) -> Plan:
    """What a complete list of the folder asks for; whether somebody marked a mail as read does not matter (E40)."""
    rows = {row.uid: row for row in known}
    there = set(listed)
    due = sorted(uid for uid in there if uid not in rows or _is_due(rows[uid], now))
    gone = tuple(sorted(rows.keys() - there))
    return Plan(tuple(due[:MOST_A_CYCLE]), gone)


def _is_due(row: Known, now: datetime) -> bool:
    return row.stage is Stage.UNREAD and row.retry_at is not None and row.retry_at <= now


def destination(row: Known) -> str | None:
    """Where a mail belongs now; None as long as it has to stay (E43 step 5, E44)."""
    if row.stage not in (Stage.STORED, Stage.TOO_LARGE) or not row.decided:
        return None
    if row.in_quarantine:
        return FAILED
    return TOO_LARGE if row.stage is Stage.TOO_LARGE else PROCESSED


def retry_after(attempts: int) -> timedelta | None:
    """How long to wait after the *attempts*-th time that a mail was not handed over; None: it never will be (E53)."""
    return RETRY_STEP * attempts if attempts <= RETRIES else None


def pause_seconds(failures: int, chance: float, *, refused: bool) -> float:
    """How long to wait after so many failures in a row: full jitter (E49); no hammering where we are refused (E57)."""
    doublings = min(failures - 1, 20)
    if refused:
        return min(LONGEST_PAUSE_WHEN_REFUSED_SECONDS, FIRST_PAUSE_WHEN_REFUSED_SECONDS * 2.0**doublings)
    return chance * min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**doublings)


def header_of(raw: bytes) -> Message:
    """What the header alone says."""
    beginning = raw[:MOST_HEADER_BYTES]
    end = _END_OF_HEADER.search(beginning)
    return parse(beginning[: end.end()] if end else beginning)


def is_placeholder(header: Message) -> bool:
    """Whether Exchange handed over an excuse instead of the mail (E53)."""
    return header.kind is Kind.PLACEHOLDER


def envelope_of(header: Message, fetched: Fetched, account: ImapAccount, now: datetime) -> Envelope:
    """The envelope of a mail out of *account*: its header stands in for the sender, the mailbox is the recipient.

    It arrived when the server took it, however late we come for it: that is when its sender began to wait (E80).
    """
    return Envelope(
        sender=header.return_path,
        recipients=(account.mailbox,),
        received_at=min(fetched.arrived_at or now, now),
        source="imap",
        peer=account.host,
        vouched=account.is_believed,
    )


def excerpt(fetched: Fetched, most_bytes: int) -> bytes:
    """A mail that is too large as one that is not: its header, and what can be read of its text (E50)."""
    beginning = fetched.beginning.replace(b"\r\n", b"\n")
    end = _END_OF_HEADER.search(beginning)
    fields = _HEADER_FIELD.findall(beginning[: end.start() + 1] if end else beginning[:MOST_HEADER_BYTES])
    kept = b"".join(field.rstrip(b"\n") + b"\n" for field in fields if not _DESCRIBES_CONTENT.match(field))
    said = f"This mail is larger than {most_bytes // 1024**2} MiB: only its text is here"
    text = f"[{said}, the whole is in the folder {TOO_LARGE}.]\n\n{parse(fetched.beginning).text}"
    about = b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    return kept + about + text.encode("utf-8", "replace")


def not_fetched(folder: Folder, uid: int, account: ImapAccount, now: datetime) -> tuple[Envelope, bytes]:
    """What stands in the spool for a mail that the server will not hand over, so that a person is told."""
    envelope = Envelope("", (account.mailbox,), now, source=NOT_FETCHED, peer=account.host)
    text = (
        "Subject: A mail that could not be fetched\n\n"
        f"UID {uid} of the folder {folder.name} (UIDVALIDITY {folder.uidvalidity}), account {folder.account}\n"
    )
    return envelope, text.encode()
