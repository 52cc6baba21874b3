"""Identity numbers in a text, as the configuration describes them (``identifiers``).

A wrong key is far worse than none: what fits it only after an edit is shown to a person, never used.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mailgate.model.work import Identifier
from mailgate.rules.identity import SCHEMES
from mailgate.rules.searches import compiled

_BETWEEN = r"(?:[\s.:#]|number|no)*"
_LEADS = r"(?:[\s.:#=(-]|number\b|no\b|is\b)*"
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\bnumber\b")
_TOKEN = re.compile(r"[A-Za-z0-9]+")
_LOOK_ALIKES = {"O": "0", "I": "1", "L": "1", "S": "5", "Z": "2", "B": "8"}
_PIECE = re.compile(
    r"[ -]?(?:[A-Za-z](?![A-Za-z0-9])|[A-Za-z]{0,2}[0-9][A-Za-z0-9]*)"
)  # a letter alone, or with digits
_FEWEST_DIGITS = 3
_LONGEST_TOKEN = 24
_MOST_TOKENS = 200  # a table of a thousand numbers has no single one that was mistyped

Place = tuple[str, int, int]
"""A number as it is kept, and where it stands: from its first character to behind its last."""


@dataclass(frozen=True, slots=True)
class Number:
    """An identifier made ready: *pattern* finds it, with its first group; *exact* is the number alone.

    *named* finds what people call it, to behind the words that lead to the number.
    """

    pattern: Any
    exact: Any
    named: Any
    not_after: tuple[str, ...]
    check: str | None

    @classmethod
    def of(cls, name: str, identifier: Identifier) -> "Number":
        after = ""
        if identifier.after:
            words = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in identifier.after)
            after = rf"(?:{words}){_BETWEEN}"
        return cls(
            pattern=compiled(rf"[^\pL\pN]{after}({identifier.pattern})", longest=True),
            exact=compiled(identifier.pattern, longest=True),
            named=re.compile(rf"\b(?:{'|'.join(map(re.escape, _names(name, identifier)))})\b{_LEADS}", re.IGNORECASE),
            not_after=tuple(_leading(words) for words in identifier.not_after),
            check=identifier.check,
        )

    def find(self, text: str) -> Iterator[Place]:
        """The numbers in *text* as they are kept, each with its place."""
        for match in whole(self.pattern, text):
            start, end = match.span(1)
            if self.not_after and _leading(text[max(0, start - 60) : start]).endswith(self.not_after):
                continue
            value = "".join(text[start:end].split()).upper()
            kept = SCHEMES[self.check](value) if self.check else value
            if kept is not None:
                yield kept, start, end


def _names(name: str, identifier: Identifier) -> Iterator[str]:
    yield from dict.fromkeys((name, name.replace("-", " "), identifier.label or name))


class _Shifted:
    """A match in a text that had one character put before it, with the places in the text itself."""

    __slots__ = ("_match",)

    def __init__(self, match: Any) -> None:
        self._match = match

    def span(self, group: int) -> tuple[int, int]:
        start, end = self._match.span(group)
        return start - 1, end - 1


def whole(pattern: Any, text: str) -> Iterator[_Shifted]:
    """The matches of *pattern*, made to begin after a character that is none of a word, that end with a word."""
    for match in pattern.finditer(f" {text}"):
        end = match.end() - 1
        if end >= len(text) or not text[end].isalnum():
            yield _Shifted(match)


def _leading(text: str) -> str:
    """Words that stand before a number: "Staff no.", "staff number:" and "staff no is" are the same."""
    words = _NUMBER.sub("no", _BETWEEN_WORDS.sub(" ", text.lower())).strip()
    return words.removesuffix(" is")


def slip(
    text: str, key: Number, others: Iterable[Number], found: Iterable[Place], withdrawn: AbstractSet[str]
) -> tuple[str | None, str | None]:
    """The first token of *text* that fits *key* after one edit and is no other number, and what its look-alike means.

    *found* are the numbers that *text* states, *withdrawn* those that count nowhere.
    """
    taken = [(start, end) for _, start, end in found]
    tokens = (token for token in _TOKEN.finditer(text) if any(letter.isdigit() for letter in token[0]))
    for _, token in zip(range(_MOST_TOKENS), tokens, strict=False):
        word, start = token[0].upper(), token.start()
        if len(word) > _LONGEST_TOKEN or word in withdrawn or any(low <= start < high for low, high in taken):
            continue
        if key.not_after and _leading(text[max(0, start - 60) : start]).endswith(key.not_after):
            continue
        if any(other.exact.fullmatch(word) for other in others if other.check is None):
            continue
        meant = next((edit for edit in _looking_alike(word) if key.exact.fullmatch(edit)), None)
        if meant or any(key.exact.fullmatch(edit) for edit in _one_digit_off(word)):
            return token[0], meant
    return _behind_its_name(text, key, taken)


def _behind_its_name(text: str, key: Number, taken: Sequence[tuple[int, int]]) -> tuple[str | None, str | None]:
    """What stands where *text* names the key, even in pieces ("CRN x 12 34567"), and what it may mean."""
    for named in islice(key.named.finditer(text), _MOST_TOKENS):
        start = end = named.end()
        while end - start <= _LONGEST_TOKEN and (piece := _PIECE.match(text, end)):
            end = piece.end()
        written = text[start:end].strip(" -")
        if sum(letter.isdigit() for letter in written) < _FEWEST_DIGITS or any(
            low <= start < high for low, high in taken
        ):
            continue
        word = re.sub(r"[ -]", "", written).upper()
        meant = next((edit for edit in (word, *_looking_alike(word)) if key.exact.fullmatch(edit)), None)
        return written, meant
    return None, None


def _looking_alike(word: str) -> Iterator[str]:
    for place, letter in enumerate(word):
        if letter in _LOOK_ALIKES:
            yield word[:place] + _LOOK_ALIKES[letter] + word[place + 1 :]


def _one_digit_off(word: str) -> Iterator[str]:
    for place in range(len(word) + 1):
        yield f"{word[:place]}0{word[place:]}"
        if place < len(word) and word[place].isdigit():
            yield word[:place] + word[place + 1 :]
