"""Which rules are worth reading for a case, however many there are.

Most rules name something that a mail either has or has not: a sender, a mailbox, a task, words.
Such a rule is looked up by it; only the others are read for every mail. The shortlist may hold
rules that do not fit, never the other way round.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mailgate.model.config import Config
from mailgate.model.work import Rule
from mailgate.rules.conditions import listed
from mailgate.rules.searches import Wishes

Token = tuple[str, str]
_GLOB = frozenset("*?[")
_ADDRESSES = ("from", "to")
_NAMES = ("sender_role", "marking", "task", "category")
_TEXTS = ("subject", "body")


class Shortlist:
    """The rules of one configuration by what a mail must have for them to fit, and all words that they look for."""

    def __init__(self, rules: Sequence[Rule], stated: frozenset[str]) -> None:
        self._always: list[int] = []
        self._by_token: dict[Token, list[int]] = defaultdict(list)
        for number, rule in enumerate(rules):
            needed = _needed(rule.when, stated)
            for token in dict.fromkeys(needed):
                self._by_token[token].append(number)
            if not needed:
                self._always.append(number)
        self._wishes = {place: Wishes(_wishes(place, [rule.when for rule in rules])) for place in _TEXTS}

    def worth_reading(self, tokens: Iterable[Token]) -> list[int]:
        """The numbers of the rules that may fit a mail with *tokens*, in order."""
        numbers = set(self._always)
        for token in tokens:
            numbers.update(self._by_token.get(token, ()))
        return sorted(numbers)

    def said(self, texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """What *texts* ("subject", "body") say of that which any rule looks for there."""
        return {place: wishes.find(texts[place]) for place, wishes in self._wishes.items()}


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


def _needed(when: Mapping[str, Any], stated: frozenset[str]) -> tuple[Token, ...]:
    """One of these a mail must have for all of *when* to hold; none where that cannot be said."""
    return next(filter(None, (_tokens(name, wanted, stated) for name, wanted in when.items())), ())


def _tokens(name: str, wanted: Any, stated: frozenset[str]) -> tuple[Token, ...]:
    """One of these a mail must have for the condition to hold; none where that cannot be said."""
    if name == "all":
        return next(filter(None, (_needed(when, stated) for when in listed(wanted))), ())
    if name == "any":
        choices = [_needed(when, stated) for when in listed(wanted)]
        return tuple(token for tokens in choices for token in tokens) if all(choices) else ()
    if name in _TEXTS:
        return tuple((name, str(wish)) for wish in listed(wanted))
    if name == "header":
        return tuple((name, header.lower()) for header in wanted)[:1]
    wishes = [str(wish) for wish in listed(wanted)]
    if name in _ADDRESSES:
        plain = all("@" in wish and _GLOB.isdisjoint(wish.removeprefix("*@")) for wish in wishes)
        return tuple((name, wish.lower()) for wish in wishes) if plain else ()
    if name in _NAMES:
        return tuple((name, wish.casefold()) for wish in wishes)
    if name == "has":
        return (("states", wishes[0]),)
    if name in stated and wanted is not False:
        return (("states", name),)
    return ()


def _wishes(place: str, conditions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Every word that *conditions*, and those nested in them, look for in *place*."""
    for when in conditions:
        for name, wanted in when.items():
            if name == place:
                yield from map(str, listed(wanted))
            elif name in ("all", "any", "not"):
                yield from _wishes(place, listed(wanted))
