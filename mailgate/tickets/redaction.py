"""Taking an address, or the number of a case, out of what others wrote."""

import re
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from functools import lru_cache

INSTEAD = "[erased]"


@lru_cache(maxsize=16)
def _pattern(word: str) -> "re.Pattern[str]":
    """Any way to write *word*: an address as it is, a number also with spaces; neither within a longer one."""
    inner = re.escape(word) if "@" in word else r"\s?".join(map(re.escape, word))
    return re.compile(rf"(?<![A-Za-z0-9]){inner}(?![A-Za-z0-9])", re.IGNORECASE)


@lru_cache(maxsize=16)
def _bytes_pattern(word: str) -> "re.Pattern[bytes]":
    return re.compile(_pattern(word).pattern.encode(), re.IGNORECASE)


def in_text(text: str, word: str) -> str:
    """*text* without *word*."""
    return _pattern(word).sub(INSTEAD, text)


def is_in(text: str, word: str) -> bool:
    return bool(_pattern(word).search(text))


def in_mail(raw: bytes, word: str) -> bytes:
    """*raw* without *word*, as long as before; nothing of it where that still says the word behind an encoding."""
    left = _bytes_pattern(word).sub(lambda found: b"-" * len(found[0]), raw)
    return b"" if is_said(left, word) else left


def is_said(raw: bytes, word: str) -> bool:
    """Whether a mail says *word* anywhere: in its bytes, in a decoded header, in a decoded part that is text."""
    if _bytes_pattern(word).search(raw):
        return True
    parts = message_from_bytes(raw).walk()
    return any(is_in(said, word) for part in parts for said in (*_headers(part), _text(part)))


def _headers(part: Message) -> list[str]:
    return [_decoded(str(value)) for _, value in part.items() if "=?" in str(value)]


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _text(part: Message) -> str:
    """The text of a part, whichever letters it is in: of an address or a number ASCII is enough."""
    content = part.get_payload(decode=True) if not part.is_multipart() else None
    return content.replace(b"\0", b"").decode("latin-1") if isinstance(content, bytes) else ""
