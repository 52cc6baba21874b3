"""The likeliest task of a category where no phrase fits, by the words that its tasks are known by.

A word tells the more the fewer tasks share it and the more of a task's phrases have it. Only what
is asked for or stands in the subject can settle anything, and only where one task stands out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailgate.rules.loose import content, stem
from mailgate.rules.manner import Manner, Sentences
from mailgate.rules.phrases import words_of

_ENOUGH, _AHEAD = 1.1, 0.3  # one word of a single phrase is not enough, even where it is asked for
_COUNTS = {Manner.ASKED: 2.0, Manner.TOLD: 0.5, Manner.ASIDE: 0.0}
_OFTEN = 2  # phrases of a task with a word, from which on it is the task's own
_OF_ANY_WORK = frozenset(
    stem(word)
    for word in (
        *("send", "sent", "book", "set", "up", "update", "open", "start", "create", "upload", "record", "move"),
        *("change", "copy", "run", "list", "make", "put", "take", "get", "give", "need", "want", "look", "sort"),
        *("arrange", "check", "show", "call", "please", "new", "old", "next", "first", "case", "order", "person"),
        *("report", "team", "date", "day", "week", "today", "tomorrow", "back", "out", "into", "onto", "off"),
    )
)
"""Words of office work that tell nothing about which."""


@dataclass(frozen=True, slots=True)
class Likely:
    """The task that stands out, and the words of it that the mail has."""

    task: str
    words: tuple[str, ...]


class Vocabulary:
    """The words of some tasks: of their names and phrases, each a (task, words)."""

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        told: dict[str, Counter[str]] = defaultdict(Counter)
        for task, words in phrases:
            told[task].update(set(content(words)) - _OF_ANY_WORK)
        shared = Counter[str]()
        for words_of_task in told.values():
            shared.update(words_of_task)
        self._weights: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for task, each in told.items():
            for word, often in each.items():
                self._weights[word].append((task, often / shared[word] * min(1.0, often / _OFTEN)))

    def likeliest(self, texts: Sequence[Sentences]) -> Likely | None:
        """The task that stands out in *texts*, of which the first is a subject; None where none does."""
        counts = self._counted(texts)
        scores: dict[str, float] = defaultdict(float)
        for word, (_, count) in counts.items():
            for task, weight in self._weights[word]:
                scores[task] += weight * count
        ranking = sorted(scores, key=lambda task: -scores[task])
        if not ranking or scores[ranking[0]] < _ENOUGH:
            return None
        best = ranking[0]
        if len(ranking) > 1 and scores[best] - scores[ranking[1]] < _AHEAD:
            return None
        own = (said for word, (said, count) in counts.items() if count and best in dict(self._weights[word]))
        return Likely(best, tuple(own))

    def _counted(self, texts: Sequence[Sentences]) -> Mapping[str, tuple[str, float]]:
        """The known words in *texts*, each once, as it is written and with what it counts."""
        counts: dict[str, tuple[str, float]] = {}
        for number, sentences in enumerate(texts):
            words = words_of(sentences.text)
            for word, (start, _) in zip(words.texts, words.places, strict=True):
                known = stem(word) if word else ""
                if known in self._weights:
                    manner = Manner.ASKED if number == 0 else sentences.manners[sentences.number_at(start)]
                    count = 0.0 if sentences.is_refused(start) else _COUNTS[manner]
                    counts[known] = max(counts.get(known, (word, 0.0)), (word, count), key=lambda each: each[1])
        return counts
