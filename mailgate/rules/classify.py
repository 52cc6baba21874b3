"""Which task a mail asks for, by the phrases people use (``recognise`` in the configuration).

Most hits win; a tie goes to the mailbox's usual category, then to the longer phrase, then to the
earlier place. Any phrase beats the usual category. Items of a list that name different tasks are
requests of their own.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from mailgate.model.config import Config
from mailgate.model.decision import Match, Trace
from mailgate.rules.phrases import Hit, Phrases

STAGE = "classify"
OTHER = "other"
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)]|[a-z][.)])[ \t]+\S", re.MULTILINE | re.IGNORECASE)
_CLOSE_CALLS = 3  # what else came close: as many as help a person


@dataclass(frozen=True, slots=True)
class Item:
    """A request of its own: *task* by the phrases of the list's item *text*."""

    task: str
    text: str


@dataclass(frozen=True, slots=True)
class Classified:
    """What ``classify`` found: *task* is "category.task", or None with *category* None where nothing tells.

    *items* are the requests of a mail that lists several, *around* the wording without them.
    """

    task: str | None
    category: str | None
    matches: Trace = ()
    items: tuple[Item, ...] = ()
    around: str = ""


@dataclass(slots=True)
class _Score:
    """The hits of one task, weighted, in order of place (the subject comes first)."""

    points: int = 0
    hits: list[tuple[str, Hit[str]]] = field(default_factory=list)

    def add(self, where: str, hit: Hit[str], weight: int) -> None:
        self.points += weight
        self.hits.append((where, hit))


def classify(
    subject: str, wording: str, mailbox: str | None, config: Config, subject_is_old: bool = False
) -> Classified:
    """The task of a mail to *mailbox* (None: an answer to ``send_from``).

    A subject counts double, but once where *subject_is_old*: it was written for an earlier mail.
    """
    phrases = _phrases(config)
    usual = config.service.mailboxes[mailbox].usually if mailbox else None
    in_text = phrases.find(wording)
    items, around = _items(wording, in_text, usual)
    scores = _scores(phrases.find(subject), in_text, 1 if subject_is_old else 2)
    ranking = _ranked(scores, usual)
    if not ranking:
        task = f"{usual}.{OTHER}" if usual else None
        why = f"no phrase fits; {mailbox} is usually {usual}" if usual else "no phrase fits"
        return Classified(task, usual, (Match(STAGE, task or "nothing", effect=why),))
    best = ranking[0]
    matches = [_told(best, scores[best], {"subject": subject, "text": wording})]
    matches += [
        Match(STAGE, task, words=_phrases_of(scores[task]), effect=f"came close with {scores[task].points}")
        for task in ranking[1 : 1 + _CLOSE_CALLS]
    ]
    matches += [Match(STAGE, item.task, words=item.text, where="list", effect="a request of its own") for item in items]
    return Classified(best, best.partition(".")[0], tuple(matches), items, around)


def _scores(in_subject: Sequence[Hit[str]], in_text: Sequence[Hit[str]], subject_counts: int) -> dict[str, _Score]:
    scores: dict[str, _Score] = defaultdict(_Score)
    for hit in in_subject:
        scores[hit.label].add("subject", hit, subject_counts)
    for hit in in_text:
        scores[hit.label].add("text", hit, 1)
    return scores


def _ranked(scores: dict[str, _Score], usual: str | None) -> list[str]:
    """The tasks with hits, the likeliest first."""

    def rank(task: str) -> tuple[int, bool, int, bool, int]:
        score = scores[task]
        where, first = score.hits[0]
        longest = max(hit.length for _, hit in score.hits)
        return score.points, task.partition(".")[0] == usual, longest, where == "subject", -first.start

    return sorted(scores, key=rank, reverse=True)


def _told(task: str, score: _Score, texts: dict[str, str]) -> Match:
    places = [f'{where}: "{texts[where][hit.start : hit.end]}"' for where, hit in score.hits]
    return Match(STAGE, task, words=_phrases_of(score), where="; ".join(places), effect=f"counts {score.points}")


def _phrases_of(score: _Score) -> str:
    return ", ".join(dict.fromkeys(hit.phrase for _, hit in score.hits))


def _items(wording: str, hits: Sequence[Hit[str]], usual: str | None) -> tuple[tuple[Item, ...], str]:
    """The requests among the items of lists in *wording*, and what stands around them.

    None of both where fewer than two tasks are named: then the mail is one request.
    """
    items, taken = [], []
    places = list(_places_of_items(wording)) if hits else []
    for start, end in places:
        low, high = (bisect_left(hits, place, key=lambda hit: hit.start) for place in (start, end))
        scores = _scores((), [hit for hit in hits[low:high] if hit.end <= end], 1)
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


@lru_cache(maxsize=8)
def _phrases(config: Config) -> Phrases[str]:
    return Phrases(
        (f"{name}.{task_name}", phrase)
        for name, category in config.service.categories.items()
        for task_name, task in category.tasks.items()
        for phrase in task.recognise
    )
