"""Dates and times as people read them: "14 January 2027 at 5pm", and short in tables (docs/domain.md section 12)."""

from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from mailgate.model.config import Config

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def zone_of(config: Config) -> ZoneInfo:
    """The time zone in which the service states its times: that of its default calendar."""
    calendar = config.service.calendars.get(config.service.defaults.calendar or "")
    return ZoneInfo(calendar.time_zone if calendar else "Europe/London")


def in_words(when: date, zone: tzinfo) -> str:
    """ "14 January 2027 at 5pm"; a plain date has no time."""
    if not isinstance(when, datetime):
        return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"
    local = when.astimezone(zone)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year} at {_clock(local)}"


def in_table(when: datetime | None, zone: tzinfo) -> str:
    """ "14/1/2027 5pm", without leading zeros; "" where there is no time."""
    if when is None:
        return ""
    local = when.astimezone(zone)
    return f"{local.day}/{local.month}/{local.year} {_clock(local)}"


def _clock(local: datetime) -> str:
    """The 12-hour clock; "12pm" is read both ways, so midday and midnight are words."""
    if not local.minute and local.hour in (0, 12):
        return "midday" if local.hour else "midnight"
    minutes = f".{local.minute:02}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'pm' if local.hour >= 12 else 'am'}"
