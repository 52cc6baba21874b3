"""Dates and times as people write them: "Thurs", "tomorrow", "COP Friday", "14.1.27 at 2pm".

Always day before month. A weekday is the next one after the mail's date; without a year it is
the nearest date that fits (docs/domain.md section 5).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from itertools import islice
from typing import Any

import re2

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAY = r"(?:mon|tues?|wed(?:s|nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_ORDINAL = r"(?:st|nd|rd|th)"
_YEAR = r"(?:19|20)[0-9]{2}"
_ANY_WAY = (
    rf"(?P<iso>{_YEAR}-[0-9]{{2}}-[0-9]{{2}})",
    rf"(?:(?P<nw>{_WEEKDAY})[ ,.]*)?(?P<nd>[0-9]{{1,2}})"
    rf"(?:(?P<sep>[/.-])(?P<nm>[0-9]{{1,2}})[/.-](?P<ny>{_YEAR}|[0-9]{{2}})|/(?P<om>[0-9]{{1,2}}))",
    rf"(?:(?P<tw>{_WEEKDAY})[ ,.]*(?:the )?|the )?(?P<td>[0-9]{{1,2}})(?P<to>{_ORDINAL})?"
    rf"(?:(?:-| (?:to|and|or|&) )(?P<td2>[0-9]{{1,2}}){_ORDINAL}?)?"
    rf"(?: of)?[ -]?(?P<tm>{_MONTH})\.?(?:[ ,-]{{1,2}}(?P<ty>{_YEAR}|'[0-9]{{2}}))?",
    rf"(?P<mm>{_MONTH})\.? (?:the )?(?P<md>[0-9]{{1,2}})(?:{_ORDINAL}(?:,? (?P<my>{_YEAR}))?|,? (?P<my2>{_YEAR}))",
    r"(?P<rel>today|tonight|tomorrow|tmrw|yesterday|this (?:afternoon|evening))",
    rf"(?:(?P<ow>{_WEEKDAY})[ ,.]*(?:the )?|the )(?P<od>[0-9]{{1,2}}){_ORDINAL}",
    rf"(?P<w>{_WEEKDAY})(?P<week> week)?",
)
_IN_A_WEEK = "a week on"
_BEFORE = r"(?:(?P<before>last|next|this|on|by|until|from|before|for|cop|cob|w/c|" + _IN_A_WEEK + r") )?"
_DATE = re2.compile(rf"(?i)[^a-z0-9]{_BEFORE}(?:" + "|".join(_ANY_WAY) + ")")
_CLOCK = (
    r"(?:(?P<h>\d{1,2})(?:[.:](?P<m>\d\d))? ?(?P<half>[ap])\.?m\b\.?|(?P<h24>\d{1,2}):(?P<m24>\d\d)(?!\d)"
    r"|(?P<word>noon|midday|midnight|cop|cob|eop|close of (?:play|business)|end of (?:play|(?:the )?day))\b)"
)
_TIME_AFTER = re.compile(r"[ ,(]{0,2}(?:at|from|by|before|@|-|–)?:? {0,2}" + _CLOCK, re.IGNORECASE)
_TIME_BEFORE = re.compile(
    _CLOCK + r"(?:[ ,]{0,2}(?:-|to) ?\d{1,2}(?:[.:]\d\d)? ?[ap]m)?[ ,]{0,2}(?:on|of)? ?$", re.IGNORECASE
)
_FIRST = tuple(_DATE.groupindex[name] for name in ("iso", "nw", "nd", "tw", "td", "mm", "rel", "ow", "od", "w"))
_OF_A_LONGER_NUMBER = re.compile(r"\d[./-]")
_SHORT_YEAR = re.compile(r"[ -](\d\d)(?![\d:.]|\s?[ap]\.?m)")
_NOON = ("noon", "midday")
_CLOSE_OF_PLAY = time(17)
_RELATIVE = {"tomorrow": 1, "tmrw": 1, "yesterday": -1}
_NEAR = timedelta(days=60)  # as far as people mean a day without its month, or "14/1" without another word
_MONTHS_OF_A_YEAR = 12  # a first number up to which "2/1" may be a half of something
_AFTER_A_DAY = re.compile(  # "the 14th, please", not "the 4th time", "the 2nd hearing", "the 14th of next month"
    r"\s*(?:$|[^\w\s]|\d|(?:at|by|and|or|to|for|from|if|so|as|but|in|is|was|with|when|until|because|which|that|please|noon"
    r"|thanks|he|she|they|we|i)\b)",
    re.IGNORECASE,
)
_MOST = 2000  # a list of more dates holds none that anybody could pick out
_OFTEN = re.compile(r"\b(?:once|twice|times|days?|hours?)$", re.IGNORECASE)  # "... a week on Tuesday" is no date
_OF_A_WEEK = re.compile(r" (?:commenc|beginn|start|end)ing", re.IGNORECASE)
_NEARBY = 30  # how far before a date its time may begin
_AMBIGUOUS = frozenset({"mon", "wed", "fri", "sat", "sun"})  # "she sat", "the sun": a day only with a capital


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date the mail states: from *start* to *end* in its text, with the time of day if it says one."""

    day: date
    at: time | None
    start: int
    end: int

    @property
    def value(self) -> str:
        """ "2026-11-27", or with its time "2026-12-18T17:00"."""
        return f"{self.day}T{self.at:%H:%M}" if self.at else str(self.day)


def plain(text: str) -> str:
    """*text* in ASCII, character for character, so that places in the one are places in the other."""
    return text if text.isascii() else _NOT_ASCII.sub(lambda found: _stand_in(found[0]), text)


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ALIKE = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-"}


def _stand_in(character: str) -> str:
    if character in _ALIKE:
        return _ALIKE[character]
    if character.isspace():
        return " "
    basic = unicodedata.normalize("NFKD", character)[0]
    return basic if basic.isascii() else "x" if character.isalnum() else "~"


def find_dates(text: str, today: date) -> list[FoundDate]:
    """All dates in *text* (made ``plain``), in order of place; *today* is the mail's own date."""
    found: list[FoundDate] = []
    for match in islice(_DATE.finditer(" " + text), _MOST):
        if match.end() <= len(text) and text[match.end() - 1].isalnum():
            continue
        start = min(place - 1 for group in _FIRST if (place := match.start(group)) >= 0)  # less the space put before
        end = match.end() - 1
        if not _OF_A_LONGER_NUMBER.fullmatch(text[max(0, start - 2) : start]):
            found += [_timed(FoundDate(day, None, start, end), text) for day in _days(match, text, today)]
    return _merged(found, text)


def _days(match: Any, text: str, today: date) -> Iterator[date]:
    """The days that one match stands for: none where it is no date after all, two for "17 and 24 November"."""
    part = match.groupdict()
    if part["iso"]:
        yield from _valid(*(int(number) for number in part["iso"].split("-")))
    elif part["nd"]:
        yield from _numeric(part, today)
    elif part["td"]:
        yield from _written(part, text[match.end() - 1 :][:4], today)
    elif part["mm"]:
        month, year = _MONTHS.index(part["mm"][:3].lower()) + 1, part["my"] or part["my2"]
        yield from _valid(int(year), month, int(part["md"])) if year else _nearest(int(part["md"]), month, None, today)
    elif part["rel"]:
        yield today + timedelta(days=_RELATIVE.get(part["rel"].lower(), 0))
    elif part["od"]:
        if part["ow"] or (part["before"] and _AFTER_A_DAY.match(text, match.end() - 1)):
            yield from _of_any_month(int(part["od"]), part["ow"], today)
    elif part["before"] or part["w"] not in _AMBIGUOUS:
        before = (part["before"] or "").lower()
        is_later = before == _IN_A_WEEK or (part["week"] and not _OF_A_WEEK.match(text, match.end() - 1))
        if before != _IN_A_WEEK or not _OFTEN.search(text[max(0, match.start() - 9) : max(0, match.start() - 1)]):
            yield _weekday(part["w"], before, today, weeks=1 if is_later else 0)


def _weekday(name: str, before: str, today: date, weeks: int) -> date:
    """The next such day, or the last one; "Tuesday week" and "a week on Tuesday" are a week later than the next."""
    ahead = (_WEEKDAYS.index(name[:3].lower()) - today.weekday() - 1) % 7 + 1
    if before == "last":
        return today + timedelta(days=ahead - (14 if ahead == 7 else 7))
    return today + timedelta(weeks=weeks, days=ahead)


def _numeric(part: dict[str, str], today: date) -> Iterator[date]:
    """The day of "14/1/2027", "14.1.27"; of "2/1" only behind a weekday or such a word; of "14/1" where it is near."""
    day = int(part["nd"])
    if part["om"]:
        near = _nearest(day, int(part["om"]), part["nw"], today)
        is_told = part["nw"] or part["before"]
        yield from (found for found in near if is_told or (day > _MONTHS_OF_A_YEAR and abs(found - today) <= _NEAR))
    elif len(part["ny"]) == 4:
        yield from _valid(int(part["ny"]), int(part["nm"]), day)
    elif part["sep"] != "-":  # 20-11-45 is a sort code
        yield from _valid(_century(int(part["ny"]), today), int(part["nm"]), day)


def _written(part: dict[str, str], after: str, today: date) -> Iterator[date]:
    """The days of "Fri 4 December", "17th and 24th Nov 26", with or without a year."""
    if part["tm"] == "may" and not (part["tw"] or part["to"] or part["ty"]):
        return  # "only 5 may attend"
    month = _MONTHS.index(part["tm"][:3].lower()) + 1
    short = _SHORT_YEAR.match(after)
    year = None
    if part["ty"]:
        year = int(part["ty"]) if part["ty"][0] != "'" else _century(int(part["ty"][1:]), today)
    elif short and abs(2000 + int(short[1]) - today.year) <= 3:
        year = 2000 + int(short[1])
    for number in (part["td"], part["td2"]):
        if number:
            weekday = None if part["td2"] else part["tw"]
            yield from _valid(year, month, int(number)) if year else _nearest(int(number), month, weekday, today)


def _valid(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return


def _century(year: int, today: date) -> int:
    """The year of "26" or "89": at most ten years ahead."""
    return year + (2000 if 2000 + year <= today.year + 10 else 1900)


def _nearest(day: int, month: int, weekday: str | None, today: date) -> Iterator[date]:
    """The nearest such day; a weekday beside it decides between the years."""
    dates = [found for year in (today.year - 1, today.year, today.year + 1) for found in _valid(year, month, day)]
    wanted = _WEEKDAYS.index(weekday[:3].lower()) if weekday else None
    fitting = [found for found in dates if found.weekday() == wanted] or dates
    if fitting:
        yield min(fitting, key=lambda found: abs(found - today))


def _of_any_month(day: int, weekday: str | None, today: date) -> Iterator[date]:
    """The nearest "9th", or "Thursday 9th"."""
    around = (today + timedelta(days=days) for days in range(-_NEAR.days, _NEAR.days + 1))
    wanted = _WEEKDAYS.index(weekday[:3].lower()) if weekday else None
    fitting = [found for found in around if found.day == day and wanted in (None, found.weekday())]
    if fitting:
        yield min(fitting, key=lambda found: abs(found - today))


def _timed(found: FoundDate, text: str) -> FoundDate:
    """*found* with the time of day that stands right after it or right before it."""
    clock = _TIME_AFTER.match(text, found.end, found.end + _NEARBY)
    if at := _time(clock):
        return replace(found, at=at)
    nearby = max(0, found.start - _NEARBY)
    for clock in _TIME_BEFORE.finditer(text[nearby : found.start]):
        if at := _time(clock):
            return replace(found, at=at)
    return found


def _time(clock: re.Match[str] | None) -> time | None:
    if clock is None:
        return None
    if clock["word"]:
        word = clock["word"].lower()
        return time(12) if word in _NOON else time(0) if word == "midnight" else _CLOSE_OF_PLAY
    if clock["half"]:
        hour, minute = int(clock["h"]), int(clock["m"] or 0)
        hour = hour % 12 + (12 if clock["half"].lower() == "p" else 0) if 1 <= hour <= 12 else 24
    else:
        hour, minute = int(clock["h24"]), int(clock["m24"])
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _merged(found: list[FoundDate], text: str) -> list[FoundDate]:
    """The same day said twice in one breath ("tomorrow, Friday 11 December") is one date."""
    merged: list[FoundDate] = []
    for one in found:
        last = merged[-1] if merged else None
        if last and last.day == one.day and not text[last.end : one.start].strip(" ,(-\n"):
            merged[-1] = FoundDate(one.day, last.at or one.at, last.start, one.end)
        else:
            merged.append(one)
    return merged
