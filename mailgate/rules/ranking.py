"""Which of the tasks that a mail names wins, and why the others lost."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mailgate.model.decision import Match
from mailgate.rules.manner import Manner
from mailgate.rules.phrases import Hit

STAGE = "classify"
_WHOLE = 2  # what counts one: quarters and halves stay whole numbers so
_LOOKED_BACK = 4  # phrases that may begin before one and still share words with it


@dataclass(frozen=True, slots=True)
class Find:
    """A phrase that was found *where* ("subject" or "text"), how it is meant there, and what it counts."""

    where: str
    hit: Hit[str]
    manner: Manner
    points: int
    is_loose: bool = False


@dataclass(slots=True)
class Score:
    """What was found of one task, in order of place (the subject comes first)."""

    finds: list[Find] = field(default_factory=list)

    @property
    def points(self) -> int:
        return sum(find.points for find in self.finds)

    @property
    def is_asked_for(self) -> bool:
        return any(find.manner is Manner.ASKED for find in self.finds)


class _Rank(NamedTuple):
    """What decides between two tasks, the weightiest first."""

    points: int
    is_asked_for: bool
    is_usual: bool
    longest: int
    is_in_subject: bool
    nearness: int


_WHY_LOST: Mapping[str, str] = {
    "points": "counts less than {points}",
    "is_asked_for": "counts as much, but is not asked for",
    "is_usual": "counts as much, but the mailbox is usually for the other",
    "longest": "counts as much, but its phrase is shorter",
    "is_in_subject": "counts as much, but does not stand in the subject",
    "nearness": "counts as much, but stands further down",
}


def scores(finds: Iterable[Find]) -> dict[str, Score]:
    """What was found of each task."""
    found: dict[str, Score] = defaultdict(Score)
    for find in finds:
        found[find.hit.label].finds.append(find)
    return found


def ranked(found: Mapping[str, Score], usual: str | None) -> list[str]:
    """The tasks of *found*, the likeliest first; *usual* is what the mailbox is usually for."""
    return sorted(found, key=lambda task: _rank(task, found[task], usual), reverse=True)


def told(task: str, score: Score, texts: Mapping[str, str]) -> Match:
    """Why *task* won, as a line of the trace."""
    return Match(STAGE, task, _phrases_of(score), _places(score, texts), f"counts {_shown(score.points)}")


def lost(task: str, best: str, found: Mapping[str, Score], usual: str | None, texts: Mapping[str, str]) -> Match:
    """Why *task* lost to *best*."""
    score, winner = found[task], found[best]
    ours, theirs = _rank(task, score, usual), _rank(best, winner, usual)
    decisive = next((name for name in _Rank._fields if getattr(ours, name) != getattr(theirs, name)), "nearness")
    why = _WHY_LOST[decisive].format(points=_shown(winner.points))
    effect = f"came close with {_shown(score.points)}: {why}"
    return Match(STAGE, task, _phrases_of(score), _places(score, texts), effect)


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
    notes = [find.manner.value] if find.manner is Manner.ASIDE else []
    notes += ["in other words"] if find.is_loose else []
    return f"{said} ({', '.join(notes)})" if notes else said


def _rank(task: str, score: Score, usual: str | None) -> _Rank:
    first = score.finds[0]
    return _Rank(
        points=score.points,
        is_asked_for=score.is_asked_for,
        is_usual=task.partition(".")[0] == usual,
        longest=max(find.hit.length for find in score.finds),
        is_in_subject=first.where == "subject",
        nearness=-first.hit.start,
    )


def _places(score: Score, texts: Mapping[str, str]) -> str:
    return "; ".join(place(find, texts) for find in score.finds)


def _phrases_of(score: Score) -> str:
    return ", ".join(dict.fromkeys(find.hit.phrase for find in score.finds))


def _shown(points: int) -> str:
    return f"{points / _WHOLE:g}"
