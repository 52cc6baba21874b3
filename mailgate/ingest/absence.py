"""Until when an absence notice says that its sender is away (E131)."""

import re
from collections.abc import Sequence
from datetime import date

from mailgate.rules.dates import find_dates

_READ = 3000
_NEAR = 60
_LEADS = re.compile(
    r"(?i)\b(?:until|till|returning|return|back|resume|through|bis|zurück|wieder|jusqu'au|retour|tan|hasta|t/m|tot)\b"
)
_RANGE = re.compile(r"(?i)\b(?:away|leave|absent|holiday|out of (?:the )?office|abwesend)\b")
_APPLE_END = re.compile(r"endDate=(\d{4}-\d\d-\d\d)T")


def away_until(subject: str, text: str, criteria: str, today: date) -> date | None:
    """The day that a notice written on *today* names for its sender's return, or as the last day away, or None.

    A day behind "until", "back on" and the like counts, else the last day named behind "away", "on leave".
    *criteria*: what Apple's servers say in a header.
    """
    if said := _APPLE_END.search(criteria):
        return _later([date.fromisoformat(said[1])], today)
    words = f"{subject}\n{text[:_READ]}"
    found = [(day.start, day.day) for day in find_dates(words, today)]
    for lead in _LEADS.finditer(words):
        behind = [day for start, day in found if lead.end() - 1 <= start <= lead.end() + _NEAR]
        if until := _later(behind[:1], today):
            return until
    away = _RANGE.search(words)
    return _later([day for start, day in found if start >= away.start()][:2], today) if away else None


def _later(days: Sequence[date], today: date) -> date | None:
    return max((day for day in days if day >= today), default=None)
