"""How a mail means what it names: it asks for it, tells of it, mentions it in passing, or does not want it.

By the words that the configuration lists under ``text``: ``asks``, ``asides`` and ``refusals``.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Any

from mailgate.model.config import Config
from mailgate.rules.phrases import Hit, Phrases, words_of

_ITEM = re.compile(r"[ \t]*(?:[-*•]|\d{1,2}[.)]|[a-z][.)])[ \t]", re.IGNORECASE)
_MARK = re.compile(r"\d{1,2}|[a-z]")  # what is left of "1." or "a)"
_CLAUSE = re.compile(r"[,;:(]|\s-\s|\bbut\b", re.IGNORECASE)
_NEW_CLAUSE = re.compile(r"[,;(]|\bbut\b", re.IGNORECASE)
_PART = re.compile(r"[,;:(]|\s-\s|\b(?:but|so|because)\b", re.IGNORECASE)
_BLANK = re.compile(r"\n[ \t]*\n")
_REACH = 3  # words between a refusal and what it refuses
_NEARBY = 100  # characters that those words and the refusal can take up


class Manner(StrEnum):
    ASKED = "asked for"
    TOLD = "told"
    ASIDE = "mentioned in passing"
    REFUSED = "not wanted"


class _Mark(StrEnum):
    ASKS, ASIDE, BEFORE, AFTER = "asks", "aside", "refusal before", "refusal after"


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of one *text*, in order: where each starts and ends, and its manner.

    *asides* are the clauses in passing of sentences that ask for something else.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    manners: tuple[Manner, ...]
    refusals: tuple[Hit[Any], ...]
    asides: tuple[tuple[int, int], ...] = ()

    def number_at(self, place: int) -> int:
        return max(0, bisect_right(self.starts, place) - 1)

    def manner(self, hit: Hit[Any]) -> Manner:
        """How the text means what *hit* found in it."""
        if self._is_refused(hit):
            return Manner.REFUSED
        if any(start <= hit.start < end for start, end in self.asides):
            return Manner.ASIDE
        return self.manner_at(hit.start)

    def manner_at(self, place: int) -> Manner:
        """The manner of the sentence that *place* is in."""
        return self.manners[self.number_at(place)] if self.manners else Manner.TOLD

    def is_refused(self, start: int) -> bool:
        """Whether what begins at *start* is not wanted."""
        return bool(self.refusals) and self._is_refused(Hit(None, "", start, start))

    def _is_refused(self, hit: Hit[Any]) -> bool:
        low = bisect_left(self.refusals, hit.start - _NEARBY, key=lambda refusal: refusal.start)
        high = bisect_right(self.refusals, hit.end + _NEARBY, key=lambda refusal: refusal.start)
        return any(self._refuses(refusal, hit) for refusal in self.refusals[low:high])

    def _refuses(self, refusal: Hit[Any], hit: Hit[Any]) -> bool:
        """Whether the refusal stands near enough before or after what was found, in the same clause."""
        if self.number_at(refusal.start) != self.number_at(hit.start):
            return False
        if refusal.label is _Mark.BEFORE:
            between, ends = self.text[refusal.end : hit.start], _CLAUSE
            in_order = refusal.end <= hit.start
        else:
            between, ends = self.text[hit.end : refusal.start], _NEW_CLAUSE
            in_order = hit.end <= refusal.start
        return in_order and len(between.split()) <= _REACH and ends.search(between) is None


@lru_cache(maxsize=16)  # asked of the same text by phrases and by words
def read_sentences(text: str, config: Config) -> Sentences:
    """The sentences of *text*, each with its manner; the items of a list that was asked for are asked for too."""
    words = words_of(text)
    spans = [
        (words.places[first][0], words.places[last - 1][1])
        for first, last in words.sentences()
        if last - first > 1 or not _MARK.fullmatch(words.texts[first])
    ]
    starts, ends = tuple(start for start, _ in spans), tuple(end for _, end in spans)
    hits = _marks(config).find(text)
    marks: list[set[_Mark]] = [set() for _ in spans]
    for hit in hits:
        marks[max(0, bisect_right(starts, hit.start) - 1)].add(hit.label)
    manners = [_manner(each) for each in marks]
    for number, ((_, end), (start, _)) in enumerate(pairwise(spans), 1):
        between = text[end:start]
        leads_on = ":" in between or _ITEM.fullmatch(between.rpartition("\n")[2]) is not None
        if manners[number - 1] is Manner.ASKED and leads_on and not (_BLANK.search(between) and ":" not in between):
            manners[number] = Manner.ASKED
    refusals = tuple(hit for hit in hits if hit.label in (_Mark.BEFORE, _Mark.AFTER))
    asides = tuple(
        clause
        for start, end, each in zip(starts, ends, marks, strict=True)
        if {_Mark.ASKS, _Mark.ASIDE} <= each
        for clause in _clauses_in_passing(text, start, end, hits)
    )
    return Sentences(text, starts, ends, tuple(manners), refusals, asides)


def _clauses_in_passing(text: str, start: int, end: int, hits: Sequence[Hit[_Mark]]) -> Iterator[tuple[int, int]]:
    """The clauses of a sentence that only tell: "I have a hearing to prepare for so please unlock it"."""
    borders = [start, *(found.start() for found in _PART.finditer(text, start, end)), end]
    for first, last in pairwise(borders):
        marks = {hit.label for hit in hits if first <= hit.start < last}
        if _Mark.ASIDE in marks and _Mark.ASKS not in marks:
            yield first, last


def _manner(marks: set[_Mark]) -> Manner:
    if _Mark.ASKS in marks:
        return Manner.ASKED
    return Manner.ASIDE if _Mark.ASIDE in marks else Manner.TOLD


@lru_cache(maxsize=8)
def _marks(config: Config) -> Phrases[_Mark]:
    text = config.service.text
    listed = (
        (_Mark.ASKS, text.asks),
        (_Mark.ASIDE, text.asides),
        (_Mark.BEFORE, text.refusals.before),
        (_Mark.AFTER, text.refusals.after),
    )
    return Phrases((mark, words) for mark, several in listed for words in several)
