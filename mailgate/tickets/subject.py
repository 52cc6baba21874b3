"""A subject without what mail programs and gateways put before it (E86)."""

import re
from collections.abc import Sequence
from functools import lru_cache

from mailgate.tickets.reference import ALPHABET

_REPLY = "re|aw|sv|ref|res|r|antw|odp|rif|ynt|回复|答复"
_FORWARD = "fw|fwd|wg|vb|vl|vs|tr|doorst|enc|pd|i|rv|转发"
_COUNT = r"(?:\[\d{1,4}\]|\(\d{1,4}\))? ?[:：]"


def plain(subject: str, markings: Sequence[str] = (), prefix: str = "") -> str:
    """*subject* in normal form: spaces collapsed; prefixes, markings and our own tag (if *prefix*) off its left."""
    return _split(subject, tuple(markings), prefix)[0]


def is_reply(subject: str, markings: Sequence[str] = (), prefix: str = "") -> bool:
    """Whether a prefix such as "Re:" says that *subject* answers a mail."""
    return _split(subject, tuple(markings), prefix)[1]


def _split(subject: str, markings: tuple[str, ...], prefix: str) -> tuple[str, bool]:
    text, start, answers = " ".join(subject.split()), 0, False
    leading = _leading(markings, prefix)
    while (match := leading.match(text, start)) is not None:
        start, answers = match.end(), answers or match.lastgroup == "reply"
    return text[start:].strip(), answers


@lru_cache(maxsize=64)
def _leading(markings: tuple[str, ...], prefix: str) -> re.Pattern[str]:
    """One thing that may stand before the subject proper."""
    kinds = [
        rf"(?P<reply>(?i:{_REPLY}){_COUNT})",
        rf"(?i:{_FORWARD}){_COUNT}",
        r"(?i:\[ext(?:ernal)?(?: e-?mail)?\])",
    ]
    if markings:
        either = "|".join(re.escape(marking) for marking in sorted(markings, key=len, reverse=True))
        # bare words only as configured and set apart: "Official visit" is somebody's subject
        kinds += [
            rf"\[(?i:{either})\]",
            rf"(?:{either})(?: ?\[[^\]]{{1,40}}\]|(?= ?[:|]| ?[–-] |$))(?: ?[:|]| ?[–-](?= ))?",
        ]
    if prefix:
        kinds.append(rf"[\[(](?ai:{prefix}[-. ]?[{ALPHABET}]{{4}}[-. ]?[{ALPHABET}]{{2}})[\])]")
    return re.compile(rf" ?(?:{'|'.join(kinds)})")
