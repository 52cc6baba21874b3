"""What a capacity level does to tickets, and how that is undone when the level goes back (docs/domain.md section 7).

A new request is slowed, paused or declined as it is opened. One that was accepted before is never declined but
paused. Whatever a level did is kept beside the ticket, so that it can be taken back exactly; what a person changed
meanwhile stays as that person set it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailgate.model.capacity import Effect, Level, Levels
from mailgate.model.config import Config
from mailgate.model.reading import Match, Trace
from mailgate.model.ticket import Change, Draft, Event, Held, Status, Ticket, WaitingFor
from mailgate.rules.capacity import effect_of, level_for, slowing
from mailgate.rules.promise import calendar_of, longer
from mailgate.sla.calendar import add_working_time
from mailgate.sla.clock import stands
from mailgate.tickets.timing import stood_for, timed

HAPPENED = "capacity level"
STATUS, PAUSED = "status", "paused"
"""The messages by which a requester hears of another date, and of a pause."""


# ---- a new request


def of_new(draft: Draft, requesters_unit: str, levels: Levels, config: Config, *, is_told: bool) -> tuple[Draft, Trace]:
    """*draft* as the level of its unit leaves it, and why. *is_told*: its sender hears what becomes of it.

    Nothing is declined of which nobody would hear: that is paused.
    """
    level = level_for(requesters_unit, draft.team, levels, config)
    found = slowing(level, draft.task, config) if level else None
    effect = effect_of(found) if found else None
    if level is None or found is None or effect is None:
        return draft, ()
    message: str = found.tell_requester or ""
    if effect is Effect.DECLINED and not is_told:
        effect, message = Effect.PAUSED, PAUSED
    held = Held(level, effect, draft.status, draft.waiting_for, draft.due_at, draft.due_at, message=message)
    match effect:
        case Effect.DECLINED:
            draft = _standing(draft, Status.CANCELLED, None, config)
            draft = replace(draft, assignee=None)
        case Effect.PAUSED:
            draft = _standing(draft, Status.WAITING, WaitingFor.CAPACITY, config)
        case Effect.SLOWED:
            times = found.finish.times if found.finish else 1
            later = _later(draft, draft.received_at, times, config)
            if draft.due_at is None or not later:
                return draft, ()
            draft = replace(draft, due_at=add_working_time(draft.due_at, later, calendar_of(draft.team, config)))
            held = replace(held, due_after=draft.due_at)
    return replace(draft, held=held), (Match("capacity", str(level), effect=effect),)


def _standing(draft: Draft, status: Status, waiting_for: WaitingFor | None, config: Config) -> Draft:
    started_at = None if stands(status, waiting_for, config) else draft.clock_started_at
    return replace(draft, status=status, waiting_for=waiting_for, clock_started_at=started_at)


def _later(case: Draft | Ticket, at: datetime, times: int, config: Config) -> timedelta:
    """By how much working time the end of *case*, which came *at*, moves where it may take *times* as long."""
    calendar = calendar_of(case.team, config)
    return longer(case.sla_policy, case.priority, case.fields, at, calendar, config, times)


def said_of(level: Level | None) -> Mapping[str, str]:
    """What a mail shows of the level that its request is subject to."""
    return {"level": str(level), "review_on": level.review_on.isoformat()} if level else {}


# ---- a ticket that is there


@dataclass(frozen=True, slots=True)
class Aligned:
    """What becomes of a ticket by another level: its *change*, what is *held* from now on, and how its requester hears.

    None for nothing. *resumes*: work that nobody had begun goes on.
    """

    change: Change | None = None
    held: Held | None = None
    message: str = ""
    resumes: bool = False


def aligned(
    ticket: Ticket,
    held: Held | None,
    level: Level | None,
    config: Config,
    now: datetime,
    *,
    is_set_by_hand: bool = False,
    went_on: bool = False,
) -> Aligned:
    """*ticket* as *level* wants it; *held* is what an earlier one did to it.

    *is_set_by_hand*: a person gave it its time to finish, which no level moves. *went_on*: somebody wrote about it
    since it is held, so that what it waited for before may have come.
    """
    effect, times, message = _wanted(ticket, level, config, is_set_by_hand=is_set_by_hand)
    if held is not None and not is_untouched(ticket, held, config):
        held = None
    if held is not None and level is not None and held.effect is effect is Effect.PAUSED:
        return Aligned(held=replace(held, level=level))
    if not ticket.is_open or (held is None and effect is None):
        return Aligned()
    status, waiting_for = _before(ticket, held, went_on=went_on)
    becomes = (Status.WAITING, WaitingFor.CAPACITY) if effect is Effect.PAUSED else (status, waiting_for)
    moves = becomes != (ticket.status, ticket.waiting_for)
    waited = stood_for(ticket, config, now) if moves else timedelta()
    due_before = _moved(_due_without(ticket, held, config), waited, ticket, config)
    later = _later(ticket, ticket.received_at, times, config) if effect is Effect.SLOWED else timedelta()
    due_at = _moved(due_before, later, ticket, config)
    if not moves and due_at == ticket.due_at and effect is None:
        return Aligned()
    change = Change(ticket, status=becomes[0] if moves else None, waiting_for=becomes[1], due_at=due_at)
    change = replace(change, events=(_event(change, held, level, effect),))
    paused_seconds = ticket.paused_seconds + int(waited.total_seconds())
    kept = None
    if level is not None and effect is not None and (later or effect is Effect.PAUSED):
        kept = Held(level, effect, status, waiting_for, due_before, due_at, paused_seconds)
    if kept is None and not moves and due_at == ticket.due_at:
        return Aligned()
    return Aligned(
        timed(change, config, now, f"{HAPPENED} {level}"),
        kept,
        message if effect is Effect.PAUSED else STATUS,
        resumes=held is not None and held.effect is Effect.PAUSED and becomes[0] is Status.NEW,
    )


def _wanted(
    ticket: Ticket, level: Level | None, config: Config, *, is_set_by_hand: bool
) -> tuple[Effect | None, int, str]:
    """What *level* does to what was accepted, how many times as long it may take, and what the requester hears."""
    found = slowing(level, ticket.task, config) if level else None
    if found is None:
        return None, 1, ""
    if found.pause or found.decline:
        return Effect.PAUSED, 1, PAUSED if found.tell_requester else ""
    if found.finish is None or is_set_by_hand or ticket.due_at is None:
        return None, 1, ""
    return Effect.SLOWED, found.finish.times, STATUS


def is_untouched(ticket: Ticket, held: Held, config: Config) -> bool:
    """Whether *ticket* is as the level left it, but for the time for which its clocks stood still since."""
    if held.effect is Effect.PAUSED:
        return ticket.waiting_for is WaitingFor.CAPACITY
    since = timedelta(seconds=ticket.paused_seconds - held.paused_seconds)
    return ticket.due_at == _moved(held.due_after, since, ticket, config)


def _before(ticket: Ticket, held: Held | None, *, went_on: bool) -> tuple[Status, WaitingFor | None]:
    """The status that *ticket* has but for the level."""
    if held is None or held.effect is not Effect.PAUSED:
        return ticket.status, ticket.waiting_for
    if held.status is Status.WAITING and went_on:
        return Status.OPEN, None
    return held.status, held.waiting_for


def _due_without(ticket: Ticket, held: Held | None, config: Config) -> datetime | None:
    """When *ticket* is due but for the level."""
    if held is None or held.effect is not Effect.SLOWED:
        return ticket.due_at
    return _moved(held.due_before, timedelta(seconds=ticket.paused_seconds - held.paused_seconds), ticket, config)


def _moved(at: datetime | None, by: timedelta, ticket: Ticket, config: Config) -> datetime | None:
    return add_working_time(at, by, calendar_of(ticket.team, config)) if at and by else at


def _event(change: Change, held: Held | None, level: Level | None, effect: Effect | None) -> Event:
    said: dict[str, object] = {"level": level.name if level else None, "unit": level.unit if level else None}
    said |= {"order": level.id if level else None, "does": effect.value if effect else None}
    said |= {"status": change.status or change.ticket.status, "waiting_for": change.waiting_for}
    return Event(HAPPENED, "mailgate", said | ({"undoes": held.effect.value} if held else {}))
