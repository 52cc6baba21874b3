"""Phrases of the configuration, as ``rules/phrases.py`` finds them, with the words around them and between theirs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from mailgate.model.message import Message
from mailgate.rules import phrases

GREETINGS = frozenset(
    {"hi", "hello", "hey", "dear", "good", "morning", "afternoon", "evening", "all", "both", "team", "everyone"}
)
COURTESY = frozenset(
    {"thanks", "thank", "you", "ta", "cheers", "please", "kind", "regards", "best", "wishes", "many", "lot"}
    | {"so", "very", "much", "really", "again", "a", "for", "to", "and", "your", "this", "that", "the", "it", "all"}
    | {"help", "with", "quick", "reply", "response", "sorting", "appreciated", "brilliant", "great", "perfect"}
    | {"lovely", "fantastic", "excellent", "wonderful", "super", "amazing", "ok", "okay", "noted", "now", "today"}
)


Known = phrases.Phrases[tuple[str, ...]]


class Word(NamedTuple):
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


@lru_cache(maxsize=16)
def words_of(text: str) -> tuple[Word, ...]:
    """The words of *text*; "I'll" and "#done" are one word each, what has a hyphen is several."""
    words = phrases.words_of(text)
    return tuple(
        Word(part, start + at, start + at + len(part))
        for word, (start, _) in zip(words.texts, words.places, strict=True)
        for part, at in _parts(word.replace("’", "'"))
    )


def _parts(word: str) -> Iterator[tuple[str, int]]:
    at = 0
    for part in word.split("-"):
        if part:
            yield part, at
        at += len(part) + 1


@lru_cache(maxsize=16)
def texts_of(text: str) -> tuple[str, ...]:
    """The same words without their places: most questions that are asked of a text need none."""
    return tuple(map(str.lower, phrases.PART.findall(text.replace("’", "'"))))


@lru_cache(maxsize=4096)
def phrase(text: str) -> tuple[str, ...]:
    """A configured phrase or name ("field-team") as its folded words."""
    return texts_of(text)


def places(wanted: tuple[str, ...], words: tuple[Word, ...]) -> Iterator[Place]:
    """Every place where *wanted* stands in *words*, from the left."""
    texts = [word.text for word in words]
    for own, first, last in _alone(wanted).places(texts):
        yield Place(first, last + 1, tuple(_skipped(own, texts[first : last + 1])))


def stands_in(text: str, words: tuple[str, ...]) -> bool:
    """Whether the phrase *text* stands anywhere in *words*."""
    return first_of(_alone(phrase(text)), words) is not None


def any_stands_in(known: Known, words: tuple[str, ...]) -> bool:
    """Whether any of the *known* phrases stands anywhere in *words*: one pass for all of them."""
    return first_of(known, words) is not None


def first_of(known: Known, words: tuple[str, ...]) -> str | None:
    """The first of the *known* phrases that stands in *words*, as its folded words."""
    return next((" ".join(own) for own, *_ in known.places(words)), None)


def known_phrases(texts: Iterable[str]) -> Known:
    """The phrases *texts*, made ready to be looked for together."""
    return phrases.Phrases((own, " ".join(own)) for own in map(texts_of, texts))


@lru_cache(maxsize=4096)
def _alone(wanted: tuple[str, ...]) -> Known:
    return phrases.Phrases([(wanted, " ".join(wanted))])


def _skipped(wanted: tuple[str, ...], span: Iterable[str]) -> Iterator[str]:
    """The words of *span* that are not those of *wanted*."""
    expected = iter(wanted)
    next_own = next(expected, None)
    for word in span:
        if next_own is not None and phrases.is_same(word, next_own):
            next_own = next(expected, None)
        else:
            yield word


def names_of(message: Message) -> frozenset[str]:
    """What its sender may sign with: the parts of the display name and of the address, and their initials."""
    if message.from_ is None:
        return frozenset()
    local = message.from_.address.partition("@")[0].replace("_", " ")
    names = texts_of(f"{message.from_.name} {local}")
    return frozenset((*names, *(name[0] for name in names)))


def without_sign_off(text: str, message: Message) -> str:
    """*text* less its last lines as far as they are nothing but the sender's name or courtesy."""
    lines, idle = text.splitlines(), names_of(message) | COURTESY
    while lines and idle.issuperset(texts_of(lines[-1])):
        lines.pop()
    return "\n".join(lines).strip()
