"""Lines behind ">": history below an answer, above it, or between answers point by point (layer 5, E106)."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mailgate.ingest.lines import Lines
from mailgate.model.message import Fate


class Quoting(NamedTuple):
    """How the quotations of a body stand to the words of its writer."""

    layer: str
    confidence: str = "high"


def cut_quotes(
    lines: Lines, end: int, says_something: Callable[[range], bool], *, begin: int = 0, is_announced: bool = False
) -> Quoting | None:
    """Mark the quotations in *lines* from *begin* to *end* that are history; None where nothing is quoted.

    *is_announced*: something above says that history follows, so that words below it are the answer.
    A quotation that nothing announces is its writer's choice, and stays where words follow it.
    """
    quoted = lines.quoted(range(begin, end))
    if not quoted:
        return None
    first, below = quoted[0], range(quoted[-1] + 1, end)
    said_who = _attribution_above(lines, first, begin)
    above = range(begin, said_who)
    answer = _last_answer(lines, range(first, below.start))
    if lines.filled(below) and says_something(below):
        is_above = lines.filled(above) and says_something(above)
        if answer is None and not is_above and (is_announced or said_who < first):
            lines.mark(range(said_who, below.start), Fate.HISTORY)
            return Quoting("quotes", "medium")
        return _interleaved(lines, range(begin, end))
    if answer is None:
        lines.mark(range(said_who if lines.filled(above) else begin, below.start), Fate.HISTORY)
        return Quoting("quotes")
    lines.mark(range(answer + 1, below.start), Fate.HISTORY)
    return _interleaved(lines, range(begin, answer + 1))


def _interleaved(lines: Lines, numbers: range) -> Quoting:
    """All stays but attributions, above a quotation or its first line: no person wrote those."""
    quoted = set(lines.quoted(numbers))
    mark_attributions(lines, [i for i in numbers if i not in quoted or i - 1 not in quoted])
    return Quoting("interleaved", "low")


def mark_attributions(lines: Lines, numbers: Iterable[int]) -> None:
    """Mark every attribution that ends on one of these lines."""
    for i in numbers:
        if lines.texts[i].rstrip()[-1:] in (":", "：", "-"):
            start = lines.attribution_ending_at(i)
            if start is not None:
                lines.mark(range(start, i + 1), Fate.ATTRIBUTION)


def _attribution_above(lines: Lines, quote: int, begin: int) -> int:
    """Where the attribution begins that stands right above the quotation at line *quote*, or *quote*."""
    last = lines.first_filled(range(quote - 1, begin - 1, -1))
    if last is None:
        return quote
    start = lines.attribution_ending_at(last)
    return quote if start is None else max(start, begin)


def _last_answer(lines: Lines, between: range) -> int | None:
    """The last line among *between* that is its writer's: neither quoted nor blank nor an attribution."""
    said_who = between.stop
    for i in reversed(between):
        if i < said_who and lines.texts[i].strip() and not lines.quoted((i,)):
            start = lines.attribution_ending_at(i)
            if start is None:
                return i
            said_who = start
    return None
