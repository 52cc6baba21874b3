"""What the single words of a mail, and the facts it states, say about its task: weaker evidence than a phrase.

A task is known by the ``words`` listed for it and by those of its name and phrases; a fact speaks
for the tasks that need it. The more tasks share one, the less it counts for each. Tasks whose work
the mailbox's team does share among themselves; for others the same counts half.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.config import Config
from mailgate.rules.manner import Manner, Sentences
from mailgate.rules.needs import needs_of
from mailgate.rules.phrases import words_of
from mailgate.rules.stems import Lexicon, is_small, stem, telling

_COUNTS = {Manner.ASKED: 1.0, Manner.TOLD: 0.7, Manner.ASIDE: 0.35, Manner.REFUSED: 0.0}
_STATED = 0.5
_OFTEN = 2  # phrases of a task with a word, from which on it is the task's own
_FAR = 0.5
_FEW = 6  # tasks that may share a word for it to say anything of another team's
_OF_ANY_WORK = frozenset(
    stem(word)
    for words in (
        "send book set update open start create upload record move change copy run list make put take get give need",
        "want look sort arrange check show call please new old next first case order person report team date day week",
        "today tomorrow back out into onto off up down i he she they we us him them who which what when where how why",
        "if so then there here no nor but do does can could would should may might will shall must just only also too",
        "very more most any some all both each few other such own same than until while about over under again once",
        "during before after above below through be am being go going put week month",
    )
    for word in words.split(" ")
)
"""Words of office work, and the little ones of any sentence, that tell nothing about which task."""

Place = tuple[int, int]
_Strengths = Mapping[str, Mapping[str, float]]
"""The tasks that each of some names speaks for, each with how much."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a mail by its *sentences*, with what is *taken*: the places of phrases that count by themselves.

    *manner*: how all of it is meant, whatever its sentences say.
    """

    sentences: Sentences
    taken: Sequence[Place] = ()
    manner: Manner | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What speaks for a task: how much it counts, the *words* as they were written, and the *facts* by their names."""

    points: float = 0.0
    words: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


def heard(texts: Iterable[Text], stated: Collection[str], near: frozenset[str], config: Config) -> dict[str, Heard]:
    """What the words of *texts* and the names of *stated* facts say of each task; *near* are the team's categories."""
    weights = _weights(config, near)
    told = _counted(texts, _lexicon(config))
    points: dict[str, float] = defaultdict(float)
    words: dict[str, list[str]] = defaultdict(list)
    facts: dict[str, list[str]] = defaultdict(list)
    for own, (word, count) in told.items():
        for task, weight in weights.words.get(own, ()):
            points[task] += weight * count
            words[task].append(word)
    for name in stated:
        for task, weight in weights.facts.get(name, ()):
            points[task] += weight * _STATED
            facts[task].append(name)
    return {task: Heard(points[task], tuple(words[task]), tuple(facts[task])) for task in points}


def _counted(texts: Iterable[Text], lexicon: Lexicon) -> Mapping[str, tuple[str, float]]:
    """The known words by their stems, each once, as it is written and with what it counts."""
    counts: dict[str, tuple[str, float]] = {}
    for text in texts:
        for word, start in _outside(text):
            own = lexicon.known(word)
            if own is None:
                continue
            manner = text.manner or text.sentences.manner_at(start)
            count = 0.0 if text.sentences.is_refused(start) else _COUNTS[manner]
            if count > counts.get(own, ("", 0.0))[1]:
                counts[own] = (word, count)
    return counts


def _outside(text: Text) -> Iterator[tuple[str, int]]:
    """The words of *text* that are in none of the phrases, those with hyphens in parts, each with its place."""
    taken = sorted(text.taken, reverse=True)
    end = 0  # of the phrases that begin before the word
    words = words_of(text.sentences.text)
    for word, (start, _) in zip(words.texts, words.places, strict=True):
        while taken and taken[-1][0] <= start:
            end = max(end, taken.pop()[1])
        if start >= end:
            for part in word.split("-"):
                yield part, start


# ---- what tasks are known by


@dataclass(frozen=True, slots=True)
class _Weights:
    """What each word, by its stem, and each fact counts for which tasks."""

    words: Mapping[str, Sequence[tuple[str, float]]]
    facts: Mapping[str, Sequence[tuple[str, float]]]


@lru_cache(maxsize=64)
def _weights(config: Config, near: frozenset[str]) -> _Weights:
    words, facts = _known(config)
    return _Weights(_shared(words, near), _shared(facts, near))


@lru_cache(maxsize=8)
def _known(config: Config) -> tuple[_Strengths, _Strengths]:
    """The tasks that each word, by its stem, and each fact speaks for, and how surely."""
    words: dict[str, dict[str, float]] = defaultdict(dict)
    facts: dict[str, dict[str, float]] = defaultdict(dict)
    for task in _tasks(config):
        for word, strength in _known_by(task, config).items():
            words[word][task] = strength
        for name in needs_of(task, config):
            if name != config.key_name:
                facts[name][task] = 1.0
    return words, facts


def _shared(known: _Strengths, near: frozenset[str]) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What each counts for a task: divided by the root of how many tasks have it, so that what few have says most."""
    shares = {}
    for name, tasks in known.items():
        ours = {task: strength for task, strength in tasks.items() if task.partition(".")[0] in near}
        among = sum(ours.values()) ** 0.5
        own = [(task, strength / among) for task, strength in ours.items()]
        if len(tasks) <= _FEW:
            everybody = sum(tasks.values()) ** 0.5
            own += [(task, _FAR * strength / everybody) for task, strength in tasks.items() if task not in ours]
        shares[name] = own
    return shares


@lru_cache(maxsize=8)
def _lexicon(config: Config) -> Lexicon:
    """The words that any task is known by."""
    known, _ = _known(config)
    return Lexicon(word for task in _tasks(config) for word in _all_words(task, config) if stem(word) in known)


def _known_by(task: str, config: Config) -> Mapping[str, float]:
    """The stems of the words that *task* is known by, and how surely."""
    entry = config.task(task)[1]
    often = Counter(word for phrase in _phrases(task, config) for word in {stem(each) for each in telling(phrase)})
    told = {word: min(1.0, many / _OFTEN) for word, many in often.items()}
    told |= {stem(each): 1.0 for word in entry.words for each in telling(word)}
    nothing = _OF_ANY_WORK | _of_manners(config)
    return {
        word: strength
        for word, strength in told.items()
        if word not in nothing and word.isalpha() and not is_small(word)
    }


def _phrases(task: str, config: Config) -> Iterator[str]:
    entry = config.task(task)[1]
    yield task.partition(".")[2].replace("-", " ")
    yield from filter(None, (entry.label, *entry.recognise))


def _all_words(task: str, config: Config) -> Iterator[str]:
    for phrase in (*_phrases(task, config), *config.task(task)[1].words):
        yield from telling(phrase)


@lru_cache(maxsize=8)
def _of_manners(config: Config) -> frozenset[str]:
    """The words by which people ask, refuse or mention: they say how something is meant, not what."""
    text = config.service.text
    listed = (*text.asks, *text.asides, *text.refusals.before, *text.refusals.after)
    return frozenset(stem(word) for phrase in listed for word in telling(phrase))


def _tasks(config: Config) -> Iterator[str]:
    return (f"{name}.{task}" for name, category in config.service.categories.items() for task in category.tasks)
