"""Who gets the summaries, of what, and when."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from mailgate.model.config import Config
from mailgate.model.people import Person
from mailgate.model.promises import Calendar
from mailgate.model.sending import TEAM_LEAD, Digest
from mailgate.notify.digest import Reader
from mailgate.notify.labels import team_label
from mailgate.rules.units import unit_of
from mailgate.sla.calendar import instant, is_working_day, local_date, working_day
from mailgate.tickets.thread import lead_of

ALL = "All requests"
_A_WEEK = 7


def readers(digest: Digest, people: Iterable[Person], config: Config) -> list[Reader]:
    """Everybody whom *digest* goes to, each once: leads see their teams, who has a role their unit or everything."""
    wanted = {who.casefold() for who in digest.to}
    found = {reader.address: reader for reader in (_leads(config) if TEAM_LEAD in wanted else ())}
    for person in people:
        if person.role.casefold() in wanted and config.is_ours(person.address.rpartition("@")[2]):
            own = found.get(person.address)
            found[person.address] = replace(_of_role(person, config), leads=own.leads if own else frozenset())
    return [found[address] for address in sorted(found)]


def reader(person: Person, config: Config) -> Reader | None:
    """What *person* sees by their role; None where no summary goes to such a role."""
    has_role = person.role.casefold() in config.service.digests.roles
    return _of_role(person, config) if has_role and config.is_ours(person.address.rpartition("@")[2]) else None


def _leads(config: Config) -> Iterable[Reader]:
    teams: dict[str, list[str]] = {}
    for team in config.service.teams:
        lead = lead_of(team, config)
        if lead is not None:
            teams.setdefault(lead, []).append(team)
    for address, led in teams.items():
        yield Reader(address, ", ".join(team_label(config, team) for team in led), leads=frozenset(led))


def _of_role(person: Person, config: Config) -> Reader:
    unit = unit_of(person.unit, None, config)
    if not unit:
        return Reader(person.address, config.service.region or ALL, everything=True)
    serving = (name for name, team in config.service.teams.items() if team.units != "all" and unit in team.units)
    return Reader(person.address, unit, teams=frozenset(serving), units=frozenset({unit}))


def day_of(digest: Digest, now: datetime, calendar: Calendar) -> date | None:
    """The day whose *digest* is due by *now*: today's; of one for a day of the week the last, sent on a working day.

    None where today's is not due yet, or there is none.
    """
    today = local_date(now, calendar)
    back = 0 if digest.on is None else next(n for n in range(_A_WEEK) if f"{today - timedelta(n):%A}" == digest.on)
    day = today - timedelta(back)
    if digest.on is None and not is_working_day(day, calendar):
        return None
    sent_on = day if is_working_day(day, calendar) else working_day(day, 1, calendar)
    return day if instant(sent_on, digest.at, calendar) <= now else None
