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
_LONG = 6  # letters of a word from which on one slip still leaves no doubt which was meant
_SMALL = frozenset(
    {"a", "an", "the", "of", "for", "to", "in", "on", "at", "by", "with", "and", "or", "is", "are", "be", "been"}
    | {"has", "have", "had", "was", "were", "as", "it", "its", "his", "her", "their", "my", "me", "your", "you", "our"}
    | {"from", "this", "that", "not"}
)
_PRESENT = {
    "came": "come",
    "went": "go",
    "gone": "go",
    "took": "take",
    "taken": "take",
    "gave": "give",
    "given": "give",
    "sent": "send",
    "lost": "lose",
    "left": "leave",
    "met": "meet",
    "made": "make",
    "held": "hold",
    "began": "begin",
    "wrote": "write",
    "written": "write",
    "paid": "pay",
    "saw": "see",
    "seen": "see",
    "ran": "run",
    "got": "get",
    "spoke": "speak",
    "spoken": "speak",
    "withdrew": "withdraw",
    "withdrawn": "withdraw",
    "done": "do",
    "did": "do",
    "brought": "bring",
    "broke": "break",
    "broken": "break",
    "dealt": "deal",
    "found": "find",
    "told": "tell",
}
"""Verbs whose past has no ending to take off."""
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
        self._stems = frozenset(often)
        self._meant = _slips(word for _, phrase in stems for word in words_of(phrase).texts)

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
        if own in self._stems or len(word) > _LONGEST or not word.isalpha():
            return own
        fewer = _one_letter_less(word) if len(word) >= _LONG else ()
        return next((self._meant[each] for each in (word, *fewer) if each in self._meant), own)


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


def _slips(words: Iterable[str]) -> Mapping[str, str]:
    """The stem of what is meant by each long word, and by it with one letter left out."""
    long = sorted({word for word in words if len(word) >= _LONG and word.isalpha()})
    meant = {word: stem(word) for word in long}
    for word in long:
        for slip in _one_letter_less(word):
            meant.setdefault(slip, stem(word))
    return meant


def _one_letter_less(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(1, len(word)))


def stem(word: str) -> str:
    """*word* without its endings: "terminated", "termination" and "terminate" are the same, "came" and "come" too."""
    return word if len(word) > _LONGEST else _stem(word)


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return str(_STEMMER.stemWord(_PRESENT.get(word, word)))
