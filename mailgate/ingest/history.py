"""Where the history begins in the text of a mail: our marker, a separator, a header block (E100, E104, E105).

All are scans over lines; nothing looks further than a few lines ahead.
"""

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from mailgate.ingest import attribution, phrases
from mailgate.ingest.attribution import bare

MAX_BLOCK = 25
MAX_SEPARATOR = 60

_MARKERS = ("reply above this line", "atebwch uwchben y llinell hon")
_MARKER_BEGINS = ("reply", "atebw")
_BEFORE_MARKER = "#*_[|rRaA"
_DASHES = "-–—‐_"
_DASHES_AND_SPACES = _DASHES + " \t"


class Label(StrEnum):
    FROM = "from"
    DATE = "date"
    OTHER = "other"
    SUBJECT = "subject"


_LABELS = {
    label: kind
    for kind, labels in {
        Label.OTHER: phrases.OTHER,
        Label.SUBJECT: phrases.SUBJECT,
        Label.DATE: phrases.DATE,
        Label.FROM: phrases.FROM,
    }.items()
    for label in labels
}


class Found(NamedTuple):
    """The history begins at *line*; what is kept of a forward begins at *content*."""

    line: int
    content: int
    layer: str
    forward: bool = False


def find(lines: Sequence[str]) -> Found | None:
    """The first sign of history among *lines*: our marker, a header block, a separator or an attribution."""
    reached = 0
    for i in range(len(lines)):
        found, reached = at(lines, i, reached)
        if found:
            return found
    return None


def at(lines: Sequence[str], i: int, reached: int = 0) -> tuple[Found | None, int]:
    """The sign of history that line *i* is or ends, and up to where it is known that no header block begins."""
    text = bare(lines[i])
    if len(text) < 4:  # no sign is that short
        return None, reached
    found = _marker(lines, i, text) or _separator(lines, i, text)
    if found is None and i >= reached:
        found, reached = _block_at(lines, i, text)
    if found is None and (text[-1] in ":：-" or text[0].isdigit()):
        start = attribution.ending_at(lines, i, text)
        found = None if start is None else Found(start, i + 1, "attribution")
    return found, reached


def _marker(lines: Sequence[str], i: int, text: str) -> Found | None:
    if text[0] not in _BEFORE_MARKER or len(text) > 80:
        return None
    if text.lstrip(" *_#[]|\xa0\u200b")[:5].casefold() not in _MARKER_BEGINS:
        return None
    following = lines[i + 1] if i + 1 < len(lines) else ""
    for candidate in (text, f"{text} {bare(following)}"):
        plain = unicodedata.normalize("NFKC", candidate).strip(" *_#[]|").casefold()
        if " ".join(plain.split()) in _MARKERS:
            return Found(i, i + 1, "marker")
    return None


def _separator(lines: Sequence[str], i: int, text: str) -> Found | None:
    is_ruled = text[0] in _DASHES and text[1] in _DASHES
    if not is_ruled and text[-1] != ":":
        return None
    words = text.strip(_DASHES_AND_SPACES).casefold()
    if not words or len(words) > MAX_SEPARATOR:
        return None
    if words.startswith(phrases.FORWARDED if is_ruled else phrases.FORWARD_BEGINS):
        return Found(i, header_block_end(lines, i + 1), "separator", forward=True)
    says_more = text[2] in _DASHES  # "-- original message lost" may be a person's
    if is_ruled and (words in phrases.ORIGINAL or (says_more and words.startswith(phrases.ORIGINAL_MESSAGE))):
        return Found(i, header_block_end(lines, i + 1), "separator")
    return None


def _block_at(lines: Sequence[str], i: int, text: str) -> tuple[Found | None, int]:
    start: int | None = i
    if is_rule(text):
        start = _next_filled(lines, i + 1)
    if start is None or _label(bare(lines[start])) is None:
        return None, i
    end, reached = _scan_block(lines, start)
    return (Found(i, end, "header-block"), reached) if end > start else (None, reached)


def is_rule(line: str) -> bool:
    """Whether *line* is only a ruled line of underscores or dashes."""
    line = line.strip(" \t>*")
    return len(line) >= 5 and not line.strip("_-—–")


def _next_filled(lines: Sequence[str], start: int) -> int | None:
    return next((i for i in range(start, min(start + 3, len(lines))) if bare(lines[i])), None)


def _label(text: str) -> tuple[Label, str] | None:
    """The kind of header label that *text* opens with, and what stands behind it."""
    colon = text.find(":", 0, 26)
    if not text.isascii():
        wide = text.find("：", 0, 26)
        colon = wide if colon < 0 or 0 < wide < colon else colon
    if colon < 1:
        return None
    kind = _LABELS.get(text[:colon].strip(" \t*_\xa0").casefold())
    return (kind, text[colon + 1 :].strip(" \t*_")) if kind else None


def header_block_end(lines: Sequence[str], start: int) -> int:
    """The line after the header block that begins at *start*, or *start* where there is none (E104)."""
    return _scan_block(lines, start)[0]


def _scan_block(lines: Sequence[str], start: int) -> tuple[int, int]:
    """The end of the block, or *start*; and how far the lines were looked at."""
    seen: set[Label] = set()
    count = 0
    end = start
    last: Label | None = None
    i = start
    for i in range(start, min(start + MAX_BLOCK, len(lines))):
        text = bare(lines[i])
        if not text:
            if _complete(seen, count) and not _follows(lines, i + 1):
                break
            continue
        found = _label(text)
        if found is None:
            if last in (None, Label.DATE) or not _follows(lines, i + 1):
                break
            continue
        last, value = found
        if last is Label.FROM and not any(letter.isalpha() for letter in value):
            break
        if last is Label.DATE and not any(letter.isdigit() for letter in value):
            break
        seen.add(last)
        count += 1
        end = i + 1
    return (end if _complete(seen, count) else start), i


def _complete(seen: set[Label], count: int) -> bool:
    return count >= 3 and Label.FROM in seen and Label.DATE in seen


def _follows(lines: Sequence[str], start: int) -> bool:
    """Whether a label stands within the next lines (folded recipients lie between)."""
    return any(_label(bare(line)) for line in lines[start : start + 3])
