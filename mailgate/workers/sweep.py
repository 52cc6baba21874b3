"""Looks at the clocks whose time has come, takes the rungs they have reached, and tells people.

Everything it knows is in the store: it may be stopped anywhere, and another takes over. What an outage left behind is
taken in batches, the longest due first, and told together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from mailgate import journal
from mailgate.model.config import Config
from mailgate.model.promises import Climb
from mailgate.model.ticket import Ticket
from mailgate.notify.compose import Context
from mailgate.sla.ladder import Running, name_of
from mailgate.store import deadlines, people, rows
from mailgate.store.deadlines import Taken
from mailgate.store.engine import Connection, Store
from mailgate.tickets.commission import ladder_of, rungs_of
from mailgate.tickets.escalation import LEAD, OWNER, Around, climb
from mailgate.workers.loop import failure_of
from mailgate.workers.overdue import Overdue

LEASE = "sweep"
BATCH = 200
MOST_BATCHES = 500  # between two turns of telling people: others want the store too


@dataclass(frozen=True, slots=True)
class Sweep:
    """*is_leader* says whether this is the one that does it now (store/leases.py)."""

    store: Store
    context: Context
    clock: Callable[[], datetime]
    is_leader: Callable[[], bool]

    def turn(self) -> None:
        """Take whatever is due by now, and tell whoever is still to be told."""
        now, config = self.clock(), self.context.config
        if not self.is_leader():
            return
        deadlines.look_again(self.store, _version(config), now)
        taken = 0
        for _ in range(MOST_BATCHES):
            looks, are_all = self._looks(now)
            taken += deadlines.take(self.store, looks, now)
            if are_all or not self.is_leader():
                break
        told = Overdue(self.store, self.context).turn(now)
        if taken or told:
            journal.escalated(taken, told)

    def _looks(self, now: datetime) -> tuple[list[Taken], bool]:
        """A batch of looks, and whether these are all: one for each ticket, as the next must know what it did."""
        with self.store.read() as connection:
            due = deadlines.due(connection, now, BATCH)
            if not due:
                return [], True
            first = list({each.ticket_id: each for each in reversed(due)}.values())
            known = rows.by_id(connection, {each.ticket_id for each in first})
            before = deadlines.taken(connection, known)
            around = _around(connection, list(known.values()), self.context.config)
        looks = [_look_or_later(each, known, before, around, self.context.config, now) for each in reversed(first)]
        return looks, len(looks) == len(due) < BATCH


def _look_or_later(row: Any, *known: Any) -> Taken:
    """A look that fails by a bug of ours keeps no other from being taken; it is tried again in an hour."""
    found: list[Taken] = []
    error = failure_of(lambda row: found.append(_look(row, *known)), row)
    if error is None:
        return found[0]
    journal.worker_failed(LEASE, error)
    return Taken(row.ticket_id, row.kind, row.next_check_at, row.next_check_at + timedelta(hours=1))


def _look(
    row: Any,
    known: Mapping[int, Ticket],
    before: Mapping[tuple[int, str], dict[str, int]],
    around: Around,
    config: Config,
    now: datetime,
) -> Taken:
    ticket, taken = known[row.ticket_id], before.get((row.ticket_id, row.kind), {})
    clock = Running(row.started_at, row.due_at, timedelta(seconds=ticket.paused_seconds))
    reached = climb(ticket, row.kind, clock, taken, around, config, now)
    ladder = ladder_of(ticket, config)
    named = [(name_of(step.place, ladder), step.nth) for step in reached.look.steps]
    return Taken(
        ticket_id=row.ticket_id,
        kind=row.kind,
        seen=row.next_check_at,
        next_at=reached.look.next_at,
        rungs=tuple(named),
        readers=tuple((*rung, reader) for rung, told in zip(named, reached.readers, strict=False) for reader in told),
        late=frozenset(name_of(step.place, ladder) for step in reached.look.steps if ladder[step.place].when.is_late),
        change=reached.change,
        event=reached.event,
    )


def _around(connection: Connection, tickets: Sequence[Ticket], config: Config) -> Around:
    """Who has to do with *tickets*."""
    teams = {ticket.team for ticket in tickets if ticket.team}
    covers = {config.service.teams[team].cover for team in teams if team in config.service.teams}
    roles = {whom for rung in rungs_of(config) for whom in rung.tell} - {OWNER, LEAD}
    gives = any(Climb.REASSIGN in rung.then for rung in config.service.escalation)
    members = people.workers if gives else people.absences
    return Around(
        workers=members(connection, teams | {cover for cover in covers if cover}),
        with_roles=deadlines.with_roles(connection, roles),
        requesters=people.by_address(connection, {ticket.requester for ticket in tickets}),
    )


def _version(config: Config) -> str:
    """What tells one ladder, and the working time it is climbed in, from another."""
    service = config.service
    said = [rung.model_dump_json() for rung in rungs_of(config)]
    said += [f"{name} {calendar.model_dump_json()}" for name, calendar in service.calendars.items()]
    return sha256("\n".join(said).encode()).hexdigest()[:16]
