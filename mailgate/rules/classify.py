"""Which task a mail asks for, by the phrases people use (``recognise`` in the configuration).

Most hits win; a tie goes to what is asked for, then to the mailbox's usual category, then to the
longer phrase, then to the earlier place. Any phrase beats the usual category. A subject and a
sentence that asks count double, what is mentioned in passing half, what is not wanted nothing.
Where no phrase is asked for, the same words in another form or order count too, but for less.
Items of a list that name different tasks are requests of their own.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from mailgate.model.config import Config
from mailgate.model.decision import Match, Trace
from mailgate.rules.loose import LoosePhrases
from mailgate.rules.manner import Manner, read_sentences
from mailgate.rules.needs import needs_of
from mailgate.rules.phrases import Hit, Phrases
from mailgate.rules.vocabulary import Likely, Vocabulary

STAGE = "classify"
OTHER = "other"
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)]|[a-z][.)])[ \t]+\S", re.MULTILINE | re.IGNORECASE)
_CLOSE_CALLS = 3  # what else came close: as many as help a person
_EXACT = {Manner.ASKED: 4, Manner.TOLD: 2, Manner.ASIDE: 1}  # quarters and halves stay whole numbers so
_LOOSE = {Manner.ASKED: 3, Manner.TOLD: 1, Manner.ASIDE: 0}
_WHOLE = 2  # what counts one
_ANY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Item:
    """A request of its own: *task* by the phrases of the list's item *text*."""

    task: str
    text: str


@dataclass(frozen=True, slots=True)
class Classified:
    """What ``classify`` found: *task* is "category.task", or None with *category* None where nothing tells.

    *items* are the requests of a mail that lists several, *around* the wording without them;
    *refused* are the tasks that the mail names only to say that it does not want them.
    """

    task: str | None
    category: str | None
    matches: Trace = ()
    items: tuple[Item, ...] = ()
    around: str = ""
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Find:
    """A phrase that was found *where* ("subject" or "text"), how it is meant there, and what it counts."""

    where: str
    hit: Hit[str]
    manner: Manner
    points: int
    is_loose: bool = False


@dataclass(slots=True)
class _Score:
    """What was found of one task, in order of place (the subject comes first)."""

    finds: list[_Find] = field(default_factory=list)

    @property
    def points(self) -> int:
        return sum(find.points for find in self.finds)

    @property
    def is_asked_for(self) -> bool:
        return any(find.manner is Manner.ASKED for find in self.finds)


def classify(
    subject: str, wording: str, mailbox: str | None, config: Config, subject_is_old: bool = False
) -> Classified:
    """The task of a mail to *mailbox* (None: an answer to ``send_from``).

    A subject counts double, but once where *subject_is_old*: it was written for an earlier mail.
    """
    usual = config.service.mailboxes[mailbox].usually if mailbox else None
    texts = {"subject": subject, "text": wording}
    finds = _finds(texts, config, subject_is_old)
    wanted = _demoted([find for find in finds if find.manner is not Manner.REFUSED], config)
    scores = _scores(wanted)
    if not any(score.is_asked_for for score in scores.values()):
        loose = _loose_finds(texts, finds, usual, config, subject_is_old)
        scores = _scores(_demoted([*wanted, *loose], config))
    ranking = _ranked(scores, usual)
    refused = tuple(dict.fromkeys(find.hit.label for find in finds if find.manner is Manner.REFUSED))
    refusals = _refusals(finds, texts)
    if not any(_settles(find) for score in scores.values() for find in score.finds):
        likely = _likeliest(texts, usual, config)
        if likely and likely.task not in refused:
            return _known_by_its_words(likely, refused, refusals)
    if not ranking:
        task = f"{usual}.{OTHER}" if usual else None
        why = f"no phrase fits; {mailbox} is usually {usual}" if usual else "no phrase fits"
        return Classified(task, usual, (Match(STAGE, task or "nothing", effect=why), *refusals), refused=refused)
    best = ranking[0]
    items, around = _items(wording, [find.hit for find in wanted if find.where == "text"], usual)
    matches = [_told(best, scores[best], texts)]
    matches += [
        Match(STAGE, task, words=_phrases_of(scores[task]), effect=f"came close with {_shown(scores[task].points)}")
        for task in ranking[1 : 1 + _CLOSE_CALLS]
    ]
    matches += [Match(STAGE, item.task, words=item.text, where="list", effect="a request of its own") for item in items]
    return Classified(best, best.partition(".")[0], (*matches, *refusals), items, around, refused)


def _settles(find: _Find) -> bool:
    """Whether it is more than mentioned in passing, and in other words only where it is asked for."""
    return find.manner is Manner.ASKED or (find.manner is Manner.TOLD and not find.is_loose)


def _likeliest(texts: Mapping[str, str], usual: str | None, config: Config) -> Likely | None:
    """By its words; where any category may be meant, by more than one of them."""
    likely = _vocabulary(config, usual).likeliest([read_sentences(text, config) for text in texts.values()])
    return likely if likely and (usual or len(likely.words) > 1) else None


def _known_by_its_words(likely: Likely, refused: tuple[str, ...], refusals: Trace) -> Classified:
    match = Match(STAGE, likely.task, ", ".join(likely.words), effect="no phrase fits; its words stand out")
    return Classified(likely.task, likely.task.partition(".")[0], (match, *refusals), refused=refused)


def _finds(texts: Mapping[str, str], config: Config, subject_is_old: bool) -> list[_Find]:
    """Every phrase of a task in *texts*; of two that share words the longer."""
    phrases = _phrases(config)
    return [
        _Find(where, hit, manner, _EXACT.get(manner, 0))
        for where, text in texts.items()
        if (hits := _longest(phrases.find(text)))
        for hit, manner in _meant(hits, where, text, config, subject_is_old)
    ]


def _loose_finds(
    texts: Mapping[str, str], finds: Sequence[_Find], usual: str | None, config: Config, subject_is_old: bool
) -> Iterator[_Find]:
    """What else the words of phrases say, in another form or order: asked for or, in the usual category, told.

    One word alone says it only in the usual category, and only where it is asked for.
    """
    for where, text in texts.items():
        exact = [find.hit for find in finds if find.where == where]
        hits = _longest(list(_loose_phrases(config).find(text)), exact)
        for hit, manner in _meant(hits, where, text, config, subject_is_old):
            is_near = usual is None or hit.label.partition(".")[0] == usual
            is_sure = manner is Manner.ASKED and (is_near or hit.length > 1)
            if (points := _LOOSE.get(manner, 0)) and (is_sure or (is_near and hit.length > 1)):
                yield _Find(where, hit, manner, points, is_loose=True)


def _demoted(finds: Sequence[_Find], config: Config) -> list[_Find]:
    """*finds*, of which those in passing that only say what another of their tasks needs: "figures for recalls"."""
    needed = {name for task in {find.hit.label for find in finds} for name in needs_of(task, config)}
    return [
        replace(find, manner=Manner.ASIDE, points=1) if needed & _told_by(find.hit, config) else find for find in finds
    ]


def _told_by(hit: Hit[str], config: Config) -> frozenset[str]:
    """The information that the phrase itself states, less what its own task needs."""
    return _statements(config).get((hit.label, hit.phrase), frozenset())


@lru_cache(maxsize=8)
def _statements(config: Config) -> Mapping[tuple[str, str], frozenset[str]]:
    """The phrases that are words of information too, by task and phrase."""
    words = Phrases((name, each) for name, entry in config.service.information.items() for each in entry.words)
    told = {
        (task, phrase): frozenset(hit.label for hit in words.find(phrase) if (hit.start, hit.end) == (0, len(phrase)))
        - frozenset(needs_of(task, config))
        for task, phrase in _recognised(config)
    }
    return {place: names for place, names in told.items() if names}


def _meant(
    hits: Sequence[Hit[str]], where: str, text: str, config: Config, subject_is_old: bool
) -> Iterator[tuple[Hit[str], Manner]]:
    """Each hit with how it is meant: a new subject asks, whatever its words."""
    sentences = read_sentences(text, config) if hits else None
    for hit in hits:
        manner = sentences.manner(hit) if sentences else Manner.TOLD
        if where == "subject" and manner is not Manner.REFUSED:
            manner = Manner.TOLD if subject_is_old else Manner.ASKED
        yield hit, manner


def _longest(hits: Sequence[Hit[str]], taken: Sequence[Hit[str]] = ()) -> list[Hit[str]]:
    """*hits* without those that share words with one of a longer phrase, or with any that is *taken*."""
    longest = bytearray(max((hit.end for hit in (*hits, *taken)), default=0))  # of the phrases at each character
    for hit in taken:
        longest[hit.start : hit.end] = bytes([_ANY_LENGTH]) * (hit.end - hit.start)
    kept: list[Hit[str]] = []
    for hit in sorted(hits, key=lambda hit: -hit.length):
        length = min(hit.length, _ANY_LENGTH - 1)
        if max(longest[hit.start : hit.end], default=0) <= length:
            kept.append(hit)
            longest[hit.start : hit.end] = bytes([length]) * (hit.end - hit.start)
    return sorted(kept, key=lambda hit: hit.start)


def _scores(finds: Iterable[_Find]) -> dict[str, _Score]:
    scores: dict[str, _Score] = defaultdict(_Score)
    for find in finds:
        scores[find.hit.label].finds.append(find)
    return scores


def _ranked(scores: Mapping[str, _Score], usual: str | None) -> list[str]:
    """The tasks with hits, the likeliest first."""

    def rank(task: str) -> tuple[int, bool, bool, int, bool, int]:
        score = scores[task]
        first = score.finds[0]
        longest = max(find.hit.length for find in score.finds)
        is_usual = task.partition(".")[0] == usual
        return score.points, score.is_asked_for, is_usual, longest, first.where == "subject", -first.hit.start

    return sorted(scores, key=rank, reverse=True)


def _told(task: str, score: _Score, texts: Mapping[str, str]) -> Match:
    places = "; ".join(_place(find, texts) for find in score.finds)
    return Match(STAGE, task, words=_phrases_of(score), where=places, effect=f"counts {_shown(score.points)}")


def _refusals(finds: Sequence[_Find], texts: Mapping[str, str]) -> Trace:
    return tuple(
        Match(STAGE, find.hit.label, words=find.hit.phrase, where=_place(find, texts), effect=Manner.REFUSED)
        for find in finds
        if find.manner is Manner.REFUSED
    )


def _place(find: _Find, texts: Mapping[str, str]) -> str:
    said = f'{find.where}: "{texts[find.where][find.hit.start : find.hit.end]}"'
    return f"{said} (in other words)" if find.is_loose else said


def _shown(points: int) -> str:
    return f"{points / _WHOLE:g}"


def _phrases_of(score: _Score) -> str:
    return ", ".join(dict.fromkeys(find.hit.phrase for find in score.finds))


def _items(wording: str, hits: Sequence[Hit[str]], usual: str | None) -> tuple[tuple[Item, ...], str]:
    """The requests among the items of lists in *wording*, and what stands around them.

    None of both where fewer than two tasks are named: then the mail is one request.
    """
    items, taken = [], []
    places = list(_places_of_items(wording)) if hits else []
    for start, end in places:
        low, high = (bisect_left(hits, place, key=lambda hit: hit.start) for place in (start, end))
        scores = _scores(_Find("text", hit, Manner.TOLD, 1) for hit in hits[low:high] if hit.end <= end)
        if scores:
            items.append(Item(_ranked(scores, usual)[0], wording[start:end]))
            taken.append((start, end))
    if len({item.task for item in items}) < 2:
        return (), ""
    around = "".join(wording[low:high] for low, high in _gaps(taken, len(wording)))
    return tuple(items), around


def _places_of_items(wording: str) -> Iterator[tuple[int, int]]:
    """Where each item of a list stands: from its mark to the next mark, an empty line or the end."""
    marks = [found.start() for found in _ITEM.finditer(wording)]
    for start, following in pairwise([*marks, len(wording)]):
        blank = re.compile(r"\n[ \t]*\n").search(wording, start, following)
        yield start, blank.start() if blank else following


def _gaps(taken: Sequence[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    at = 0
    for start, end in [*taken, (length, length)]:
        yield at, start
        at = end


def _recognised(config: Config) -> Iterator[tuple[str, str]]:
    for name, category in config.service.categories.items():
        for task_name, task in category.tasks.items():
            for phrase in task.recognise:
                yield f"{name}.{task_name}", phrase


@lru_cache(maxsize=8)
def _phrases(config: Config) -> Phrases[str]:
    return Phrases(_recognised(config))


@lru_cache(maxsize=8)
def _loose_phrases(config: Config) -> LoosePhrases:
    return LoosePhrases(_recognised(config))


@lru_cache(maxsize=256)
def _vocabulary(config: Config, usual: str | None) -> Vocabulary:
    """Of the tasks of the category *usual*, or of all."""
    named = (
        (f"{name}.{task_name}", words)
        for name, category in config.service.categories.items()
        for task_name, task in category.tasks.items()
        for words in (task_name.replace("-", " "), *task.recognise)
        if usual in (None, name)
    )
    return Vocabulary(named)
