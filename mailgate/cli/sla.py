"""``mailgate sla``: when something promised now would be due."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.model.config import Config
    from mailgate.model.promises import Calendar

MOST_SHOWN = 30  # days: the first and the last half of them


def due(
    context: typer.Context,
    questions: Annotated[str | None, typer.Argument(metavar="[-]", help='"-": one question a line, as JSON.')] = None,
    calendar: Annotated[str | None, typer.Option(help="Whose working time. [default: that of defaults]")] = None,
    at: Annotated[str | None, typer.Option(help="When it arrives, such as 2026-12-24T16:00.")] = None,
    allow: Annotated[str | None, typer.Option(help='"2 working hours", "2 working days before".')] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say when something would be due, and how that comes about."""
    config = configuration(context)
    if questions is not None:
        _all(questions, config)
        return
    if at is None or allow is None:
        raise Refused('say --at and --allow, such as --at 2026-12-24T16:00 --allow "2 working hours"')
    try:
        _one(_calendar(calendar, config), at, allow, as_json=as_json)
    except (ValueError, OverflowError) as error:
        raise Refused(_why(error)) from error


def _one(calendar: "Calendar", at: str, allow: str, *, as_json: bool) -> None:
    from mailgate.notify.dates import in_words
    from mailgate.sla.account import account

    arrives = _instant(at, calendar)
    found, steps = _answer(arrives, allow, calendar), list(account(arrives, allow, calendar))
    if as_json:
        said = [{"day": step.day.isoformat(), "what": step.what} for step in steps]
        print_json({"due": found.isoformat(), "steps": said})
        return
    zone = ZoneInfo(calendar.time_zone)
    print(f"{found:%A} {in_words(found, zone)} ({found.isoformat()})\n")
    half = MOST_SHOWN // 2
    for number, step in enumerate(steps):
        if number < half or number >= len(steps) - half:
            print(f"{step.day:%A} {in_words(step.day, zone)}: {step.what}")
        elif number == half:
            print(f"... {len(steps) - MOST_SHOWN} more days")


def _all(source: str, config: "Config") -> None:
    """One answer for each line, in order; a line that cannot be answered stops nothing."""
    if source != "-":
        raise Refused('questions come on standard input: write "-"')
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(_reply(line, config), ensure_ascii=False))


def _reply(line: str, config: "Config") -> dict[str, Any]:
    try:
        asked = json.loads(line)
        if not isinstance(asked, dict) or not all(isinstance(asked.get(name), str) for name in ("at", "allow")):
            return {"error": 'expected an object such as {"calendar": "office", "at": "…", "allow": "2 working hours"}'}
        calendar = _calendar(asked.get("calendar"), config)
        return {"due": _answer(_instant(asked["at"], calendar), asked["allow"], calendar).isoformat()}
    except (ValueError, OverflowError, Refused) as error:
        return {"error": _why(error)}


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"this is no JSON: {error.msg}"
    return "that is too far away to be counted" if isinstance(error, OverflowError) else str(error)


def _answer(at: datetime, allow: str, calendar: "Calendar") -> datetime:
    """In the calendar's own time."""
    from mailgate.sla.account import answer

    return answer(at, allow, calendar).astimezone(ZoneInfo(calendar.time_zone))


def _calendar(name: object, config: "Config") -> "Calendar":
    from mailgate.rules.promise import calendar_of
    from mailgate.rules.typed import suggestion

    if name is None:
        return calendar_of(None, config)
    known = config.service.calendars
    if not isinstance(name, str) or name not in known:
        raise Refused(f'there is no calendar "{name}"{suggestion(str(name), known)}')
    return known[name]


def _instant(text: str, calendar: "Calendar") -> datetime:
    """A time as the calendar's people write it, or one that names its zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is no time such as 2026-12-24T16:00') from error
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(calendar.time_zone))
