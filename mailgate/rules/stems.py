"""Words without their endings, and which one was meant by a slip of the pen."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import snowballstemmer

from mailgate.rules.phrases import words_of

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
    "stood": "stand",
    "forgot": "forget",
    "drank": "drink",
    "drunk": "drink",
    "slept": "sleep",
}
"""Verbs whose past has no ending to take off."""
_STEMMER = snowballstemmer.stemmer("english")


class Lexicon:
    """Some words, each known by any of its forms and, where it is a long one, with one letter wrong."""

    def __init__(self, words: Iterable[str]) -> None:
        known = sorted(set(words))
        self._stems = frozenset(map(stem, known))
        self._meant: dict[str, str] = {}
        for word in known:
            if len(word) >= _LONG and word.isalpha():
                for slip in (word, *_one_letter_less(word)):
                    self._meant.setdefault(slip, stem(word))
        self._remembered = lru_cache(maxsize=65_536)(self._look_up)

    def known(self, word: str) -> str | None:
        """The stem of *word*, or of the one that was meant; None where that is none of ours."""
        return self._remembered(word) if len(word) <= _LONGEST else None

    def _look_up(self, word: str) -> str | None:
        own = stem(word)
        if own in self._stems:
            return own
        if len(word) < _LONG - 1 or not word.isalpha():
            return None
        fewer = _one_letter_less(word) if len(word) > _LONG else ()  # another letter, or two exchanged
        return next((self._meant[each] for each in (word, *fewer) if each in self._meant), None)


def is_small(word: str) -> bool:
    """Whether *word* says nothing by itself."""
    return word in _SMALL


def content(phrase: str) -> Iterator[str]:
    """The stems of the words that matter in *phrase*; of all of them where none does."""
    return map(stem, telling(phrase))


def telling(phrase: str) -> list[str]:
    """The words that matter in *phrase*, in small letters; all of them where none does."""
    words = [word for text in words_of(phrase).texts for word in text.split("-") if word]
    return [word for word in words if word not in _SMALL] or words


def _one_letter_less(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(1, len(word)))


def stem(word: str) -> str:
    """*word* without its endings: "terminated", "termination" and "terminate" are the same, "came" and "come" too."""
    return word if len(word) > _LONGEST else _stem(word)


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return str(_STEMMER.stemWord(_PRESENT.get(word, word)))
