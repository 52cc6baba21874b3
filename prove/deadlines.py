"""K9: deadlines as the gateway counts them, against an oracle that counts every minute (docs/reliability.md F8)."""

import random
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from mailgate.model.promises import Calendar
from mailgate.model.spans import Span
from mailgate.sla.calendar import due, working_days_before, working_time
from prove.oracle import CUSTODY, FIRST, MINUTE, OFFICE, SERVICE_CENTRE, Oracle
from prove.outcome import Outcome

CALENDARS = {
    "office": (OFFICE, ["Monday to Friday, 9am to 5pm"]),
    "service-centre": (SERVICE_CENTRE, ["Monday to Friday, 8am to 6pm"]),
    "custody-duty": (CUSTODY, ["Monday to Friday 8am to 8pm", "Saturday 9am to 1pm"]),
}
ZONES = ("Europe/London", "Etc/GMT")  # with and without a summer time
DAYS = 900  # in which questions are asked: what they allow ends before the oracle does
EDGES = (
    *("2026-03-28", "2026-10-24", "2027-03-27", "2027-10-30", "2028-03-25", "2028-02-28", "2026-12-24", "2026-12-31"),
    *("2027-03-25", "2027-12-24", "2028-04-13"),
)
"""Days before clocks change, leap days, holidays and ends of years: a third of all questions is asked then."""


def calendar_of(name: str, zone: str, *, spoilt: bool = False) -> Calendar:
    """The one that is asked; *spoilt* it knows no holidays."""
    nation = None if spoilt else "england-and-wales"
    return Calendar.model_validate({"hours": CALENDARS[name][1], "holidays": nation, "time_zone": zone})


@cache
def oracle_of(name: str, zone: str) -> Oracle:
    return Oracle(CALENDARS[name][0], zone)


def cases(_: Path, seed: int, count: int, *, spoilt: bool = False) -> Outcome:
    """*count* questions by chance; what was answered otherwise than the oracle does is a problem."""
    chance = random.Random(seed)
    problems = []
    for number in range(count):
        name, zone = chance.choice(list(CALENDARS)), ZONES[number % 2]
        wrong = _wrong(chance, calendar_of(name, zone, spoilt=spoilt), oracle_of(name, zone))
        problems += [f"{name}, {zone}: {wrong}"] if wrong else []
    return Outcome({"cases": count, "differences": len(problems)}, problems[:10])


def _wrong(chance: random.Random, calendar: Calendar, oracle: Oracle) -> str:
    """What is answered wrongly to one question, and how."""
    at, kind = _moment(chance), chance.randrange(6)
    if kind == 0:
        return _said(at, f"{(n := chance.randint(1, 3000))} working minutes", oracle.working_minutes(at, n), calendar)
    if kind == 1:
        return _said(at, f"{(n := chance.randint(1, 60))} working hours", oracle.working_minutes(at, n * 60), calendar)
    if kind == 2:
        return _said(at, f"{(n := chance.randint(0, 40))} working days", oracle.working_days(at, n), calendar)
    if kind == 3:
        return _said(at, f"{(n := chance.randint(1, 4))} calendar months", oracle.months(at, n), calendar)
    if kind == 4:
        at += timedelta(days=60)
        found, right = working_days_before(at, n := chance.randint(1, 20), calendar), oracle.working_days_before(at, n)
        return "" if found == right else f"{n} working days before {at} is {found}, not {right}"
    end = at + chance.randrange(60 * 24 * 60) * MINUTE
    minutes, counted = working_time(at, end, calendar) // MINUTE, oracle.open_minutes(at, end)
    return "" if minutes == counted else f"between {at} and {end} are {minutes} working minutes, not {counted}"


def _said(at: datetime, allow: str, right: datetime, calendar: Calendar) -> str:
    found = due(at, Span.parse(allow), calendar)
    return "" if found == right else f"{at} and {allow} is {found}, not {right}"


def _moment(chance: random.Random) -> datetime:
    if chance.random() < 1 / 3:
        return datetime.fromisoformat(f"{chance.choice(EDGES)}T00:00Z") + chance.randrange(4 * 24 * 60) * MINUTE
    return FIRST + chance.randrange(DAYS * 24 * 60) * MINUTE
