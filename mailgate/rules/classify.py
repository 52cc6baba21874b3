"""Which task a mail asks for, by the phrases people use (``recognise`` in the configuration).

Most points win; a tie goes to what is asked for, then to the categories that the mailbox is for, then
to the longer phrase, then to the earlier place. A phrase in the subject or in a sentence that asks
counts two, elsewhere one, in passing a half, where it is not wanted nothing. The words beside the
phrases, and the facts that the mail states, count less (``vocabulary``); without a phrase they have
to be clear. Items of a list that name different tasks are requests of their own.
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice, pairwise

from mailgate.model.config import Config
from mailgate.model.reading import Classified, Item, Match, Trace
from mailgate.rules.manner import Manner, read_sentences
from mailgate.rules.needs import needs_of
from mailgate.rules.phrases import Hit, Phrases
from mailgate.rules.ranking import STAGE, Find, Score, covered, lost, place, ranked, scores, told, unclear
from mailgate.rules.vocabulary import Place, Text, heard

OTHER = "other"
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)]|[a-z][.)])[ \t]+\S", re.MULTILINE | re.IGNORECASE)
_BLANK = re.compile(r"\n[ \t]*\n")
_CLOSE_CALLS = 3  # what else came close: as many as help a person
_COUNTS = {Manner.ASKED: 2.0, Manner.TOLD: 1.0, Manner.ASIDE: 0.5, Manner.REFUSED: 0.0}
_ENOUGH, _AHEAD = 1.0, 0.2  # what words have to count to settle a task without a phrase, and how far in front
_LONGEST = 255  # words of a phrase that make a difference


def classify(
    subject: str,
    wording: str,
    mailbox: str | None,
    config: Config,
    subject_is_old: bool = False,
    stated: Collection[str] = (),
) -> Classified:
    """The task of a mail to *mailbox* (None: an answer to ``send_from``) that states the facts called *stated*.

    A subject counts double, but once where *subject_is_old*: it was written for an earlier mail.
    """
    near = _near(mailbox, config)
    texts = {"subject": subject, "text": wording}
    finds, taken, hidden = _finds(texts, config, subject_is_old)
    wanted = _demoted([find for find in finds if find.manner is not Manner.REFUSED], config)
    found = scores(wanted, heard(_texts(texts, taken, config, subject_is_old), stated, near, config))
    refused = tuple(dict.fromkeys(find.hit.label for find in finds if find.manner is Manner.REFUSED))
    refusals = _refusals(finds, texts)
    ranks = ranked(found, near)
    ranking = [task for task in ranks if found[task].finds or task not in refused]
    best = _best(ranking, found)
    if best is None:
        close = [unclear(task, found[task], texts) for task in ranking[:_CLOSE_CALLS]]
        return _unsettled(mailbox, config, (*close, *refusals), refused)
    items, around = _items(wording, [find.hit for find in wanted if find.where == "text"], near)
    matches = [told(best, found[best], texts)]
    others = [task for task in ranking if task != best]
    matches += [lost(task, best, found, ranks, texts) for task in others[:_CLOSE_CALLS]]
    matches += hidden
    matches += [Match(STAGE, item.task, words=item.text, where="list", effect="a request of its own") for item in items]
    return Classified(best, best.partition(".")[0], (*matches, *refusals), items, around, refused)


def _unsettled(mailbox: str | None, config: Config, matches: Trace, refused: tuple[str, ...]) -> Classified:
    """The mailbox's usual category, and no task of it; *matches* say what came close."""
    usual = config.service.mailboxes[mailbox].usually if mailbox else None
    task = f"{usual}.{OTHER}" if usual else None
    why = f"no task is clear; {mailbox} is usually {usual}" if usual else "no task is clear"
    return Classified(task, usual, (Match(STAGE, task or "nothing", effect=why), *matches), refused=refused)


@lru_cache(maxsize=64)
def _near(mailbox: str | None, config: Config) -> frozenset[str]:
    """The categories that *mailbox* is for: its usual one, its team's and, without a usual one, those of any team."""
    categories = config.service.categories
    if mailbox is None:
        return frozenset(categories)
    own = config.service.mailboxes[mailbox]
    teams = {own.team, None} if own.usually is None else {own.team}
    return frozenset(name for name, category in categories.items() if name == own.usually or category.team in teams)


def _best(ranking: Sequence[str], found: Mapping[str, Score]) -> str | None:
    """The first of *ranking*. Where only words speak for it they have to be clear, else a phrase close behind wins."""
    if not ranking or found[ranking[0]].is_named:
        return ranking[0] if ranking else None
    most = found[ranking[0]].points
    close = [task for task in ranking if most < _ENOUGH or most - found[task].points < _AHEAD]
    if close == ranking[:1] and most >= _ENOUGH:
        return ranking[0]
    return next((task for task in close if found[task].finds), None)


def _texts(
    texts: Mapping[str, str], taken: Mapping[str, Sequence[Place]], config: Config, subject_is_old: bool
) -> Iterator[Text]:
    """What is left to be heard of *texts*: what no phrase has."""
    for where, text in texts.items():
        asked = Manner.TOLD if subject_is_old else Manner.ASKED
        yield Text(read_sentences(text, config), taken[where], asked if where == "subject" else None)


def _finds(
    texts: Mapping[str, str], config: Config, subject_is_old: bool
) -> tuple[list[Find], dict[str, list[Place]], Trace]:
    """Every phrase of a task in *texts*; of two that share words the longer; all their places; why not the other."""
    phrases = _phrases(config)
    finds: list[Find] = []
    taken: dict[str, list[Place]] = {}
    hidden: list[Match] = []
    for where, text in texts.items():
        hits = phrases.find(text)
        kept = _longest(hits)
        if len(kept) < len(hits):
            hidden += islice(covered(hits, kept, where, text), _CLOSE_CALLS)
        meant = _meant(kept, where, text, config, subject_is_old)
        finds += (Find(where, hit, manner, _COUNTS[manner]) for hit, manner in meant)
        taken[where] = [(hit.start, hit.end) for hit in hits]
    return finds, taken, tuple(hidden)


def _demoted(finds: list[Find], config: Config) -> list[Find]:
    """*finds*, of which those in passing that only say what another of their tasks needs: "figures for recalls"."""
    statements = _statements(config)
    told = [statements.get((find.hit.label, find.hit.phrase)) for find in finds]
    if not any(told):
        return finds
    needed = {name for find in finds for name in needs_of(find.hit.label, config)}
    return [
        replace(find, manner=Manner.ASIDE, points=_COUNTS[Manner.ASIDE]) if names and needed & names else find
        for find, names in zip(finds, told, strict=True)
    ]


@lru_cache(maxsize=8)
def _statements(config: Config) -> Mapping[tuple[str, str], frozenset[str]]:
    """The information that phrases themselves state, less what their own tasks need, by task and phrase."""
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


def _longest(hits: Sequence[Hit[str]]) -> list[Hit[str]]:
    """*hits* without those that share words with one of a longer phrase."""
    if len(hits) < 2:  # as in most texts
        return list(hits)
    longest = bytearray(max((hit.end for hit in hits), default=0))  # of the phrases at each character
    kept: list[Hit[str]] = []
    for hit in sorted(hits, key=lambda hit: -hit.length):
        length = min(hit.length, _LONGEST)
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


def _items(wording: str, hits: Sequence[Hit[str]], near: frozenset[str]) -> tuple[tuple[Item, ...], str]:
    """The requests among the items of lists in *wording*, and what stands around them.

    None of both where fewer than two tasks are named: then the mail is one request.
    """
    items, taken = [], []
    places = list(_places_of_items(wording)) if hits else []
    for start, end in places:
        low, high = (bisect_left(hits, place, key=lambda hit: hit.start) for place in (start, end))
        found = scores(Find("text", hit, Manner.TOLD, 1) for hit in hits[low:high] if hit.end <= end)
        if found:
            items.append(Item(next(iter(ranked(found, near))), wording[start:end]))
            taken.append((start, end))
    if len({item.task for item in items}) < 2:
        return (), ""
    around = "".join(wording[low:high] for low, high in _gaps(taken, len(wording)))
    return tuple(items), around


def _places_of_items(wording: str) -> Iterator[tuple[int, int]]:
    """Where each item of a list stands: from its mark to the next mark, an empty line or the end."""
    marks = [found.start() for found in _ITEM.finditer(wording)]
    for start, following in pairwise([*marks, len(wording)]):
        blank = _BLANK.search(wording, start, following)
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
