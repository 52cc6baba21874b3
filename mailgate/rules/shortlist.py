"""Which rules are worth reading for a case, however many there are.

Most rules name something that a mail either has or has not: a sender, a mailbox, a task, words.
Such a rule is looked up by it; only the others are read for every mail. The shortlist may hold
rules that do not fit, never the other way round.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mailgate.model.config import Config, Rule
from mailgate.rules.phrases import Phrases

Token = tuple[str, str]
_GLOB = frozenset("*?[")
_ADDRESSES = ("from", "to")
_NAMES = ("sender_role", "marking", "task", "category")
_TEXTS = ("subject", "body")


class Shortlist:
    """The rules of one configuration by what a mail must have for them to fit."""

    def __init__(self, rules: Sequence[Rule], stated: frozenset[str]) -> None:
        self._always: list[int] = []
        self._by_token: dict[Token, list[int]] = defaultdict(list)
        phrases: dict[str, list[tuple[int, str]]] = {place: [] for place in _TEXTS}
        for number, rule in enumerate(rules):
            place = next((name for name in _TEXTS if _are_phrases(rule.when.get(name))), None)
            if place:
                phrases[place] += [(number, words) for words in listed(rule.when[place])]
            elif tokens := next(filter(None, (_tokens(*pair, stated) for pair in rule.when.items())), ()):
                for token in tokens:
                    self._by_token[token].append(number)
            else:
                self._always.append(number)
        self._phrases = {place: Phrases(pairs) for place, pairs in phrases.items() if pairs}

    def worth_reading(self, tokens: Iterable[Token], texts: Mapping[str, str]) -> list[int]:
        """The numbers of the rules that may fit a mail with *tokens* and *texts* ("subject", "body"), in order."""
        numbers = set(self._always)
        for token in tokens:
            numbers.update(self._by_token.get(token, ()))
        for place, phrases in self._phrases.items():
            numbers.update(hit.label for hit in phrases.find(texts[place]))
        return sorted(numbers)


@lru_cache(maxsize=8)
def shortlist(config: Config) -> Shortlist:
    service = config.service
    return Shortlist(service.rules, frozenset({*service.information, *service.identifiers}))


def address_tokens(name: str, addresses: Iterable[str]) -> Iterator[Token]:
    """What ``from`` and ``to`` look addresses up by: each itself and "*@" its domain."""
    for address in addresses:
        yield name, address.lower()
        yield name, f"*@{address.lower().rpartition('@')[2]}"


def name_tokens(name: str, values: Iterable[str | None]) -> Iterator[Token]:
    for value in values:
        if value:
            yield name, value.casefold()


def listed(wanted: Any) -> Sequence[Any]:
    """*wanted* as several wishes, of which any will do."""
    return wanted if isinstance(wanted, list | tuple) else (wanted,)


def is_pattern(words: str) -> bool:
    """Whether *words* are a regular expression between slashes."""
    return len(words) > 2 and words.startswith("/") and words.endswith("/")


def _are_phrases(wanted: Any) -> bool:
    return wanted is not None and all(isinstance(words, str) and not is_pattern(words) for words in listed(wanted))


def _tokens(name: str, wanted: Any, stated: frozenset[str]) -> tuple[Token, ...]:
    """One of these a mail must have for the condition to hold; none where that cannot be said."""
    wishes = [str(wish) for wish in listed(wanted)]
    if name in _ADDRESSES:
        plain = all("@" in wish and _GLOB.isdisjoint(wish.removeprefix("*@")) for wish in wishes)
        return tuple((name, wish.lower()) for wish in wishes) if plain else ()
    if name in _NAMES:
        return tuple((name, wish.casefold()) for wish in wishes)
    if name in stated and wanted is not False:
        return (("states", name),)
    return ()
