"""The facts that a mail states: identity numbers, dates, rows of the form "Name: value", words.

What to look for is configuration (``identifiers`` and ``information``). Patterns are RE2's, made
once for each Config, so that no mail can stall them; each runs once over the text.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from mailgate.model.config import Config
from mailgate.model.spans import Span, Unit
from mailgate.model.ticket import Values
from mailgate.rules.dates import FoundDate, find_dates, plain
from mailgate.rules.numbers import Number, Place, slip, whole
from mailgate.rules.phrases import Hit, Phrases
from mailgate.rules.searches import Searches, compiled
from mailgate.sla.calendar import local_date, months_later
from mailgate.sla.clock import OFFICE

_ROW = re.compile(r"^[ \t>*•-]*([^\W\d_][^:\t\n]{0,39}?)[ ]*(?::|\t)[ \t]*(\S.*)$", re.MULTILINE)
_LETTER = re.compile(r"[^\W_]")
_BETWEEN_LETTERS = re.compile(r"[\W_]+")
_NAME_PARTS = re.compile(r"\s*(?:/|&|,|\band\b)\s*")
_HEADER = re.compile(r"^[ \t>*]*(from|sent|date|to|cc|bcc|subject|importance|attachments)[* ]*:.*$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?;](?=\s)|\t|\n(?=[ \t]*(?:\n|[-*•]|\w[\w./ ]{0,39}:))")
_MOST_NAMES = 20  # that may share one row or one lead


_Label = tuple[str, str]
_WORDS, _LEAD = "words", "lead"


@dataclass(frozen=True, slots=True)
class Found:
    """What ``extract`` found.

    *keys* are the trusted values of the key identifier, *fields* all other facts by their names in
    the configuration. *as_written* fits the key but for one slip, *suggestion* is what was probably meant.
    *dates* are those that no ``lead`` and no age claims: any need for a date may have them.
    """

    keys: tuple[str, ...] = ()
    fields: Values = field(default_factory=dict)
    as_written: str | None = None
    suggestion: str | None = None
    dates: tuple[FoundDate, ...] = ()


def extract(
    subject: str, wording: str, subject_is_old: bool, config: Config, at: datetime, struck: Sequence[str] = ()
) -> Found:
    """The facts in *subject* and *wording* of a mail sent *at*.

    *subject_is_old*: it is the subject of an earlier mail that this one answers; what it states
    counts only where the wording states nothing of the kind. Numbers in *struck*, the pieces of
    text that are struck out, are withdrawn.
    """
    plan = _plan(config)
    today = local_date(at, plan.calendar)
    withdrawn = {
        value for text in map(plain, struck) for number in plan.identifiers.values() for value, *_ in number.find(text)
    }
    if not subject_is_old:
        return _read(f"{subject}\n\n{wording}", plan, today, withdrawn)
    found, old = _read(wording, plan, today, withdrawn), _read(subject, plan, today, withdrawn)
    return Found(
        keys=found.keys or old.keys,
        fields={**old.fields, **found.fields},
        as_written=found.as_written or (None if found.keys else old.as_written),
        suggestion=found.suggestion if found.as_written or found.keys else old.suggestion,
        dates=found.dates or old.dates,
    )


def _read(original: str, plan: "_Plan", today: date, withdrawn: set[str]) -> Found:
    text = plain(original)
    fields: dict[str, list[str]] = defaultdict(list)
    fitting = plan.searches.fitting(f" {text}")
    numbers = plan.numbers(text, fitting)
    for name, values in numbers.items():
        fields[name] += [value for value, _, _ in values if value not in withdrawn]
    rows = list(_rows(text, plan))
    for name, pattern in plan.patterns.items():
        if pattern.pattern in fitting:
            fields[name] += [original[slice(*match.span(1))] for match in whole(pattern, text)]
    hits = plan.words.find(text)
    for hit in hits:
        kind, name = hit.label
        if kind == _WORDS:
            fields[name].append(original[hit.start : hit.end])
    for row in rows:
        if row.name not in plan.dated and row.name not in plan.identifiers:
            fields[row.name].append(original[row.start : row.end].strip())
    leads = [hit for hit in hits if hit.label[0] == _LEAD]
    loose = []
    for found, names in _claimed(text, plan, today, rows, leads):
        for name in names:
            fields[name].append(found.value)
        if not any(plan.dated[name] for name in names):
            loose.append(found)
    keys = tuple(dict.fromkeys(fields.get(plan.key, ())))
    as_written, suggestion = (None, None) if keys else plan.slip(text, numbers, withdrawn)
    return Found(
        keys,
        {name: tuple(dict.fromkeys(values)) for name, values in fields.items() if values and name != plan.key},
        as_written,
        suggestion,
        tuple(loose),
    )


# ---- rows and dates


@dataclass(frozen=True, slots=True)
class _Row:
    """A line "Name: value" whose name is that of the information *name*; the value stands from *start* to *end*."""

    name: str
    start: int
    end: int


def _rows(text: str, plan: "_Plan") -> Iterator[_Row]:
    for found in _ROW.finditer(text):
        if _LETTER.search(found[2]):
            for part in (found[1], *_NAME_PARTS.split(found[1])):
                for name in plan.row_names.get(_squeezed(part), ()):
                    yield _Row(name, *found.span(2))


def _squeezed(name: str) -> str:
    """A row's name without regard to capitals, hyphens, dots and spaces."""
    return _BETWEEN_LETTERS.sub("", name.lower())


def _claimed(
    text: str, plan: "_Plan", today: date, rows: Sequence[_Row], leads: Sequence[Hit[_Label]]
) -> Iterator[tuple[FoundDate, tuple[str, ...]]]:
    """Each date with the information it is for: by its row, the words before it in its sentence, or its age."""
    headers = _header_lines(text)
    dates = [found for found in find_dates(text, today) if not _around(headers, found.start)]
    sentences = [0, *(found.end() for found in _SENTENCE_END.finditer(text))] if dates else []
    in_rows = sorted((row.start, row.end, row.name) for row in rows if row.name in plan.dated)
    lead_ends = sorted((hit.end, hit.start, hit.label[1]) for hit in leads)
    before: FoundDate | None = None
    led: tuple[str, ...] = ()
    for found in dates:
        rowed = _around(in_rows, found.start)
        begin = sentences[bisect_right(sentences, found.start) - 1]
        is_second = before is not None and found.start == before.start  # "3 and 5 December" is one place
        if not is_second and not (before and begin <= before.start and _AND.fullmatch(text, before.end, found.start)):
            led = _nearest_lead(lead_ends, max(begin, before.end) if before else begin, found.start)
        born = tuple(name for name, ago in plan.ages.items() if found.day <= _earlier(today, ago))
        specific = any(plan.dated[name] for name in rowed)
        yield found, tuple(dict.fromkeys((*rowed, *(() if specific else led or born))))
        before = found


def _around(places: Sequence[tuple[int, int, str]], at: int) -> tuple[str, ...]:
    """The names of the *places* (start, end, name; in order, those of one line together) that hold *at*."""
    last = bisect_right(places, at, key=lambda place: place[0])
    near = places[max(0, last - _MOST_NAMES) : last]
    return tuple(name for start, end, name in near if start == near[-1][0] and at < end)


_AND = re.compile(r"[\s,&/-]*|[^\n]{0,16}(?:\s(?:and|or|to|until)|&|-)\s*", re.IGNORECASE)


def _nearest_lead(leads: Sequence[tuple[int, int, str]], begin: int, end: int) -> tuple[str, ...]:
    """The information whose words (end, start, name; in order) stand nearest before *end*, and not before *begin*."""
    last = bisect_right(leads, end, key=lambda lead: lead[0])
    near = leads[max(0, last - _MOST_NAMES) : last]
    return tuple(name for stop, start, name in near if stop == near[-1][0] and start >= begin)


def _earlier(today: date, ago: Span) -> date:
    return months_later(today, -ago.count * (12 if ago.unit is Unit.YEARS else 1))


def _header_lines(text: str) -> list[tuple[int, int, str]]:
    """Where the header lines of a forwarded mail stand: rows in succession with a From and a Sent or Subject."""
    places: list[tuple[int, int, str]] = []
    block: list[tuple[str, int, int]] = []
    at = 0
    for line in [*text.split("\n"), ""] if "from" in text.lower() else ():
        header = _HEADER.match(line)
        if header:
            block.append((header[1].lower(), at, at + len(line)))
        else:
            names = {name for name, _, _ in block}
            if "from" in names and names & {"sent", "subject"}:
                places += [(start, end, name) for name, start, end in block]
            block = []
        at += len(line) + 1
    return places


# ---- the configuration, made ready


@dataclass(frozen=True)
class _Plan:
    """What to look for. *dated* says of each date whether a lead or an age tells it from others."""

    key: str
    identifiers: Mapping[str, Number]
    patterns: Mapping[str, Any]
    searches: Searches
    words: Phrases[_Label]
    dated: Mapping[str, bool]
    ages: Mapping[str, Span]
    row_names: Mapping[str, tuple[str, ...]]
    calendar: Any

    def numbers(self, text: str, fitting: frozenset[str]) -> dict[str, list[Place]]:
        """The numbers in *text* by their identifiers, of which only those *fitting* can be there."""
        return {
            name: list(number.find(text))
            for name, number in self.identifiers.items()
            if number.pattern.pattern in fitting
        }

    def slip(
        self, text: str, numbers: Mapping[str, Sequence[Place]], withdrawn: set[str]
    ) -> tuple[str | None, str | None]:
        """What *text*, which states no key but *numbers*, may have meant as one."""
        if not self.key:
            return None, None
        found = (place for places in numbers.values() for place in places)
        return slip(text, self.identifiers[self.key], self.identifiers.values(), found, withdrawn)


@lru_cache(maxsize=8)
def _plan(config: Config) -> _Plan:
    service = config.service
    information = {name: entry for name, entry in service.information.items() if name not in service.identifiers}
    dated = {name: entry for name, entry in information.items() if entry.date}
    identifiers = {name: Number.of(name, identifier) for name, identifier in service.identifiers.items()}
    patterns = {
        name: compiled(rf"[^\pL\pN]({entry.pattern})", longest=True)
        for name, entry in information.items()
        if entry.pattern
    }
    row_names: dict[str, list[str]] = defaultdict(list)
    for name, entry in information.items():
        for words in dict.fromkeys((name, *(entry.lead if entry.date else ()))):
            row_names[_squeezed(words)].append(name)
    return _Plan(
        key=config.key_name or "",
        identifiers=identifiers,
        patterns=patterns,
        searches=Searches(
            each.pattern for each in (*(number.pattern for number in identifiers.values()), *patterns.values())
        ),
        words=Phrases(
            [((_WORDS, name), words) for name, entry in information.items() for words in entry.words]
            + [((_LEAD, name), words) for name, entry in dated.items() for words in entry.lead]
        ),
        dated={name: bool(entry.lead or entry.ago) for name, entry in dated.items()},
        ages={name: entry.ago for name, entry in dated.items() if entry.ago},
        row_names={name: tuple(names) for name, names in row_names.items()},
        calendar=service.calendars.get(service.defaults.calendar or "", OFFICE),
    )
