"""Phrases said in other words: the same words with other endings, in another order, or with one slip of the pen.

This is weaker evidence than a phrase as it stands in the configuration, and is looked at only
where that does not settle what a mail asks for.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import snowballstemmer

from mailgate.rules.phrases import Hit, words_of

_NEARBY = 7  # words to either side among which the others of a phrase may stand
_LONGEST = 40  # letters from which on it is no word of anybody's, and all that is done with words here too dear
_LONG = 6  # letters from which on one slip still leaves no doubt which word was meant
_SMALL = frozenset(
    {"a", "an", "the", "of", "for", "to", "in", "on", "at", "by", "with", "and", "or", "is", "are", "be", "been"}
    | {"has", "have", "had", "was", "were", "as", "it", "its", "his", "her", "their", "my", "me", "your", "you", "our"}
    | {"from", "this", "that", "not"}
)
_STEMMER = snowballstemmer.stemmer("english")


class LoosePhrases:
    """A set of (label, phrase), made once and then looked for loosely in many texts."""

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        stems = {place: own for place in phrases if (own := _told_by(place[1]))}
        often = Counter(one for each in stems.values() for one in each)
        self._by_rarest: dict[str, list[tuple[str, str, frozenset[str]]]] = defaultdict(list)
        for (label, phrase), own in stems.items():
            rarest = min(own, key=lambda each: (often[each], each))
            self._by_rarest[rarest].append((label, phrase, own))
        self._meant = _slips(often)

    def find(self, text: str) -> Iterator[Hit[str]]:
        """Every phrase of which all words that matter stand near each other in one sentence, once for each sentence."""
        words = words_of(text)
        for first, last in words.sentences():
            stems = [self._known(word) for word in words.texts[first:last]]
            found: set[tuple[str, str]] = set()
            for at, each in enumerate(stems):
                for label, phrase, wanted in self._by_rarest.get(each, ()):
                    low = max(0, at - _NEARBY)
                    near = stems[low : at + _NEARBY + 1]
                    if (label, phrase) in found or not wanted.issubset(near):
                        continue
                    found.add((label, phrase))
                    own = [first + low + number for number, word in enumerate(near) if word in wanted]
                    yield Hit(label, phrase, words.places[own[0]][0], words.places[own[-1]][1])

    def _known(self, word: str) -> str:
        """The stem of *word*, or of the one that was meant."""
        own = stem(word)
        if not _LONG <= len(word) <= _LONGEST or not word.isalpha():
            return own
        return next((self._meant[each] for each in (own, *_one_letter_less(own)) if each in self._meant), own)


def _told_by(phrase: str) -> frozenset[str]:
    """The words that tell *phrase* in another form; none where small words are what makes it ("has passed")."""
    own = frozenset(content(phrase))
    return own if len(own) > 1 or " " not in phrase.strip() else frozenset()


def is_small(word: str) -> bool:
    """Whether *word* says nothing by itself."""
    return word in _SMALL


def content(phrase: str) -> Iterator[str]:
    """The stems of the words that matter in *phrase*; of all of them where none does."""
    words = [word for text in words_of(phrase).texts for word in text.split("-") if word]
    matter = [word for word in words if word not in _SMALL]
    return (stem(word) for word in matter or words)


def _slips(stems: Iterable[str]) -> Mapping[str, str]:
    """What is meant by each long stem, and by it with one letter left out."""
    meant = {each: each for each in stems}
    for each in sorted(each for each in stems if len(each) >= _LONG and each.isalpha()):
        for slip in _one_letter_less(each):
            meant.setdefault(slip, each)
    return meant


def _one_letter_less(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(1, len(word)))


def stem(word: str) -> str:
    """*word* without its endings: "terminated", "termination" and "terminate" are the same."""
    return word if len(word) > _LONGEST else _stem(word)


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return str(_STEMMER.stemWord(word))
