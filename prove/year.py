"""A simulated year: tickets that wait, change and end, and a sweep that is stopped, doubled, killed and lied to.

Every rung that a clock reaches has to be taken once, at the very minute that an account by counting minutes says
(docs/reliability.md F8). The account knows what happened to each ticket, and when nobody swept; it asks the code
under test nothing.
"""

import io
import math
import random
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from sqlalchemy import func, select

from mailgate.app import context_of
from mailgate.model.config import Config, Operator
from mailgate.model.config import Store as Place
from mailgate.model.decision import Decision, Ignore
from mailgate.model.people import Person
from mailgate.model.ticket import Change, Draft, Event, Status, Ticket, WaitingFor
from mailgate.rules.promise import calendar_of, promised
from mailgate.store import deadlines, people, rows, tables
from mailgate.store.apply import Notice, alert, carry_out
from mailgate.store.engine import Store, open_store
from mailgate.store.schema import upgrade
from mailgate.tickets.timing import timed
from mailgate.workers.sweep import Sweep
from prove.deadlines import oracle_of
from prove.oracle import Oracle
from prove.outcome import Outcome

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = 365
JUMP = timedelta(hours=3)
MINUTE, HALF = timedelta(minutes=1), timedelta(seconds=30)  # things happen on the minute, sweeps half a minute later
LEVELS = {"standard": ((240, 0), (0, 2)), "urgent": ((60, 0), (240, 0))}  # working minutes or days: reply, finish
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
    "teams": {"office": {"lead": "lead"}, "duty": {"lead": "lead", "calendar": "custody-duty"}},
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
    came: datetime
    happens: list[tuple[datetime, str]] = field(default_factory=list)


def year(folder: Path, seed: int, count: int, *, spoilt: bool = False) -> Outcome:
    """*count* tickets; *spoilt*: what was taken of some of them is forgotten, as if it had no key."""
    chance = random.Random(seed)
    config = _config(folder)
    weather = _weather(chance)
    cases = [_case(chance, number) for number in range(count)]
    store = open_store(config.operator)
    upgrade(store)
    with store.write() as tx:
        people.put(tx, [Person(owner, owner, team=("office", "duty")[n % 2]) for n, owner in enumerate(OWNERS)])
    with redirect_stdout(io.StringIO()):  # thousands of lines of the log
        _live(store, config, cases, weather, chance, spoilt=spoilt)
    found = _taken(store)
    with store.read() as connection:
        left = connection.execute(select(func.count()).select_from(tables.tellings)).scalar_one()
        mails = connection.execute(select(func.count()).select_from(tables.outbox_mails)).scalar_one()
    store.close()
    expected = {rung: at for case in cases for rung, at in _account(case, weather)}
    wrong = {rung: at for rung, at in expected.items() if found.get(rung) != at}
    problems = [f"{rung}: taken at {found.get(rung)}, not {at}" for rung, at in wrong.items()]
    problems += [f"{rung}: taken at {at}, and never reached" for rung, at in found.items() if rung not in expected]
    problems += [f"{left} were never told"] if left else []
    return Outcome({"tickets": count, "rungs": len(expected), "mails": mails}, problems[:10])


def _config(folder: Path) -> Config:
    operator = Operator(store=Place(url=f"sqlite:///{folder}/year.db", raw=f"{folder}/raw"), keys=f"{folder}/keys")
    return Config.model_validate({"version": "year", "service": SERVICE}).model_copy(update={"operator": operator})


# ------------------------------------------------------------------ what happens


def _weather(chance: random.Random) -> Weather:
    def spans(number: int, longest: int) -> tuple[tuple[datetime, datetime], ...]:
        begins = [NEW_YEAR + chance.randrange(DAYS * 1440) * MINUTE for _ in range(number)]
        return tuple((begin, begin + chance.randint(10, longest) * MINUTE) for begin in begins)

    return Weather(spans(12, 4000), spans(6, 600))


def _case(chance: random.Random, number: int) -> Case:
    team = chance.choice(("office", "duty"))
    case = Case(f"MG-{number:06}", team, NEW_YEAR + chance.randrange((DAYS - 40) * 1440) * MINUTE)
    at = case.came
    for what in chance.choice(PLANS):
        at += chance.choice((30, 300, 3000, 9000)) * chance.randint(1, 3) * MINUTE
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


def _live(
    store: Store, config: Config, cases: list[Case], weather: Weather, chance: random.Random, *, spoilt: bool
) -> None:
    """A year, minute by minute where anything happens or is due."""
    context, seen = context_of(config, store), [NEW_YEAR]
    coming = [(case.came, case, "open") for case in cases]
    coming += [(at, case, what) for case in cases for at, what in case.happens]
    coming.sort(key=lambda each: each[0], reverse=True)
    edges, end = sorted(weather.edges(), reverse=True), NEW_YEAR + timedelta(days=DAYS)
    now = NEW_YEAR
    sweep = Sweep(store, context, lambda: seen[0], lambda: True)
    while now < end:
        while coming and coming[-1][0] <= now:
            _happen(store, config, *coming.pop())
        while edges and edges[-1] <= now:
            edges.pop()
        if not weather.is_out(now):
            seen[0] = weather.seen(now) + HALF
            _swept(sweep, seen, chance)
            if spoilt:
                with store.write() as tx:
                    tx.execute(tables.rungs.delete().where(tables.rungs.c.ticket_id % 7 == 0))
        if chance.random() < 0.02:
            with store.write() as tx:
                people.set_away(tx, chance.choice(OWNERS), chance.choice((None, now.date() + timedelta(days=9))))
        soon = [*(at for at, *_ in coming[-1:]), *edges[-1:]]
        now = _next(store, weather, now, soon)


def _swept(sweep: Sweep, seen: list[datetime], chance: random.Random) -> None:
    """A sweep; now and then it dies before it tells, is done by two, or the clock jumps back and forth."""
    luck, now = chance.random(), seen[0]
    if luck < 0.02:
        deadlines.take(sweep.store, sweep._looks(now)[0], now)
        return
    if luck < 0.04:
        looks, _ = sweep._looks(now)
        sweep.turn()
        deadlines.take(sweep.store, looks, now)
    elif luck < 0.06:
        sweep.turn()
        seen[0] = now - timedelta(hours=2)
        sweep.turn()
        seen[0] = now
    sweep.turn()


def _next(store: Store, weather: Weather, now: datetime, others: list[datetime]) -> datetime:
    """The next minute in which something happens, or a look is due by the clock of whoever looks."""
    with store.read() as connection:
        due = deadlines.next_check_at(connection)
    late = weather.seen(now) - now
    looks = [] if due is None else [NEW_YEAR + math.ceil((due - late - HALF - NEW_YEAR) / MINUTE) * MINUTE]
    return max(now + MINUTE, min((*others, *looks), default=NEW_YEAR + timedelta(days=DAYS)))


def _happen(store: Store, config: Config, at: datetime, case: Case, what: str) -> None:
    if what == "open":
        clock, _ = promised("standard", "normal", {}, at, calendar_of(case.team, config), config)
        assert clock is not None
        draft = Draft(
            *("help@desk.example", "ann@desk.example", "a", at),
            priority="normal",
            sla_policy="standard",
            team=case.team,
            assignee=OWNERS[int(case.ref[3:]) % len(OWNERS)],
            first_reply_due=clock.first_reply_due,
            due_at=clock.due_at,
            clock_started_at=clock.started_at,
        )
        alert(store, case.ref, date(2027, 1, 1), Notice(draft, case.ref), at)
        return
    with store.deciding([case.ref]) as connection:
        ticket: Ticket = rows.by_ref(connection, case.ref)
        change = Change(ticket, **CHANGES[what], first_reply_at=at if what == "take" else None)  # type: ignore[arg-type]
        happened = Decision(Ignore(what), "", changes=(timed(change, config, at),), events=(Event(what, "year"),))
        carry_out(store, connection, happened, [], [], at)


def _taken(store: Store) -> dict[Rung, datetime]:
    query = select(tables.tickets.c.ref, tables.rungs).join(tables.tickets)
    with store.read() as connection:
        return {(row.ref, row.kind, row.rung, row.nth): row.taken_at for row in connection.execute(query)}


# ------------------------------------------------------------------ the account


@dataclass
class Count:
    """One clock by counting: when it is *due*, how many open minutes it stood still, and what it took."""

    kind: int  # 0: the first reply, 1: the end
    due: datetime
    paused: int = 0
    took: dict[str, int] = field(default_factory=dict)


def _account(case: Case, weather: Weather) -> Iterator[tuple[Rung, datetime]]:
    """Every rung that the clocks of *case* reach, with the time by the clock of who sweeps then."""
    oracle = oracle_of("custody-duty" if case.team == "duty" else "office", "Europe/London")
    counts = [Count(kind, _allowed(oracle, case.came, "standard", kind)) for kind in (0, 1)]
    level, stood_since, since = "standard", None, case.came
    replied = False
    for at, what in (*case.happens, (NEW_YEAR + timedelta(days=DAYS), "end")):
        if stood_since is None:
            for count in counts[1 if replied else 0 :]:
                yield from _climbed(case, count, oracle, weather, since, at)
        since = at
        if stood_since is not None and what in ("answer", "done", "reopen"):
            waited = oracle.open_minutes(stood_since, at)
            for count in counts[1 if replied else 0 :]:
                count.due = oracle.working_minutes(count.due, waited) if waited else count.due
            for count in counts:
                count.paused += waited
        if what in ("raise", "lower"):
            level = "urgent" if what == "raise" else "standard"
            for count in counts[1 if replied else 0 :]:
                base = _allowed(oracle, case.came, level, count.kind)
                count.due = oracle.working_minutes(base, count.paused) if count.paused else base
        replied = replied or what == "take"
        stood_since = at if what in ("ask", "done") else stood_since if what in ("raise", "lower") else None


def _allowed(oracle: Oracle, came: datetime, level: str, kind: int) -> datetime:
    minutes, days = LEVELS[level][kind]
    return oracle.working_minutes(came, minutes) if minutes else oracle.working_days(came, days)


def _climbed(
    case: Case, count: Count, oracle: Oracle, weather: Weather, since: datetime, until: datetime
) -> Iterator[tuple[Rung, datetime]]:
    """What is taken by sweeps after *since*, and before *until*."""
    for rung in RUNGS:
        nth = count.took.get(rung, 0)
        while nth == 0 or rung == RUNGS[2]:
            at = _sweep_after(_moment(case, count, oracle, rung, nth), weather, since)
            if at >= until:
                break
            nth += 1
            while rung == RUNGS[2] and _moment(case, count, oracle, rung, nth) <= weather.seen(at) + HALF:
                nth += 1
            count.took[rung] = nth
            yield (case.ref, ("first_reply", "finish")[count.kind], rung, nth), weather.seen(at) + HALF


def _moment(case: Case, count: Count, oracle: Oracle, rung: str, nth: int) -> datetime:
    if rung == RUNGS[0]:
        allowed = max(0, oracle.open_minutes(case.came, count.due) - count.paused)
        gone = Fraction(allowed * 3, 4) + count.paused
        whole, part = divmod(gone, 1)
        if not part:
            return min(count.due, oracle.working_minutes(case.came, int(whole)))
        start = oracle.working_minutes(case.came, int(whole) + 1) - MINUTE
        return min(count.due, start + MINUTE * float(part))
    return count.due if rung == RUNGS[1] else oracle.working_days_after(count.due, nth + 1)


def _sweep_after(moment: datetime, weather: Weather, since: datetime) -> datetime:
    """The first minute from *since* on in which somebody sweeps whose clock shows *moment* or later."""
    at = max(since, NEW_YEAR + math.floor((moment - JUMP - NEW_YEAR) / MINUTE) * MINUTE)
    while weather.is_out(at) or weather.seen(at) + HALF < moment:
        at += MINUTE
    return at
