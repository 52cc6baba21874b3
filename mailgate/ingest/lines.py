"""The lines of one body, and what became of each."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from mailgate.ingest import attribution
from mailgate.ingest.attribution import bare, is_quoted
from mailgate.model.message import Fate, Span


class Lines:
    """Every line has one fate; all begin as ``Fate.REPLY``."""

    def __init__(self, text: str) -> None:
        self.texts = text.split("\n")
        self.fates = [Fate.REPLY] * len(self.texts)

    def __len__(self) -> int:
        return len(self.texts)

    def mark(self, numbers: Iterable[int], fate: Fate) -> None:
        for i in numbers:
            self.fates[i] = fate

    def filled(self, numbers: Iterable[int]) -> bool:
        """Whether anything stands on these lines."""
        return any(self.texts[i].strip() for i in numbers)

    def first_filled(self, numbers: Iterable[int]) -> int | None:
        return next((i for i in numbers if self.texts[i].strip()), None)

    def quoted(self, numbers: Iterable[int]) -> list[int]:
        """Which of these lines are quoted."""
        return [i for i in numbers if is_quoted(self.texts[i])]

    def opens_quoted(self, numbers: Iterable[int]) -> bool:
        """Whether the first of these lines with anything on it is quoted."""
        first = self.first_filled(numbers)
        return first is not None and is_quoted(self.texts[first])

    def left(self) -> list[int]:
        """The lines that are the reply so far."""
        return [i for i, fate in enumerate(self.fates) if fate is Fate.REPLY]

    def attribution_ending_at(self, i: int) -> int | None:
        """Where the attribution begins whose last line is line *i*, or None."""
        text = bare(self.texts[i])
        return attribution.ending_at(self.texts, i, text) if text else None

    def joined(self, fate: Fate) -> str:
        """The lines of one fate, with one blank line at most, and one where others stood between."""
        if fate not in self.fates:
            return ""
        out: list[str] = []
        previous = -1
        for i, found in enumerate(self.fates):
            if found is not fate:
                continue
            line = self.texts[i].rstrip()
            if out and out[-1] and (not line or i > previous + 1):
                out.append("")
            if line:
                out.append(line)
            previous = i
        return "\n".join(out).rstrip("\n")

    def spans(self) -> tuple[Span, ...]:
        """The runs of lines of one fate, by their offsets in the text."""
        spans: list[Span] = []
        at = 0
        for fate, run in groupby(zip(self.fates, self.texts, strict=True), key=itemgetter(0)):
            end = at + sum(len(line) + 1 for _, line in run)
            spans.append(Span(at, end, fate))
            at = end
        spans[-1] = spans[-1]._replace(end=at - 1)
        return tuple(spans)
