"""Phrases in running text: any number of them in one pass.

A phrase fits without regard to capitals, hyphens and a final -s or -es, and with at most one
other word between two of its own. Words are looked up in a tree of all phrases, so that the cost
follows the text and not how many phrases there are. A phrase never reaches over the end of a
sentence, a row or a cell.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

_TOKEN = re.compile(r"#?[^\W_]+(?:['’-][^\W_]+)*|[.!?;](?=\s)|[\t\n]")
_WRAPPED = 60  # a line shorter than this was ended by its writer, a longer one by the mail program
_PLURAL_ES = ("s", "x", "z", "ch", "sh", "o")
PART = re.compile(r"#?[^\W_]+(?:['’][^\W_]+)*")
_WALL = -1

Label = TypeVar("Label")


@dataclass(frozen=True, slots=True)
class Hit(Generic[Label]):
    """The phrase called *label* stands from *start* to *end* in the text; *phrase* is its own wording."""

    label: Label
    phrase: str
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many words the phrase has."""
        return len(self.phrase.split())


@dataclass(frozen=True, slots=True)
class Words:
    """A text as its words in small letters, "" where a sentence, a row or a cell ends, each with its place.

    *joined* are the numbers of those that a hyphen or an apostrophe joins.
    """

    texts: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    joined: tuple[int, ...] = ()

    def sentences(self) -> Iterator[tuple[int, int]]:
        """The first word of each sentence, row or cell, and what follows its last one."""
        first = 0
        for number, word in enumerate((*self.texts, "")):
            if not word:
                if number > first:
                    yield first, number
                first = number + 1


@lru_cache(maxsize=16)
def words_of(text: str) -> Words:
    """The words of *text*; several sets of phrases are looked for in the same one."""
    texts: list[str] = []
    places: list[tuple[int, int]] = []
    joined: list[int] = []
    line_start = 0
    for found in _TOKEN.finditer(text):
        token, place = found[0], found.span()
        if token == "\n":
            is_wrapped = place[0] - line_start >= _WRAPPED
            line_start = place[1]
            if is_wrapped:
                continue
        if not token.isalnum():
            if token[-1].isalnum():
                joined.append(len(texts))
            else:
                token = ""
        texts.append(token.lower())
        places.append(place)
    return Words(tuple(texts), tuple(places), tuple(joined))


@dataclass(slots=True)
class _Node(Generic[Label]):
    children: "dict[int | None, _Node[Label]]" = field(default_factory=dict)
    ends: list[tuple[Label, str]] = field(default_factory=list)


class Phrases(Generic[Label]):
    """A set of (label, phrase), made once and then looked for in many texts."""

    def __init__(self, phrases: Iterable[tuple[Label, str]]) -> None:
        self._classes: dict[str, int] = {}
        self._root: _Node[Label] = _Node()
        for label, phrase in dict.fromkeys(phrases):
            parts = [_bare(word) for word in PART.findall(phrase.lower())]
            if parts:
                self._add(label, phrase, parts)
                if "-" in phrase:  # "off-site" is also written "offsite"
                    self._add(label, phrase, [_bare(word) for word in phrase.lower().replace("-", "").split()])
        # the number of every spelling, so that a word of a text is looked up and nothing else
        spelt = {word for form in self._classes for word in _with_ending(form)}
        self._known: dict[str, int | None] = {"": _WALL, **{word: self._number(word) for word in spelt}}

    def find(self, text: str) -> list[Hit[Label]]:
        """All phrases in *text*, in order of place; the same phrase once for each place where it begins."""
        if not self._root.children:
            return []
        numbers, places = self._numbers(words_of(text))
        hits: dict[tuple[Label, str, int], Hit[Label]] = {}
        for label, phrase, index, last in self._standing_in(numbers):
            hit = Hit(label, phrase, places[index][0], places[last][1])
            hits.setdefault((label, phrase, hit.start), hit)
        return list(hits.values())

    def places(self, words: Iterable[str]) -> Iterator[tuple[Label, int, int]]:
        """All phrases in single *words* in small letters, each with the number of its first word and of its last."""
        numbers = [self._known.get(word if word.isalnum() else _bare(word)) for word in words]
        return ((label, index, last) for label, _, index, last in self._standing_in(numbers))

    def _standing_in(self, numbers: Sequence[int | None]) -> Iterator[tuple[Label, str, int, int]]:
        first = self._root.children
        for index, number in enumerate(numbers):
            if number in first:
                for label, phrase, last in self._from(numbers, index, first[number]):
                    yield label, phrase, index, last

    def _from(self, numbers: Sequence[int | None], index: int, node: _Node[Label]) -> Iterator[tuple[Label, str, int]]:
        """The phrases whose first word is at *index*, each with the index of its last word."""
        reached = {(index, id(node)): node}
        while reached:
            further: dict[tuple[int, int], _Node[Label]] = {}
            for (at, _), here in reached.items():
                for label, phrase in here.ends:
                    yield label, phrase, at
                if not here.children:
                    continue
                for step in (at + 1, at + 2):
                    if step >= len(numbers) or numbers[step] == _WALL:
                        break
                    child = here.children.get(numbers[step])
                    if child is not None:
                        further.setdefault((step, id(child)), child)
            reached = further

    def _add(self, label: Label, phrase: str, parts: list[str]) -> None:
        node = self._root
        for part in parts:
            node = node.children.setdefault(self._learn(part), _Node())
        if (label, phrase) not in node.ends:
            node.ends.append((label, phrase))

    def _learn(self, word: str) -> int:
        """The number of *word*, the same for all its endings."""
        known = self._number(word)
        number = len(self._classes) if known is None else known
        for form in _forms(word):
            self._classes.setdefault(form, number)
        return number

    def _number(self, word: str) -> int | None:
        return next((self._classes[form] for form in _forms(word) if form in self._classes), None)

    def _numbers(self, text: Words) -> tuple[Sequence[int | None], Sequence[tuple[int, int]]]:
        """The words as numbers, and where each stands."""
        numbers = list(map(self._known.get, text.texts))
        if not text.joined:
            return numbers, text.places
        places = list(text.places)
        for at in reversed(text.joined):
            parts = list(self._parts(text.texts[at], places[at]))
            numbers[at : at + 1] = [number for number, _ in parts]
            places[at : at + 1] = [place for _, place in parts]
        return numbers, places

    def _parts(self, word: str, place: tuple[int, int]) -> Iterator[tuple[int | None, tuple[int, int]]]:
        """A word with hyphens or apostrophes: as one where a phrase has it so, else its parts."""
        whole = self._known.get(_bare(word))
        if whole is not None or "-" not in word:
            yield whole, place
            return
        start = place[0]
        for part in word.split("-"):
            yield self._known.get(_bare(part)), (start, start + len(part))
            start += len(part) + 1


def _bare(word: str) -> str:
    return word.replace("-", "").replace("'", "").replace("’", "")


def is_same(one: str, other: str) -> bool:
    """Whether two words differ by a final -s or -es, an apostrophe or a hyphen at most."""
    return not set(_forms(_bare(one))).isdisjoint(_forms(_bare(other)))


def _with_ending(form: str) -> Iterator[str]:
    """The words that *form* is one of the forms of."""
    return (word for word in (form, f"{form}s", f"{form}es") if form in _forms(word))


def _forms(word: str) -> tuple[str, ...]:
    """*word* as it is, and without a final -s or -es."""
    if len(word) < 3 or not word.endswith("s"):
        return (word,)
    if word.endswith("es") and word[:-2].endswith(_PLURAL_ES):
        return word, word[:-1], word[:-2]
    return word, word[:-1]
