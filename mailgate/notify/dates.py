"""Dates and times as people read them: "14 January 2027 at 5pm", and short in tables (docs/domain.md section 12)."""

from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from mailgate.model.config import Config
from mailgate.model.sending import Language

_MONTHS = {
    Language.ENGLISH: (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    Language.WELSH: (
        "Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin",
        "Gorffennaf", "Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr",
    ),
}  # fmt: skip
_AT = {Language.ENGLISH: "at", Language.WELSH: "am"}
_NOON_AND_MIDNIGHT = {
    Language.ENGLISH: ("midday", "midnight"),
    Language.WELSH: ("hanner dydd", "hanner nos"),
}


def zone_of(config: Config) -> ZoneInfo:
    """The time zone in which the service states its times: that of its default calendar."""
    calendar = config.service.calendars.get(config.service.defaults.calendar or "")
    return ZoneInfo(calendar.time_zone if calendar else "Europe/London")


def in_words(when: date, zone: tzinfo, language: Language = Language.ENGLISH) -> str:
    """ "14 January 2027 at 5pm", "14 Ionawr 2027 am 5pm"; a plain date has no time."""
    day = when.astimezone(zone) if isinstance(when, datetime) else when
    words = f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"
    return f"{words} {_AT[language]} {_clock(day, language)}" if isinstance(day, datetime) else words


def in_table(when: datetime | None, zone: tzinfo) -> str:
    """ "14/1/2027 5pm", without leading zeros; "" where there is no time."""
    if when is None:
        return ""
    local = when.astimezone(zone)
    return f"{local.day}/{local.month}/{local.year} {_clock(local, Language.ENGLISH)}"


def _clock(local: datetime, language: Language) -> str:
    """The 12-hour clock; "12pm" is read both ways, so midday and midnight are words."""
    if not local.minute and local.hour in (0, 12):
        noon, midnight = _NOON_AND_MIDNIGHT[language]
        return noon if local.hour else midnight
    minutes = f".{local.minute:02}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'pm' if local.hour >= 12 else 'am'}"
