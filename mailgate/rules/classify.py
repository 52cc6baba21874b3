"""Which task a mail asks for, by the phrases people use (``recognise`` in the configuration).

Most hits win; a tie goes to what is asked for, then to the mailbox's usual category, then to the
longer phrase, then to the earlier place. Any phrase beats the usual category. A subject and a
sentence that asks count double, what is mentioned in passing half, what is not wanted nothing.
Where no phrase is asked for, the same words in another form or order count too, but for less.
Items of a list that name different tasks are requests of their own.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, pairwise

from mailgate.model.config import Config
from mailgate.model.decision import Match, Trace
from mailgate.rules.loose import LoosePhrases
from mailgate.rules.manner import Manner, read_sentences
from mailgate.rules.needs import needs_of
from mailgate.rules.phrases import Hit, Phrases
from mailgate.rules.ranking import STAGE, Find, covered, lost, place, ranked, scores, told
from mailgate.rules.vocabulary import Likely, Vocabulary

OTHER = "other"
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)]|[a-z][.)])[ \t]+\S", re.MULTILINE | re.IGNORECASE)
_CLOSE_CALLS = 3  # what else came close: as many as help a person
_EXACT = {Manner.ASKED: 4, Manner.TOLD: 2, Manner.ASIDE: 1}
_LOOSE = {Manner.ASKED: 3, Manner.TOLD: 1, Manner.ASIDE: 0}
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


def classify(
    subject: str, wording: str, mailbox: str | None, config: Config, subject_is_old: bool = False
) -> Classified:
    """The task of a mail to *mailbox* (None: an answer to ``send_from``).

    A subject counts double, but once where *subject_is_old*: it was written for an earlier mail.
    """
    usual = config.service.mailboxes[mailbox].usually if mailbox else None
    texts = {"subject": subject, "text": wording}
    finds, hidden = _finds(texts, config, subject_is_old)
    wanted = _demoted([find for find in finds if find.manner is not Manner.REFUSED], config)
    found = scores(wanted)
    if not any(score.is_asked_for for score in found.values()):
        loose = _loose_finds(texts, finds, usual, config, subject_is_old)
        found = scores(_demoted([*wanted, *loose], config))
    ranking = ranked(found, usual)
    refused = tuple(dict.fromkeys(find.hit.label for find in finds if find.manner is Manner.REFUSED))
    refusals = _refusals(finds, texts)
    if not any(_settles(find) for score in found.values() for find in score.finds):
        likely = _likeliest(texts, usual, config)
        if likely and likely.task not in refused:
            return _known_by_its_words(likely, refused, refusals)
    if not ranking:
        task = f"{usual}.{OTHER}" if usual else None
        why = f"no phrase fits; {mailbox} is usually {usual}" if usual else "no phrase fits"
        return Classified(task, usual, (Match(STAGE, task or "nothing", effect=why), *refusals), refused=refused)
    best = ranking[0]
    items, around = _items(wording, [find.hit for find in wanted if find.where == "text"], usual)
    matches = [told(best, found[best], texts)]
    matches += [lost(task, best, found, usual, texts) for task in ranking[1 : 1 + _CLOSE_CALLS]]
    matches += hidden
    matches += [Match(STAGE, item.task, words=item.text, where="list", effect="a request of its own") for item in items]
    return Classified(best, best.partition(".")[0], (*matches, *refusals), items, around, refused)


def _settles(find: Find) -> bool:
    """Whether it is more than mentioned in passing, and in other words only where it is asked for."""
    return find.manner is Manner.ASKED or (find.manner is Manner.TOLD and not find.is_loose)


def _likeliest(texts: Mapping[str, str], usual: str | None, config: Config) -> Likely | None:
    """By its words; where any category may be meant, by more than one of them."""
    likely = _vocabulary(config, usual).likeliest([read_sentences(text, config) for text in texts.values()])
    return likely if likely and (usual or len(likely.words) > 1) else None


def _known_by_its_words(likely: Likely, refused: tuple[str, ...], refusals: Trace) -> Classified:
    match = Match(STAGE, likely.task, ", ".join(likely.words), effect="no phrase fits; its words stand out")
    return Classified(likely.task, likely.task.partition(".")[0], (match, *refusals), refused=refused)


def _finds(texts: Mapping[str, str], config: Config, subject_is_old: bool) -> tuple[list[Find], Trace]:
    """Every phrase of a task in *texts*; of two that share words the longer, and why not the other."""
    phrases = _phrases(config)
    finds: list[Find] = []
    hidden: list[Match] = []
    for where, text in texts.items():
        hits = phrases.find(text)
        kept = _longest(hits)
        if len(kept) < len(hits):
            hidden += islice(covered(hits, kept, where, text), _CLOSE_CALLS)
        meant = _meant(kept, where, text, config, subject_is_old)
        finds += (Find(where, hit, manner, _EXACT.get(manner, 0)) for hit, manner in meant)
    return finds, tuple(hidden)


def _loose_finds(
    texts: Mapping[str, str], finds: Sequence[Find], usual: str | None, config: Config, subject_is_old: bool
) -> Iterator[Find]:
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
                yield Find(where, hit, manner, points, is_loose=True)


def _demoted(finds: Sequence[Find], config: Config) -> list[Find]:
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
    stated = {
        (task, phrase): frozenset(hit.label for hit in words.find(phrase) if (hit.start, hit.end) == (0, len(phrase)))
        - frozenset(needs_of(task, config))
        for task, phrase in _recognised(config)
    }
    return {known: names for known, names in stated.items() if names}


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


def _refusals(finds: Sequence[Find], texts: Mapping[str, str]) -> Trace:
    return tuple(
        Match(STAGE, find.hit.label, words=find.hit.phrase, where=place(find, texts), effect=Manner.REFUSED)
        for find in finds
        if find.manner is Manner.REFUSED
    )


def _items(wording: str, hits: Sequence[Hit[str]], usual: str | None) -> tuple[tuple[Item, ...], str]:
    """The requests among the items of lists in *wording*, and what stands around them.

    None of both where fewer than two tasks are named: then the mail is one request.
    """
    items, taken = [], []
    places = list(_places_of_items(wording)) if hits else []
    for start, end in places:
        low, high = (bisect_left(hits, place, key=lambda hit: hit.start) for place in (start, end))
        found = scores(Find("text", hit, Manner.TOLD, 1) for hit in hits[low:high] if hit.end <= end)
        if found:
            items.append(Item(ranked(found, usual)[0], wording[start:end]))
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
