"""A simulated year: tickets that wait, change and end, capacity levels, sweeps that are stopped, doubled and lied to.

Every rung that a clock reaches has to be taken once, at the very minute that an account by counting minutes says, and
the figures of a summary have to be those of a recount from the events (docs/reliability.md F8). The account knows what
happened to each ticket, and when nobody swept; it asks the code under test nothing.
"""

import io
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import groupby
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import delete, event, func, select

from mailgate.app import context_of
from mailgate.model.capacity import NewLevel
from mailgate.model.config import Config
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as Place
from mailgate.model.people import Person
from mailgate.model.ticket import Change, Draft, Event, Status, Ticket, WaitingFor
from mailgate.notify.digest import DAILY, Reader, daily
from mailgate.rules.promise import calendar_of, promised
from mailgate.store import cases, changing, deadlines, levels, opening, people, rows, tables
from mailgate.store.engine import Store, open_store
from mailgate.store.schema import upgrade
from mailgate.tickets.capacity import of_new
from mailgate.tickets.timing import timed
from mailgate.workers import sweep as sweeping
from mailgate.workers.capacity import Capacity
from mailgate.workers.digests import Digests
from mailgate.workers.overdue import Overdue
from mailgate.workers.sweep import Sweep
from prove.deadlines import oracle_of
from prove.oracle import Oracle
from prove.outcome import Outcome
from prove.recount import recounted

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = 365
END = NEW_YEAR + timedelta(days=DAYS)
JUMP = timedelta(hours=3)
MINUTE, HALF = timedelta(minutes=1), timedelta(seconds=30)  # things happen on the minute, sweeps half a minute later
APART = 5  # minutes between two instants at which things happen: a sweep has something to do for several tickets
POLICIES = {"standard": ((240, 0), (0, 2)), "urgent": ((60, 0), (240, 0))}  # working minutes or days: reply, finish
ORACLES = {
    team: partial(oracle_of, name, "Europe/London") for team, name in (("office", "office"), ("duty", "custody-duty"))
}
UNITS = {"office": "Harbour", "duty": "Docks"}
CLASSES = ("mandatory", "reducible", "pausable")
WANTS = {  # what each level does to each class
    "green": {},
    "amber": {"pausable": "slow"},
    "red": {"reducible": "slow", "pausable": "pause"},
    "black": {"reducible": "pause", "pausable": "pause"},
}
DOES = {"slow": {"finish": "2 x longer"}, "pause": {"pause": "yes"}}
SUMMARY, LEVEL, OPEN, CHANGE = range(4)  # in this order where they fall on one minute
SPOILT = ("a rung is skipped", "rungs are forgotten", "paused time counts")
SERVICE = {
    "domains": ["desk.example"],
    "calendars": {
        "office": {"hours": "Monday to Friday, 9am to 5pm", "holidays": "england-and-wales"},
        "custody-duty": {
            "hours": ["Monday to Friday 8am to 8pm", "Saturday 9am to 1pm"],
            "holidays": "england-and-wales",
        },
    },
    "sla": {
        "standard": {"reply": "4 working hours", "finish": "2 working days"},
        "urgent": {"reply": "1 working hour", "finish": "4 working hours"},
    },
    "priorities": {"high": "urgent", "normal": "standard"},
    "defaults": {"calendar": "office", "priority": "normal"},
    "teams": {
        "office": {"lead": "lead", "units": ["Harbour"]},
        "duty": {"lead": "lead", "calendar": "custody-duty", "units": ["Docks"]},
    },
    "categories": {"work": {"tasks": {name: {"framework": name} for name in CLASSES}}},
    "capacity_levels": {
        level: {framework: DOES[what] for framework, what in wants.items()} for level, wants in WANTS.items()
    },
    "digests": {"daily": {"at": "8am", "to": "team lead"}},
    "mailboxes": {"help@desk.example": {"team": "office"}},
    "escalation": [
        {"when": "75% of the time has gone", "tell": "owner"},
        {"when": "due", "tell": ["owner", "team lead"]},
        {"when": "1 working day late", "tell": "team lead", "repeat": "1 working day"},
    ],
}
RUNGS = ("75% of the time has gone", "due", "1 working day late")
OWNERS = tuple(f"owner{number}@desk.example" for number in range(6))
Rung = tuple[str, str, str, int]
"""Reference, clock, rung, which time."""


@dataclass(frozen=True)
class Weather:
    """When nobody sweeps, and when the clock of whoever sweeps is three hours ahead."""

    outages: tuple[tuple[datetime, datetime], ...]
    ahead: tuple[tuple[datetime, datetime], ...]

    def is_out(self, at: datetime) -> bool:
        return any(begin <= at < end for begin, end in self.outages)

    def seen(self, at: datetime) -> datetime:
        return at + JUMP if any(begin <= at < end for begin, end in self.ahead) else at

    def edges(self) -> Iterator[datetime]:
        yield from (end for _, end in self.outages)
        yield from (edge for span in self.ahead for edge in span)


@dataclass
class Case:
    """One ticket of the year, and what is going to happen to it, in order."""

    ref: str
    team: str
    framework: str
    came: datetime
    happens: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Turn:
    """That a unit is at another level from *at* on."""

    at: datetime
    unit: str
    level: str


def year(folder: Path, seed: int, count: int, *, spoilt: str = "") -> Outcome:
    """*count* tickets. *spoilt*, one of ``SPOILT``: what the gateway does wrong."""
    chance = random.Random(seed)
    world = World(folder, chance, [_case(chance, number) for number in range(count)], spoilt)
    with redirect_stdout(io.StringIO()), ExitStack() as spoils:  # thousands of lines of the log
        world.prepare(spoils)
        world.live()
    found, problems = world.taken(), list(world.differences)
    expected = {rung: at for case in world.cases for rung, at in _account(case, world.weather, world.turns)}
    wrong = {rung: at for rung, at in expected.items() if found.get(rung) != at}
    problems += [f"{rung}: taken at {found.get(rung)}, not {at}" for rung, at in wrong.items()]
    problems += [f"{rung}: taken at {at}, and never reached" for rung, at in found.items() if rung not in expected]
    problems += world.left()
    counts = {"tickets": count, "rungs": len(expected), "people told": world.told, "levels": len(world.turns)}
    world.store.close()
    return Outcome({**counts, "summaries": world.summaries, "leaders": world.leaders}, problems[:10])


def control(folder: Path, seed: int, count: int) -> Outcome:
    """What each way to spoil it is found by; nothing where one is not found."""
    found: list[str] = []
    for number, spoilt in enumerate(SPOILT):
        (own := folder / str(number)).mkdir()
        problems = year(own, seed, count, spoilt=spoilt).problems
        if not problems:
            return Outcome({}, [])
        found.append(f"{spoilt}: {problems[0]}")
    return Outcome({}, found)


# ------------------------------------------------------------------ what happens


def _weather(chance: random.Random) -> Weather:
    def spans(number: int, longest: int) -> tuple[tuple[datetime, datetime], ...]:
        begins = [NEW_YEAR + chance.randrange(DAYS * 1440) * MINUTE for _ in range(number)]
        return tuple((begin, begin + chance.randint(10, longest) * MINUTE) for begin in begins)

    return Weather(spans(12, 4000), spans(6, 600))


def _turns(chance: random.Random) -> list[Turn]:
    found = []
    for unit in UNITS.values():
        instants = sorted({NEW_YEAR + chance.randrange(DAYS * 1440 // APART) * APART * MINUTE for _ in range(16)})
        found += [Turn(at, unit, chance.choice(tuple(WANTS))) for at in instants]
    return sorted(found, key=lambda turn: turn.at)


def _case(chance: random.Random, number: int) -> Case:
    came = NEW_YEAR + chance.randrange((DAYS - 40) * 1440 // APART) * APART * MINUTE
    case = Case(f"MG-{number:06}", chance.choice(tuple(UNITS)), chance.choice(CLASSES), came)
    at = case.came
    for what in chance.choice(PLANS):
        at += chance.choice((30, 300, 1500, 5000)) * chance.randint(1, 3) * MINUTE
        case.happens.append((at, what))
    return case


PLANS = (
    ("done",),
    ("take", "done"),
    ("take", "ask", "answer", "done"),
    ("ask", "answer", "take", "ask", "answer", "done"),
    ("wait", "back", "done"),
    ("raise", "take", "done"),
    ("ask", "raise", "answer", "lower", "done"),
    ("take", "done", "reopen", "done"),
    ("take", "ask", "done", "reopen", "wait", "back", "done"),
)
CHANGES: dict[str, dict[str, object]] = {
    "take": {"status": Status.OPEN},
    "ask": {"status": Status.WAITING, "waiting_for": WaitingFor.REQUESTER},
    "answer": {"status": Status.OPEN},
    "wait": {"status": Status.WAITING, "waiting_for": WaitingFor.THIRD_PARTY},
    "back": {"status": Status.OPEN},
    "raise": {"priority": "high"},
    "lower": {"priority": "normal"},
    "done": {"status": Status.DONE},
    "reopen": {"status": Status.OPEN},
}


class World:
    """The store, the two that sweep it, and whatever happens to them."""

    def __init__(self, folder: Path, chance: random.Random, found: list[Case], spoilt: str) -> None:
        self.chance, self.cases, self.spoilt = chance, found, spoilt
        self.weather, self.turns = _weather(chance), _turns(chance)
        self.config = _config(folder)
        self.store = open_store(self.config.operator)
        upgrade(self.store)
        _hurry(self.store)
        self.ids: dict[str, int] = {}
        self.seen, self.leader, self.leaders, self.told = NEW_YEAR, 0, 1, 0
        self.summaries, self.differences = 0, list[str]()

    def prepare(self, spoils: ExitStack) -> None:
        context = context_of(self.config, self.store)
        ladder = self.config.service.escalation
        if self.spoilt == SPOILT[0]:
            short = self.config.service.model_copy(update={"escalation": (ladder[0], ladder[2])})
            context = replace(context, config=self.config.model_copy(update={"service": short}))
        self.context = context
        self.nodes = [Sweep(self.store, context, lambda: self.seen, self._leads(number)) for number in (0, 1)]
        spoils.enter_context(patch.object(sweeping, "Overdue", self._telling))
        if self.spoilt == SPOILT[2]:
            spoils.enter_context(patch.object(cases, "timedelta", lambda **_: timedelta()))
        with self.store.write() as tx:
            people.put(tx, [Person(owner, owner, team=("office", "duty")[n % 2]) for n, owner in enumerate(OWNERS)])

    def _leads(self, number: int) -> Callable[[], bool]:
        return lambda: self.leader == number

    def _telling(self, store: Store, context: object) -> "Told":
        return Told(self)

    # ---- a year, where anything happens or is due

    def live(self) -> None:
        coming = sorted(
            [(at, SUMMARY, None, "") for at in self._mornings()]
            + [(turn.at, LEVEL, turn, "") for turn in self.turns]
            + [(case.came, OPEN, case, "") for case in self.cases]
            + [(at, CHANGE, case, what) for case in self.cases for at, what in case.happens],
            key=lambda each: each[:2],
            reverse=True,
        )
        edges, now = sorted(self.weather.edges(), reverse=True), NEW_YEAR
        while now < END:
            due = []
            while coming and coming[-1][0] <= now:
                due.append(coming.pop())
            for what, same in groupby(due, key=lambda each: each[1]):
                self._happen(what, list(same), now)
            while edges and edges[-1] <= now:
                edges.pop()
            if not self.weather.is_out(now):
                self.seen = self.weather.seen(now) + HALF
                self._sweep()
            if self.chance.random() < 0.02:
                with self.store.write() as tx:
                    away = self.chance.choice((None, now.date() + timedelta(days=9)))
                    people.set_away(tx, self.chance.choice(OWNERS), away)
            now = self._next(now, [*(at for at, *_ in coming[-1:]), *edges[-1:]])
        Overdue(self.store, self.context).turn(END)

    def _mornings(self) -> list[datetime]:
        return [NEW_YEAR + timedelta(days=day, hours=8) for day in range(20, DAYS, 25)]

    def _next(self, now: datetime, others: list[datetime]) -> datetime:
        """The next minute in which something happens, or a look is due by the clock of whoever looks."""
        soon = min(others, default=END)
        if self.weather.is_out(now):
            return soon
        with self.store.read() as connection:
            due = deadlines.next_check_at(connection)
        late = self.weather.seen(now) - now
        look = END if due is None else _minute(due - late - HALF)
        return max(now + MINUTE, min(soon, look))

    def _sweep(self) -> None:
        """Now and then another leads, one dies before it tells, two do it, or the clock jumps back and forth."""
        luck, now = self.chance.random(), self.seen
        if luck < 0.02:
            self.leader, self.leaders = 1 - self.leader, self.leaders + 1
        elif luck < 0.04:  # it dies half-way, and the other takes over
            deadlines.take(self.store, self.nodes[self.leader]._looks(now)[0], now)
            self.leader, self.leaders = 1 - self.leader, self.leaders + 1
        elif luck < 0.06:  # it has stood still, and does not know that another leads
            looks, _ = self.nodes[self.leader]._looks(now)
            self.leader, self.leaders = 1 - self.leader, self.leaders + 1
            self.nodes[self.leader].turn()
            deadlines.take(self.store, looks, now)
        elif luck < 0.08:
            self.nodes[self.leader].turn()
            self.seen = now - timedelta(hours=2)
            self.nodes[self.leader].turn()
            self.seen = now
        for node in self.nodes:
            node.turn()
        if self.spoilt == SPOILT[1]:
            with self.store.write() as tx:
                tx.execute(tables.rungs.delete().where(tables.rungs.c.ticket_id % 7 == 0))

    # ---- what happens to tickets

    def _happen(self, what: int, due: Sequence[tuple[datetime, int, object, str]], now: datetime) -> None:
        if what == LEVEL:
            for _, _, turn, _ in due:
                assert isinstance(turn, Turn)
                self._turn(turn)
        elif what == SUMMARY:
            self._summarise(now)
        else:
            found = [(at, case, done) for at, _, case, done in due if isinstance(case, Case)]
            with self.store.write() as tx:
                if what == OPEN:
                    self._open(tx, [(at, case) for at, case, _ in found])
                    return
                known = rows.by_id(tx, [self.ids[case.ref] for _, case, _ in found])
                for at, case, done in found:
                    ticket: Ticket = known[self.ids[case.ref]]
                    change = Change(ticket, **CHANGES[done], first_reply_at=at if done == "take" else None)  # type: ignore[arg-type]
                    said = {name: value for name, value in CHANGES[done].items() if name != "priority"}
                    changing.change_ticket(tx, timed(change, self.config, at), [Event(done, "year", said)], at)

    def _open(self, tx: object, found: Sequence[tuple[datetime, Case]]) -> None:
        in_force = levels.in_force(tx)  # type: ignore[arg-type]
        openings = []
        for at, case in found:
            clock, _ = promised("standard", "normal", {}, at, calendar_of(case.team, self.config), self.config)
            assert clock is not None
            draft = Draft(
                *("help@desk.example", "ann@desk.example", "a", at),
                category="work",
                task=f"work.{case.framework}",
                priority="normal",
                sla_policy="standard",
                team=case.team,
                assignee=OWNERS[int(case.ref[3:]) % len(OWNERS)],
                first_reply_due=clock.first_reply_due,
                due_at=clock.due_at,
                clock_started_at=clock.started_at,
            )
            draft, _ = of_new(draft, "", in_force, self.config, is_told=True)
            openings.append(opening.Opening(draft, case.ref, None, "", (), at))
        self.ids |= opening.open_tickets(tx, openings)  # type: ignore[arg-type]

    def _turn(self, turn: Turn) -> None:
        """A level is set; whoever brings tickets up to it dies now and then, and another goes on."""
        new = NewLevel(turn.unit, turn.level, "why", date(2028, 1, 1), "year")
        with self.store.write() as tx:
            levels.order(tx, new, turn.at)
        alive = [True, True, self.chance.random() < 0.5, False]
        for lives in (lambda: alive.pop(0), lambda: True):
            Capacity(self.store, self.context, lambda: turn.at, lives).bring_up()

    # ---- summaries

    def _summarise(self, now: datetime) -> None:
        """The figures of the daily summary, and the same recounted."""
        self.summaries += 1
        digests, reader = (
            Digests(self.store, self.context, lambda: now),
            Reader("lead@desk.example", "", everything=True),
        )
        with self.store.read() as connection:
            known = digests._known(connection, DAILY, now.date(), now)
            begin = ORACLES["office"]().working_days_before(now, 1)
            oracles = {team: oracle() for team, oracle in ORACLES.items()}
            right = recounted(connection, begin, now, oracles, _first_due)
        own, troubles = known.of(reader)
        about = digests._about(reader, "", now)
        said = daily(reader, own, known.period, troubles, about, self.context).fields
        wrong = {name: (said[name], right[name]) for name in right if said[name] != right[name]}
        self.differences += [f"the summary of {now} says {wrong}"] if wrong else []

    # ---- what it came to

    def taken(self) -> dict[Rung, datetime]:
        query = select(tables.tickets.c.ref, tables.rungs).join(tables.tickets)
        with self.store.read() as connection:
            return {(row.ref, row.kind, row.rung, row.nth): row.taken_at for row in connection.execute(query)}

    def left(self) -> list[str]:
        with self.store.read() as connection:
            left = connection.execute(select(func.count()).select_from(tables.tellings)).scalar_one()
        return [f"{left} were never told"] if left else []


@dataclass(frozen=True)
class Told:
    """Stands in for the mails, which take longer than all else: some are written, the others are counted."""

    world: World

    def turn(self, now: datetime) -> int:
        luck = self.world.chance.random()
        if luck < 0.01:
            return Overdue(self.world.store, self.world.context).turn(now)
        if luck < 0.9:
            return 0
        with self.world.store.write() as tx:
            told = tx.execute(delete(tables.tellings)).rowcount
        self.world.told += told
        return told


def _hurry(store: Store) -> None:
    """Nothing of this has to outlive a power cut."""

    @event.listens_for(store.engine, "connect")
    def _(connection: object, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]

    store.engine.dispose()


def _config(folder: Path) -> Config:
    operator = Operator(store=Place(url=f"sqlite:///{folder}/year.db", raw=f"{folder}/raw"), keys=f"{folder}/keys")
    return Config.model_validate({"version": "year", "service": SERVICE}).model_copy(update={"operator": operator})


# ------------------------------------------------------------------ the account


@dataclass
class Count:
    """One clock by counting: when it is *due*, and would be *plain*, without a level; and what it took."""

    kind: int  # 0: the first reply, 1: the end
    due: datetime
    plain: datetime
    took: dict[str, int] = field(default_factory=dict)

    def move(self, oracle: Oracle, waited: int) -> None:
        if waited:
            self.due, self.plain = (oracle.working_minutes(at, waited) for at in (self.due, self.plain))


STANDS = frozenset({"requester", "capacity", "done"})
BECOMES = {
    **dict.fromkeys(("take", "answer", "back", "reopen"), "open"),
    "ask": "requester",
    "wait": "third party",
    "done": "done",
}


class Account:
    """What happens to one ticket, by counting minutes: its status, since when it stands, and what a level did to it."""

    def __init__(self, case: Case, oracle: Oracle) -> None:
        self.case, self.oracle = case, oracle
        dues = [_allowed(oracle, case.came, "standard", kind) for kind in (0, 1)]
        self.counts = [Count(kind, due, due) for kind, due in enumerate(dues)]
        self.status, self.before, self.held, self.policy = "open", "open", "", "standard"
        self.since, self.paused, self.replied = case.came, 0, False

    @property
    def running(self) -> list[Count]:
        return self.counts[1 if self.replied else 0 :]

    def becomes(self, status: str, at: datetime) -> None:
        if status == self.status:
            return
        waited = self.oracle.open_minutes(self.since, at) if self.status in STANDS else 0
        for count in self.running:
            count.move(self.oracle, waited)
        self.paused += waited
        self.status, self.since = status, at

    def happens(self, what: str, at: datetime) -> None:
        if what in ("raise", "lower"):
            self.policy = "urgent" if what == "raise" else "standard"
            for count in self.running:
                due = _allowed(self.oracle, self.case.came, self.policy, count.kind)
                count.due = count.plain = self.oracle.working_minutes(due, self.paused) if self.paused else due
            self.held = "" if self.held == "slow" else self.held
            return
        self.held = "" if self.held == "pause" and self.status != BECOMES[what] else self.held
        self.becomes(BECOMES[what], at)
        self.replied = self.replied or what == "take"

    def turns(self, want: str, at: datetime) -> None:
        """The unit is at another level, which wants to slow or pause it, or nothing."""
        end = self.counts[1]
        if self.status == "done":
            end.plain, self.held = end.due, ""
            return
        if self.held == want == "pause":
            return
        self.before = self.before if self.held == "pause" else self.status
        self.becomes("capacity" if want == "pause" else self.before, at)
        if want == "slow":
            once, twice = (_allowed(self.oracle, self.case.came, self.policy, 1, times) for times in (1, 2))
            end.due = self.oracle.working_minutes(end.plain, self.oracle.open_minutes(once, twice))
        else:
            end.due = end.plain
        self.held = want


def _account(case: Case, weather: Weather, turns: Sequence[Turn]) -> Iterator[tuple[Rung, datetime]]:
    """Every rung that the clocks of *case* reach, with the time by the clock of who sweeps then."""
    account = Account(case, ORACLES[case.team]())
    own = [(turn.at, 0, WANTS[turn.level].get(case.framework, "")) for turn in turns if turn.unit == UNITS[case.team]]
    early = [want for at, _, want in own if at <= case.came]
    if early and early[-1]:
        account.turns(early[-1], case.came)
    happens = sorted([each for each in own if each[0] > case.came] + [(at, 1, what) for at, what in case.happens])
    since = case.came
    for at, kind, what in (*happens, (END, 1, "")):
        if account.status not in STANDS:
            for count in account.running:
                yield from _climbed(account, count, weather, since, at)
        since = at
        if kind == 0:
            account.turns(what, at)
        elif what:
            account.happens(what, at)


def _first_due(team: str, came: datetime, times: int) -> datetime:
    return _allowed(ORACLES[team](), came, "standard", 1, times)


def _allowed(oracle: Oracle, came: datetime, policy: str, kind: int, times: int = 1) -> datetime:
    minutes, days = POLICIES[policy][kind]
    return oracle.working_minutes(came, minutes * times) if minutes else oracle.working_days(came, days * times)


def _climbed(
    account: Account, count: Count, weather: Weather, since: datetime, until: datetime
) -> Iterator[tuple[Rung, datetime]]:
    """What is taken by sweeps after *since*, and before *until*."""
    for rung in RUNGS:
        nth = count.took.get(rung, 0)
        while nth == 0 or rung == RUNGS[2]:
            at = _sweep_after(_moment(account, count, rung, nth), weather, since)
            if at >= until:
                break
            nth += 1
            while rung == RUNGS[2] and _moment(account, count, rung, nth) <= weather.seen(at) + HALF:
                nth += 1
            count.took[rung] = nth
            yield (account.case.ref, ("first_reply", "finish")[count.kind], rung, nth), weather.seen(at) + HALF


def _moment(account: Account, count: Count, rung: str, nth: int) -> datetime:
    oracle, came = account.oracle, account.case.came
    if rung == RUNGS[0]:
        allowed = max(0, oracle.open_minutes(came, count.due) - account.paused)
        gone = Fraction(allowed * 3, 4) + account.paused
        whole, part = divmod(gone, 1)
        if not part:
            return min(count.due, oracle.working_minutes(came, int(whole)))
        start = oracle.working_minutes(came, int(whole) + 1) - MINUTE
        return min(count.due, start + MINUTE * float(part))
    return count.due if rung == RUNGS[1] else oracle.working_days_after(count.due, nth + 1)


def _sweep_after(moment: datetime, weather: Weather, since: datetime) -> datetime:
    """The first minute from *since* on in which somebody sweeps whose clock shows *moment* or later.

    That is one in which something begins: the time by either clock, a clock that is ahead, or a sweep after an outage.
    """
    by_clock = (_minute(moment - HALF), _minute(moment - HALF - JUMP))
    begins = (since, *by_clock, *(begin for begin, _ in weather.ahead), *(end for _, end in weather.outages))
    fits = (at for at in begins if at >= since and weather.seen(at) + HALF >= moment and not weather.is_out(at))
    return min(fits)


def _minute(at: datetime) -> datetime:
    """The first full minute from *at* on."""
    return NEW_YEAR + math.ceil((at - NEW_YEAR) / MINUTE) * MINUTE
