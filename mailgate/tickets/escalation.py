"""What a rung of the ladder means for one ticket: whom it tells, and what it does to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailgate.model.config import Config, ShareWork
from mailgate.model.facts import Facts
from mailgate.model.people import Person, Worker
from mailgate.model.promises import Climb, Rung
from mailgate.model.ticket import Change, Event, Ticket
from mailgate.rules.promise import calendar_of
from mailgate.sla.ladder import Look, Running, Taken, look, name_of
from mailgate.tickets.commission import ladder_of
from mailgate.tickets.sharing import share
from mailgate.tickets.thread import lead_of

OWNER, LEAD = "owner", "team lead"


@dataclass(frozen=True, slots=True)
class Around:
    """Who there is: the members of the teams, those with a role that the ladder names, and who asked for what."""

    workers: Sequence[Worker]
    with_roles: Sequence[Person]
    requesters: dict[str, Person]


@dataclass(frozen=True, slots=True)
class Reached:
    """Rungs that are reached: their places, whom each tells, what all do to the ticket, and what its history says."""

    look: Look
    readers: tuple[tuple[str, ...], ...] = ()
    change: Change | None = None
    event: Event | None = None


def climb(
    ticket: Ticket, kind: str, clock: Running, taken: Taken, around: Around, config: Config, now: datetime
) -> Reached:
    """What the *clock* of that kind of *ticket* has reached by *now* of the rungs that were not *taken*."""
    ladder, calendar = ladder_of(ticket, config), calendar_of(ticket.team, config)
    found = look(ladder, clock, taken, calendar, now)
    if not found.steps:
        return Reached(found)
    reached = [ladder[step.place] for step in found.steps]
    change = _done_by(reached, ticket, around, config, now)
    readers = [_told(rung, ticket, change, around, config, now) for rung in reached]
    data: dict[str, object] = {"clock": kind, "rungs": [name_of(step.place, ladder) for step in found.steps]}
    if change is not None and change.priority is not None:
        data["priority"] = change.priority
    personal = {"told": sorted({address for each in readers for address in each})}
    if change is not None and change.assignee is not None:
        personal["given to"] = [change.assignee]
    return Reached(found, tuple(readers), change, Event("escalated", "mailgate", data, personal))


# ---- what it does


def _done_by(rungs: Iterable[Rung], ticket: Ticket, around: Around, config: Config, now: datetime) -> Change | None:
    """One change for all; its times stay what was promised."""
    wanted = {each for rung in rungs for each in rung.then}
    assignee = _on_duty(ticket, around, config, now) if Climb.REASSIGN in wanted else None
    priority = _higher(ticket.priority, config) if Climb.RAISE in wanted else None
    return Change(ticket, assignee=assignee, priority=priority) if assignee or priority else None


def _on_duty(ticket: Ticket, around: Around, config: Config, now: datetime) -> str | None:
    """Who gets it; nobody where its owner is on duty."""
    if ticket.assignee and not _is_away(ticket.assignee, around, now):
        return None
    facts = Facts(now, workers=tuple(around.workers))
    how = config.service.defaults.share_work
    return share(ticket.team, config, facts, ShareWork.LEAST_BUSY if how is ShareWork.NOBODY else how)[0]


def _higher(priority: str | None, config: Config) -> str | None:
    """The next priority above; None for the highest."""
    order = tuple(config.service.priorities)
    return order[order.index(priority) - 1] if priority in order[1:] else None


# ---- whom it tells


def _told(
    rung: Rung, ticket: Ticket, change: Change | None, around: Around, config: Config, now: datetime
) -> tuple[str, ...]:
    """The addresses, each of ours and none a mailbox. Where there is no owner on duty or no such role, the lead."""
    new_owner = change.assignee if change else None
    found = [new_owner] if new_owner else []
    for whom in rung.tell:
        if whom.casefold() == OWNER:
            found += _owner(ticket, new_owner, around, config, now)
        elif whom.casefold() == LEAD:
            found += _lead(ticket, around, config)
        else:
            found += _in_role(whom, ticket, around, config)
    return tuple(
        address
        for address in dict.fromkeys(found)
        if address and config.is_ours(address.rpartition("@")[2]) and not config.accepts(address)
    )


def _owner(ticket: Ticket, new_owner: str | None, around: Around, config: Config, now: datetime) -> Sequence[str]:
    if new_owner:
        return [new_owner]
    if ticket.assignee and not _is_away(ticket.assignee, around, now):
        return [ticket.assignee]
    return _lead(ticket, around, config)


def _lead(ticket: Ticket, around: Around, config: Config) -> Sequence[str]:
    """The lead of its team, else all its members."""
    lead = lead_of(ticket.team, config) if ticket.team else None
    return [lead] if lead else [worker.address for worker in around.workers if worker.team == ticket.team]


def _in_role(role: str, ticket: Ticket, around: Around, config: Config) -> Sequence[str]:
    """Who has *role* for the requester's unit, else for a unit of the team, else at all."""
    holders = [person for person in around.with_roles if person.role.casefold() == role.casefold()]
    requester = around.requesters.get(ticket.requester)
    team = config.service.teams.get(ticket.team or "")
    units = team.units if team and team.units != "all" else ()
    nearest = (
        [person for person in holders if person.unit and requester and requester.unit.startswith(person.unit)],
        [person for person in holders if any(unit.casefold() in person.unit.casefold() for unit in units)],
        holders,
    )
    found = next((each for each in nearest if each), [])
    return [person.address for person in found] or _lead(ticket, around, config)


def _is_away(address: str, around: Around, now: datetime) -> bool:
    until = next((worker.away_until for worker in around.workers if worker.address == address), None)
    return until is not None and until >= now.date()
