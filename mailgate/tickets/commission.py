"""Commissions: one request that goes to several units, and whose returns go back as one (docs/domain.md section 8).

What the tickets of the units are, what happens to them when that of the whole changes, and when the returns are put
together and sent. What the mails say is read in ``returns.py``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailgate.model.commission import COMMISSION, Child, Commission, State
from mailgate.model.config import Config
from mailgate.model.decision import Decision
from mailgate.model.facts import Facts
from mailgate.model.promises import Commissions, Rung
from mailgate.model.reading import Match, Reading, Trace
from mailgate.model.ticket import OPEN_STATUSES, Change, Draft, Event, Status, Ticket
from mailgate.rules.promise import calendar_of
from mailgate.sla.calendar import before
from mailgate.tickets.sharing import share
from mailgate.tickets.thread import is_verified
from mailgate.tickets.timing import timed

DEADLINE = "deadline"
"""The information that says until when whoever asks wants the whole."""
COMPILED = "compiled"
"""The message that asks a person to approve a consolidated return; also what its event is called."""
SENT = "returned"
"""What the event is called by which a consolidated return went out."""
MOVED = "moved with its commission"
"""What happened to the ticket of a unit because of that of the whole."""
GATEWAY = "mailgate"


# ---- opening


def opened(
    drafts: tuple[Draft, ...], reading: Reading, config: Config, facts: Facts
) -> tuple[tuple[Draft, ...], Trace]:
    """*drafts*, and those of the units where a rule starts a commission by the first and its sender is verified."""
    asked, first = config.service.commissions, drafts[0]
    if asked is None or first.starts != COMMISSION:
        return drafts, ()
    if not is_verified(reading):
        why = "its sender is not verified: nobody is asked"
        return (replace(first, starts=None), *drafts[1:]), (Match(COMMISSION, "not started", effect=why),)
    compiler, _ = share(asked.compiled_by, config, facts)
    parent = replace(first, team=asked.compiled_by, assignee=compiler)
    units = tuple(_of_unit(unit, parent, asked, config, facts) for unit in asked.ask)
    found = Match(COMMISSION, "started", effect=f"asks {', '.join(asked.ask)}")
    return (parent, *drafts[1:], *units), (found,)


def _of_unit(unit: str, parent: Draft, asked: Commissions, config: Config, facts: Facts) -> Draft:
    """What a unit is asked. Its requester is our mailbox: whoever asked hears of the whole alone."""
    team = team_of(unit, config) or parent.team
    deadline = parent.due_at if DEADLINE in parent.fields else None
    return Draft(
        mailbox=parent.mailbox,
        requester=parent.mailbox,
        subject=parent.subject,
        received_at=parent.received_at,
        category=parent.category,
        task=parent.task,
        priority=parent.priority,
        team=team,
        assignee=share(team, config, facts)[0],
        sla_policy=parent.sla_policy,
        marking=parent.marking,
        show_to=parent.show_to,
        due_at=due_of_unit(deadline, asked, parent.received_at, team, config) if deadline else None,
        clock_started_at=parent.received_at,
        unit=unit,
    )


def team_of(unit: str, config: Config) -> str | None:
    """The first team that serves *unit* and not everybody."""
    named = ((name, team.units) for name, team in config.service.teams.items() if team.units != "all")
    return next((name for name, units in named if unit.casefold() in map(str.casefold, units)), None)


def due_of_unit(deadline: datetime, asked: Commissions, now: datetime, team: str | None, config: Config) -> datetime:
    """When a unit has to answer: so long before the *deadline*, or at it where that time is over already."""
    earlier = before(deadline, asked.answer_by, calendar_of(team, config))
    return earlier if earlier > now else deadline


def ladder_of(ticket: Ticket, config: Config) -> Sequence[Rung]:
    """The ladder that *ticket* climbs: that of a unit is the reminders and the chasing of the commission."""
    asked = config.service.commissions
    return asked.ladder if ticket.unit and asked else config.service.escalation


def rungs_of(config: Config) -> tuple[Rung, ...]:
    """Every rung that some ticket climbs."""
    asked = config.service.commissions
    return (*config.service.escalation, *(asked.ladder if asked else ()))


# ---- what the change of the whole does to its parts


def carried(decision: Decision, config: Config, facts: Facts) -> Decision:
    """*decision* with what it does to the tickets of the units where it changes that of the whole."""
    more = [
        moved
        for change in decision.changes
        if (found := facts.commissions.get(change.ticket.id)) is not None and found.parent.id == change.ticket.id
        for moved in carried_by(change, found, config, facts.now)
        if moved.ticket.id not in {each.ticket.id for each in decision.changes}
    ]
    return replace(decision, changes=(*decision.changes, *more)) if more else decision


def carried_by(change: Change, found: Commission, config: Config, now: datetime) -> Iterator[Change]:
    """What *change* of the parent does to the units: they end and come back with it, and move with its deadline."""
    asked = config.service.commissions
    for child in found.children:
        status = _status(change, child)
        due_at = _due_at(change, child, asked, now, config) if asked else None
        if status is not None or due_at is not None:
            said = {"parent": found.parent.ref, **({"status": status} if status else {})}
            event = Event(MOVED, GATEWAY, {**said, "due_at": _iso(due_at)} if due_at else said)
            closed_at = now if status and status not in OPEN_STATUSES else None
            own = Change(child.ticket, status=status, due_at=due_at, closed_at=closed_at, events=(event,))
            yield timed(own, config, now)


def _status(change: Change, child: Child) -> Status | None:
    """What becomes of a unit's ticket that nobody has answered: done, too, where the whole went without it."""
    before_it, after_it, own = change.ticket.status, change.status or change.ticket.status, child.ticket
    if before_it in OPEN_STATUSES and after_it not in OPEN_STATUSES and own.is_open:
        return after_it
    was_ended = before_it is Status.CANCELLED and after_it in OPEN_STATUSES
    return Status.OPEN if was_ended and own.status is Status.CANCELLED and not child.returns else None


def _due_at(change: Change, child: Child, asked: Commissions, now: datetime, config: Config) -> datetime | None:
    """When the unit has to answer after *change*; None where that stays.

    More time that a unit was given stays its own, though never beyond the deadline of the whole.
    """
    was, deadline, own = change.ticket.due_at, change.due_at, child.ticket.due_at
    if deadline is None or child.returns or change.status not in (None, *OPEN_STATUSES):
        return None
    usual = due_of_unit(deadline, asked, now, child.ticket.team, config)
    used_to = was and due_of_unit(was, asked, change.ticket.received_at, child.ticket.team, config)
    found = usual if own is None or own == used_to else min(max(own, usual), deadline)
    return found if found != own else None


# ---- the consolidated return


@dataclass(frozen=True, slots=True)
class Compile:
    """A consolidated return is to be made, and shown to the person who approves it."""

    version: int


@dataclass(frozen=True, slots=True)
class Send:
    """The version that was approved goes to whoever asked."""

    version: int


def next_step(found: Commission, now: datetime) -> Compile | Send | None:
    """What is to be done next. A version is sent only where no return came in since the one that was approved."""
    if not found.parent.is_open or not found.children:
        return None
    is_current = found.version > 0 and found.through == found.returns
    if is_current:
        return Send(found.version) if found.approved == found.version > found.sent else None
    return Compile(found.version + 1) if is_ready(found, now) else None


def is_ready(found: Commission, now: datetime) -> bool:
    """Whether nobody is waited for any more: every unit has answered or is past its time."""
    return next(found.in_state(now, State.WAITED_FOR), None) is None


def approved(ticket: Ticket, facts: Facts) -> Change | str:
    """The change that approves the consolidated return that the mail answers, or why it may not."""
    found = facts.commissions.get(ticket.id)
    if found is None or found.parent.id != ticket.id:
        return "it is no commission: there is no return to approve"
    shown = next(
        (each.cause for each in facts.evidence if each.answers == COMPILED and each.ticket.id == ticket.id), ""
    )
    version = int(shown.removeprefix("version ")) if shown.startswith("version ") else 0
    if not version:
        return "answer the mail that shows the whole return"
    if version != found.version or found.through != found.returns:
        return "a return came in since: the next version comes by itself, approve that"
    if version <= found.sent or not ticket.is_open:
        return f"version {version} was sent already"
    return Change(ticket, events=(Event("approved", "agent", {"version": version}),))


def _iso(at: datetime) -> str:
    return at.isoformat()
