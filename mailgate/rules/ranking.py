"""Which of the tasks that a mail names wins, and why the others lost."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from mailgate.model.reading import Match
from mailgate.rules.manner import Manner
from mailgate.rules.phrases import Hit
from mailgate.rules.vocabulary import Heard

STAGE = "classify"
_LOOKED_BACK = 4  # phrases that may begin before one and still share words with it


@dataclass(frozen=True, slots=True)
class Find:
    """A phrase that was found *where* ("subject" or "text"), how it is meant there, and what it counts."""

    where: str
    hit: Hit[str]
    manner: Manner
    points: float


@dataclass(slots=True)
class Score:
    """What was found of one task: its phrases in order of place (the subject comes first), and what else was heard."""

    finds: list[Find] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)

    @property
    def points(self) -> float:
        return sum(find.points for find in self.finds) + self.heard.points

    @property
    def is_named(self) -> bool:
        """Whether a phrase is more than mentioned in passing."""
        return any(find.manner in (Manner.ASKED, Manner.TOLD) for find in self.finds)

    @property
    def is_asked_for(self) -> bool:
        return any(find.manner is Manner.ASKED for find in self.finds)


class Rank(NamedTuple):
    """What decides between two tasks, the weightiest first."""

    points: float
    is_asked_for: bool
    is_near: bool
    longest: int
    is_in_subject: bool
    nearness: int


_WHY_LOST: Mapping[str, str] = {
    "points": "counts less than {points}",
    "is_asked_for": "counts as much, but is not asked for",
    "is_near": "counts as much, but the mailbox is for the other",
    "longest": "counts as much, but its phrase is shorter",
    "is_in_subject": "counts as much, but does not stand in the subject",
    "nearness": "counts as much, but stands further down",
}


def scores(finds: Iterable[Find], heard: Mapping[str, Heard] | None = None) -> dict[str, Score]:
    """What was found of each task, and was *heard* of it."""
    found: dict[str, Score] = {}
    for find in finds:
        found.setdefault(find.hit.label, Score()).finds.append(find)
    for task, said in (heard or {}).items():
        if task in found:
            found[task].heard = said
        else:
            found[task] = Score(heard=said)
    return found


def ranked(found: Mapping[str, Score], near: Collection[str]) -> dict[str, Rank]:
    """The tasks of *found*, the likeliest first; *near* are the categories that the mailbox is for."""
    ranks = ((task, _rank(task, score, near)) for task, score in found.items())
    return dict(sorted(ranks, key=itemgetter(1), reverse=True))


def told(task: str, score: Score, texts: Mapping[str, str]) -> Match:
    """Why *task* won, as a line of the trace."""
    return Match(STAGE, task, _said_of(score), _places(score, texts), f"counts {_shown(score.points)}")


def lost(
    task: str, best: str, found: Mapping[str, Score], ranks: Mapping[str, Rank], texts: Mapping[str, str]
) -> Match:
    """Why *task* lost to *best*."""
    score, both = found[task], zip(Rank._fields, ranks[task], ranks[best], strict=True)
    decisive = next((name for name, ours, theirs in both if ours != theirs), "nearness")
    why = _WHY_LOST[decisive].format(points=_shown(found[best].points))
    effect = f"came close with {_shown(score.points)}: {why}"
    return Match(STAGE, task, _said_of(score), _places(score, texts), effect)


def unclear(task: str, score: Score, texts: Mapping[str, str]) -> Match:
    """What speaks for *task*, which is too little or as much as for another."""
    effect = f"came close with {_shown(score.points)}: too little, or too near to another"
    return Match(STAGE, task, _said_of(score), _places(score, texts), effect)


def covered(hits: Iterable[Hit[str]], kept: Sequence[Hit[str]], where: str, text: str) -> Iterator[Match]:
    """The phrases of other tasks that share words with a longer one of *kept* (in order of place), which counts."""
    standing = frozenset(kept)
    for hit in hits:
        if hit in standing:
            continue
        end = bisect_left(kept, hit.end, key=lambda one: one.start)
        over = next((one for one in kept[max(0, end - _LOOKED_BACK) : end] if hit.start < one.end), None)
        if over is not None and over.label != hit.label:
            said = text[hit.start : hit.end]
            yield Match(STAGE, hit.label, hit.phrase, f'{where}: "{said}"', f'nothing: "{over.phrase}" is longer')


def place(find: Find, texts: Mapping[str, str]) -> str:
    """Where it stands and what stands there."""
    said = f'{find.where}: "{texts[find.where][find.hit.start : find.hit.end]}"'
    return f"{said} ({find.manner.value})" if find.manner is Manner.ASIDE else said


def _rank(task: str, score: Score, near: Collection[str]) -> Rank:
    is_near = task.partition(".")[0] in near
    if not score.finds:
        return Rank(round(score.heard.points, 6), False, is_near, 0, False, 0)
    points = round(score.points, 6)  # two sums of the same parts in another order are a tie
    longest = max(find.hit.length for find in score.finds)
    first = score.finds[0]
    return Rank(points, score.is_asked_for, is_near, longest, first.where == "subject", -first.hit.start)


def _places(score: Score, texts: Mapping[str, str]) -> str:
    said = [place(find, texts) for find in score.finds]
    said += [f"words: {', '.join(score.heard.words)}"] if score.heard.words else []
    said += [f"states: {', '.join(score.heard.facts)}"] if score.heard.facts else []
    return "; ".join(said)


def _said_of(score: Score) -> str:
    """Its phrases; where there is none the words it is known by."""
    return ", ".join(dict.fromkeys(find.hit.phrase for find in score.finds)) or ", ".join(score.heard.words)


def _shown(points: float) -> str:
    return f"{round(points, 1):g}"
