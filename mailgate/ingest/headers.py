"""The header values of one part: decoded, cleaned, bounded (E71-E77, E81, R10-R15).

Identifiers come from the raw value by pattern, addresses and dates are read by mail-parser,
everything else is text. Nothing here raises on what a sender wrote.
"""

import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from quopri import decodestring

from mailparser.dates import parse_mail_date
from mailparser.utils import get_addresses

from mailgate.ingest.charset import decode, one_line
from mailgate.ingest.tree import Part
from mailgate.model.message import Address

MAX_ADDRESSES = 2000
MAX_IDS = 50  # kept at each end of References (S27)
MAX_SUBJECT = 500
MAX_NAME = 200
MAX_VALUE = 1000

_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f]{1,995}>")
_BARE_ID = re.compile(r"[^<>\s,;\"\x00-\x1f\x7f]{1,500}@[^<>\s,;\"\x00-\x1f\x7f]{1,500}")
# Twice in one mail, and two programs read two mails (E180).
_ONCE = (
    *("from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to"),
    *("references", "content-type", "mime-version"),
)


def as_text(value: str) -> str:
    """A raw header value as Unicode: bytes beyond ASCII, which it carries as surrogates, decoded (E74)."""
    if value.isascii():
        return value
    return decode(value.encode("utf-8", "surrogateescape"))[0]


def decode_words(text: str) -> str:
    """A raw value as Unicode, its RFC 2047 encoded words read as leniently as people's programs write them (E75)."""
    if "=?" not in text:
        return as_text(text)
    out: list[str] = []
    run: list[bytes] = []
    run_label = ""
    end = 0
    for word in _ENCODED_WORD.finditer(text):
        label = word[1].partition("*")[0].lower()
        between = text[end : word.start()]
        # Neighbours of one charset are one text: a character may be split between them.
        if run and (between.strip() or label != run_label):
            out.append(decode(b"".join(run), run_label)[0])
            run = []
        if between.strip() or not end:
            out.append(as_text(between))
        run_label = label
        run.append(_unpacked(word[2], word[3]))
        end = word.end()
    out.append(decode(b"".join(run), run_label)[0])
    out.append(as_text(text[end:]))
    return "".join(out)


def _unpacked(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return decodestring(data, header=True)
    data = _NOT_BASE64.sub(b"", data)
    data = data[: len(data) // 4 * 4 + (0, 0, 2, 3)[len(data) % 4]]  # one character alone is no byte
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


class Headers:
    """The header fields of one part, by lower-case name."""

    def __init__(self, part: Part) -> None:
        raw: dict[str, list[str]] = {}
        for name, value in part.raw_items():
            raw.setdefault(name.lower(), []).append(value)
        self.raw = raw

    def __contains__(self, name: str) -> bool:
        return name in self.raw

    def text(self, name: str, longest: int = MAX_VALUE) -> str:
        """The first value of *name* on one clean line, or ""."""
        values = self.raw.get(name)
        return one_line(decode_words(values[0]), longest) if values else ""

    @cached_property
    def decoded(self) -> dict[str, tuple[str, ...]]:
        """All values on one line each, for rules and later stages (E95)."""
        return {name: tuple(_line(value) for value in values) for name, values in self.raw.items()}

    @property
    def defects(self) -> list[str]:
        return ["duplicate-header"] if any(len(self.raw.get(name, ())) > 1 for name in _ONCE) else []

    def ids(self, name: str) -> tuple[str, ...]:
        """Message ids of *name* with their brackets, without repeats; the first and last 50 (E72, S27)."""
        text = " ".join(self.raw.get(name, ()))
        if not text:
            return ()
        if "=?" in text or not text.isascii():
            text = decode_words(text)
        found = list(dict.fromkeys(_ID.findall(text)))
        if not found:
            found = [f"<{bare}>" for bare in dict.fromkeys(_BARE_ID.findall(text))]
        return tuple(found if len(found) <= 2 * MAX_IDS else found[:MAX_IDS] + found[-MAX_IDS:])

    def addresses(self, name: str) -> tuple[tuple[Address, ...], bool]:
        """The addresses of *name*, and whether nothing about them was doubtful (E77, R15)."""
        found: list[Address] = []
        sure = True
        for value in self.raw.get(name, ()):
            addresses, clear = (
                _addresses(as_text(value)) if len(value) < 500 else _addresses.__wrapped__(as_text(value))
            )
            found += addresses
            sure &= clear
        return tuple(found[:MAX_ADDRESSES]), sure

    def date(self) -> tuple[datetime | None, str]:
        """When the mail says it was written (UTC), else when a server first stamped it; and a defect (E80)."""
        written = _date(self.raw["date"][0]) if "date" in self.raw else None
        if written:
            return written, ""
        stamp = self.raw["received"][0].rpartition(";")[2] if "received" in self.raw else ""
        return _date(stamp), "bad-date" if "date" in self.raw else "no-date"


def _line(value: str) -> str:
    if value.isascii() and "=?" not in value and value.isprintable():
        return value[:MAX_VALUE]
    return one_line(decode_words(value), MAX_VALUE)


@lru_cache(maxsize=4096)
def _addresses(text: str) -> tuple[tuple[Address, ...], bool]:
    """The addresses in one field, and whether all was clear; the same few fields come all day."""
    doubts: list[dict[str, object]] = []
    found = _read(lambda: get_addresses(text, defects=doubts))
    if not found and "=?" in text:  # some encode the whole field, address and all
        doubts.append({})
        found = _read(lambda: get_addresses(decode_words(text)))
    return tuple(_address(name, address) for name, address in found), not doubts


def _read(parse: Callable[[], Sequence[tuple[str, str]]]) -> list[tuple[str, str]]:
    try:
        return [(name, address) for name, address in parse() if "@" in address]
    except (ValueError, IndexError, LookupError, RecursionError):  # hostile fields: R10
        return []


def _address(name: str, address: str) -> Address:
    address = one_line(address, 320).replace(" ", "").lower()
    name = one_line(decode_words(name), MAX_NAME).strip("\"' ")
    return Address(address, "" if name.lower() == address else name)


def _date(text: str) -> datetime | None:
    text = " ".join(text.split())[:200]
    found: datetime | None = parse_mail_date(text).value
    if found or not text:
        return found
    try:
        loose = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if loose.tzinfo is None:
        return loose.replace(tzinfo=UTC)
    try:
        return loose.astimezone(UTC)
    except OverflowError:
        return None
