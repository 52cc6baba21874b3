"""Patterns of the configuration: RE2's, so that no mail can stall them (R24), and all of them in one pass."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import re2

from mailgate.rules.phrases import Phrases

_MEMORY = 64 << 20  # of RE2's automata, where they need it
_ANYTHING = ""


def compiled(pattern: str, *, longest: bool = False) -> Any:
    """*pattern* made ready, without regard to capitals; *longest*: of several matches the longest."""
    return re2.compile(pattern, _options(longest=longest))


class Searches:
    """Many patterns as one, to learn in a single pass which of them are worth a search of their own."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns: Sequence[str] = tuple(dict.fromkeys(patterns))
        self._set = re2.Set.SearchSet(_options())
        for pattern in (*self._patterns, _ANYTHING):
            self._set.Add(pattern)
        self._set.Compile()

    def fitting(self, text: str) -> frozenset[str]:
        """Those of the patterns that fit somewhere in *text*."""
        if not self._patterns:
            return frozenset()
        found = self._set.Match(text)
        if not found:  # not even the one that fits anything: RE2 had too little memory, so each has to be tried
            return frozenset(self._patterns)
        return frozenset(self._patterns[number] for number in found if number < len(self._patterns))


class Wishes:
    """Words that are looked for, each a phrase or ``/a regular expression/``: all of them in one pass over a text."""

    def __init__(self, wishes: Iterable[str]) -> None:
        wanted = tuple(dict.fromkeys(wishes))
        self._phrases = Phrases((wish, wish) for wish in wanted if not is_pattern(wish))
        self._patterns: Mapping[str, Any] = {wish: compiled(wish[1:-1]) for wish in wanted if is_pattern(wish)}
        self._searches = Searches(wish[1:-1] for wish in self._patterns)

    def find(self, text: str) -> dict[str, str]:
        """The wishes that *text* grants, each with the first words of it that do."""
        said: dict[str, str] = {}
        for hit in self._phrases.find(text):
            said.setdefault(hit.label, text[hit.start : hit.end])
        fitting = self._searches.fitting(text)
        for wish, pattern in self._patterns.items() if fitting else ():
            if wish[1:-1] in fitting and (found := pattern.search(text)):
                said[wish] = str(found[0])
        return said


def is_pattern(words: str) -> bool:
    """Whether *words* are a regular expression between slashes."""
    return len(words) > 2 and words.startswith("/") and words.endswith("/")


def _options(*, longest: bool = False) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.longest_match = longest
    options.log_errors = False
    options.max_mem = _MEMORY
    return options
