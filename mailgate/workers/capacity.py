"""Brings open tickets up to the capacity level of their unit, and tells their requesters.

How far it has come stands in the store, written with what was done: it may be stopped anywhere, and another goes on.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from mailgate import journal
from mailgate.model.capacity import Level
from mailgate.model.config import Config
from mailgate.model.decision import Command, Decision, Order, Reply
from mailgate.model.ticket import Ticket
from mailgate.notify.compose import Context
from mailgate.rules.capacity import does_anything, unit_short
from mailgate.store import asked, gathering, holding, levels, outbox, rows
from mailgate.store.changing import change_ticket
from mailgate.store.engine import Connection, Store
from mailgate.store.holding import Open
from mailgate.tickets import answer, telling
from mailgate.tickets.capacity import HAPPENED, Aligned, aligned, said_of
from mailgate.workers.about import composed
from mailgate.workers.gather import AN_HOUR
from mailgate.workers.order import no_mail
from mailgate.workers.reminders import Reminders

LEASE = "capacity"
SEARCHED = 500
BATCH = 50  # tickets in one transaction: others want the store too
MOST_BATCHES = 500  # for one level in one turn


@dataclass(frozen=True, slots=True)
class Capacity:
    """*is_leader* says whether this is the one that does it now (store/leases.py)."""

    store: Store
    context: Context
    clock: Callable[[], datetime]
    is_leader: Callable[[], bool] = field(default=lambda: True)

    def turn(self) -> None:
        """Bring tickets up to the levels in force, and remind."""
        if self.is_leader():
            self.bring_up()
            Reminders(self.store, self.context).turn(self.clock())

    def bring_up(self) -> int:
        """Begin what was planned for now, and bring open tickets up to it; how many changed."""
        now = self.clock()
        with self.store.read() as connection:
            may_begin = levels.may_begin(connection, now)
        if may_begin:
            with self.store.write() as tx:
                levels.begin(tx, now)
        version = _version(self.context.config)
        with self.store.read() as connection:
            waiting = holding.to_apply(connection, version)
        return sum(self._apply(level, version) for level in waiting)

    def _apply(self, level: Level, version: str) -> int:
        changed = 0
        for _ in range(MOST_BATCHES):
            if not self.is_leader():
                break
            done = self._batch(level, version)
            if done is None:
                journal.level_followed(level.unit, level.name)
                break
            changed += done
        return changed

    def _batch(self, level: Level, version: str) -> int | None:
        """Bring some tickets up to *level*; how many changed, None where all follow it."""
        config, now = self.context.config, self.clock()
        with self.store.write() as tx:
            after = holding.reached(tx, level, version)
            if after is None:
                return None
            only_held = not does_anything(level.name, config)
            found = holding.candidates(tx, level.unit, after, SEARCHED, only_held=only_held)
            concerned = [each for each in found if _concerns(each, level, config)][:BATCH]
            changed = self._align(tx, concerned, level, now) if concerned else 0
            last = concerned if len(concerned) == BATCH else found
            holding.move(tx, level, last[-1].id if len(last) in (BATCH, SEARCHED) else None)
        return changed

    def _align(self, tx: Connection, concerned: Sequence[Open], level: Level, now: datetime) -> int:
        config, ids = self.context.config, [each.id for each in concerned]
        holding.locked(tx, ids)
        known, by_hand = rows.by_id(tx, ids), holding.set_by_hand(tx, ids)
        went_on = holding.went_on(tx, {each.id: each.events for each in concerned if each.held})
        becomes = {
            each.id: aligned(
                *(known[each.id], each.held, _own(level, each, config), config, now),
                is_set_by_hand=each.id in by_hand,
                went_on=each.id in went_on,
            )
            for each in concerned
        }
        changes = [each.change for each in becomes.values() if each.change is not None]
        for change in changes:
            change_ticket(tx, change, (), now)
        lengths = holding.lengths(tx, ids)
        held = {ticket_id: (each.held, lengths[ticket_id]) for ticket_id, each in becomes.items() if each.held}
        holding.hold(tx, held)
        holding.let_go(tx, [each.id for each in concerned if each.held and each.id not in held])
        self._tell(tx, [(known[ticket_id], each) for ticket_id, each in becomes.items() if each.change], level, now)
        return len(changes)

    def _tell(self, tx: Connection, changed: Sequence[tuple[Ticket, Aligned]], level: Level, now: datetime) -> None:
        """Each requester hears of it, within the caps; and whoever has to do what goes on that nobody had begun."""
        config = self.context.config
        told = _told_within_caps(tx, [ticket for ticket, each in changed if each.message], config, now)
        decisions = [_decision(ticket, each, level, config, is_told=ticket.id in told) for ticket, each in changed]
        reading = no_mail(now)
        decisions = telling.told(decisions, [reading] * len(decisions), config, asked.known(tx, decisions))
        for (ticket, _), decision in zip(changed, decisions, strict=True):
            sent = composed(decision, reading, (), self.context, f"capacity level {level.id}", now)
            outbox.queue(tx, [outbox.Queued(mail, ticket.id, now, to_stranger=False) for _, mail in sent])


def _concerns(each: Open, level: Level, config: Config) -> bool:
    """Whether *level* says what becomes of it: what the level of a unit holds is for that unit, wherever it is now."""
    return (each.held_by or unit_short(each.unit, each.team, config)) == level.unit


def _own(level: Level, each: Open, config: Config) -> Level | None:
    """*level*, unless the ticket was moved to where it does not hold."""
    return level if unit_short(each.unit, each.team, config) == level.unit else None


def _told_within_caps(tx: Connection, told: Sequence[Ticket], config: Config, now: datetime) -> set[int]:
    """The tickets whose requesters are told one by one (E136): to one address no more than it gets of other mails."""
    readers = {ticket.requester.lower() for ticket in told}
    an_hour, a_day = (gathering.automatic(tx, readers, now - timedelta(hours=hours)) for hours in (1, 24))
    had: Counter[str] = Counter()
    found = set()
    for ticket in told:
        reader = ticket.requester.lower()
        is_ours = config.is_ours(reader.rpartition("@")[2])
        before = an_hour.get(reader, 0) if is_ours else a_day.get(reader, 0)
        if before + had[reader] < (AN_HOUR if is_ours else answer.A_DAY_TO_STRANGERS):
            had[reader] += 1
            found.add(ticket.id)
    return found


def _decision(ticket: Ticket, found: Aligned, level: Level, config: Config, *, is_told: bool) -> Decision:
    assert found.change is not None  # asked for changes alone
    order = Order(telling.RESUME if found.resumes else HAPPENED)
    replies: tuple[Reply, ...] = ()
    if found.message and is_told and answer.is_told(ticket, config):
        after = found.change.after
        fields: Mapping[str, str] = {"status": after.status, "waiting_for": after.waiting_for or ""}
        held = said_of(level if found.held else None)
        replies = (answer.to(ticket.requester, found.message, config, {**fields, **held}),)
    return Decision(Command(ticket, order), config.version, changes=(found.change,), replies=replies)


def _version(config: Config) -> str:
    """What tells one way in which levels work from another."""
    said = (
        f"{name} {framework} {each.model_dump_json()}"
        for name, classes in config.service.capacity_levels.items()
        for framework, each in classes.items()
    )
    return sha256("\n".join(said).encode()).hexdigest()[:16]
