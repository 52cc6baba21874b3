"""Phrases of the configuration in what somebody wrote: words, not characters.

Between two words of a phrase at most one other may stand, and a final -s or -es is ignored.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.message import Message

_WORD = re.compile(r"#?\w+(?:['’]\w+)*")

GREETINGS = frozenset(
    {"hi", "hello", "hey", "dear", "good", "morning", "afternoon", "evening", "all", "both", "team", "everyone"}
)
COURTESY = frozenset(
    {"thanks", "thank", "you", "ta", "cheers", "please", "kind", "regards", "best", "wishes", "many", "lot"}
    | {"so", "very", "much", "really", "again", "a", "for", "to", "and", "your", "this", "that", "the", "it", "all"}
    | {"help", "with", "quick", "reply", "response", "sorting", "appreciated", "brilliant", "great", "perfect"}
    | {"lovely", "fantastic", "excellent", "wonderful", "super", "amazing", "ok", "okay", "noted", "now", "today"}
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: *text* folded, and where it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a phrase stands: from word *first* to before word *last*; *skipped* are the words between its own."""

    first: int
    last: int
    skipped: tuple[str, ...] = ()


def words_of(text: str) -> tuple[Word, ...]:
    """The words of *text*; "I'll" and "#done" are one word each."""
    return tuple(Word(match[0].lower().replace("’", "'"), match.start(), match.end()) for match in _WORD.finditer(text))


@lru_cache(maxsize=4096)
def phrase(text: str) -> tuple[str, ...]:
    """A configured phrase or name ("field-team") as its folded words."""
    return tuple(word.text for word in words_of(text))


def places(wanted: tuple[str, ...], words: tuple[Word, ...]) -> Iterator[Place]:
    """Every place where *wanted* stands in *words*, from the left."""
    for first, word in enumerate(words):
        if wanted and word.text[0] == wanted[0][0] and (place := _from(first, wanted, words)) is not None:
            yield place


def stands_in(text: str, words: tuple[Word, ...]) -> bool:
    """Whether the phrase *text* stands anywhere in *words*."""
    return next(places(phrase(text), words), None) is not None


def names_of(message: Message) -> frozenset[str]:
    """What its sender may sign with: the parts of the display name and of the address, and their initials."""
    if message.from_ is None:
        return frozenset()
    local = message.from_.address.partition("@")[0].replace("_", " ")
    names = {word.text for word in (*words_of(message.from_.name), *words_of(local))}
    return frozenset(names | {name[0] for name in names})


def without_sign_off(text: str, message: Message) -> str:
    """*text* less its last lines as far as they are nothing but the sender's name or courtesy."""
    lines, idle = text.splitlines(), names_of(message) | COURTESY
    while lines and all(word.text in idle for word in words_of(lines[-1])):
        lines.pop()
    return "\n".join(lines).strip()


def _from(first: int, wanted: tuple[str, ...], words: tuple[Word, ...]) -> Place | None:
    at, skipped = first, []
    for number, text in enumerate(wanted):
        if number and at + 1 < len(words) and not _same(text, words[at].text):
            skipped.append(words[at].text)
            at += 1
        if at >= len(words) or not _same(text, words[at].text):
            return None
        at += 1
    return Place(first, at, tuple(skipped))


def _same(one: str, other: str) -> bool:
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    return short == long or (long.startswith(short) and long[len(short) :] in ("s", "es"))
