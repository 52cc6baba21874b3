"""Figures of docs/reliability.md as rounds of recipes: what each does, how many, and what must fail."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prove import (
    canaries,
    conversations,
    deadlines,
    errors,
    failovers,
    full,
    guided,
    kills,
    nodes,
    powercut,
    pressure,
    reading,
    replies,
    restoring,
    sending,
    tampering,
    walk,
    week,
    year,
)
from prove.outcome import Outcome
from tests.servers import postgresql

Recipe = Callable[..., Outcome]


@dataclass(frozen=True)
class Figure:
    """*run* does the round of that number in a folder, with a seed; *control* must find that something is wrong."""

    claim: str
    rounds: int
    run: Callable[[Path, int, int], Outcome]
    control: Callable[[Path, int], Outcome]


def figures(*, small: bool) -> dict[str, Figure]:
    """All of them: in full, or small enough for every change."""
    size = _SMALL if small else _FULL
    made = {
        "K1": Figure(
            "power cuts, at each Nth operation of the disk",
            size["K1 rounds"],
            lambda folder, seed, number: powercut.cuts(
                folder, seed, range(size["K1 first"] + number, 2001, size["K1 apart"])
            ),
            lambda folder, seed: powercut.cuts(folder, seed, range(400, 2000, 400), spoilt=True),
        ),
        "K2 SQLite, everything": _kills(kills.whole, size["K2 kills"], size["K2 rounds"], control=8),
        "K2 SQLite, one worker": _kills(kills.single, size["K2 single"], size["K2 single rounds"], control=25),
        "K2 PostgreSQL, everything": _kills(
            _on_postgresql(kills.whole), size["K2 kills"], size["K2 rounds"], control=8
        ),
        "K2 PostgreSQL, one worker": _kills(
            _on_postgresql(kills.single), size["K2 single"], size["K2 single rounds"], control=25
        ),
    }
    for error in errors.ERRORS:
        made[f"K3 lines, {error}"] = _sites(error, size["K3 sites"])
        made[f"K3 {error}"] = _calls(error, size["K3 rounds"], size["K3 calls"], size["K3 apart"])
    made["K4"] = Figure(
        "a full disk: of bytes, then of files",
        2,
        lambda folder, seed, number: full.disk(folder, seed, size["K4 seconds"], files=number == 1),
        lambda folder, seed: full.disk(folder, seed, 3, spoilt=True),
    )
    made["K5"] = Figure(
        "replies lost after the final dot",
        size["K5 rounds"],
        lambda folder, seed, _: replies.lost(folder, seed, size["K5 mails"]),
        lambda folder, seed: replies.lost(folder, seed, 20, spoilt=True),
    )
    made["K12 canaries"] = Figure(
        "what stands in mails, and secrets, wherever an operator looks while everything fails",
        size["K12 rounds"],
        lambda folder, seed, _: canaries.canaries(folder, seed, size["K12 mails"], size["K12 commands"]),
        lambda folder, seed: canaries.canaries(folder, seed, 10, 0, spoilt=True),
    )
    made["K6"] = Figure(
        "fail-overs of PostgreSQL under two gateways; seconds until the first new 250",
        size["K6 rounds"],
        lambda folder, seed, _: failovers.failovers(folder, seed, size["K6 fail-overs"]),
        lambda folder, seed: failovers.failovers(folder, seed, 1, spoilt=True),
    )
    made["K13 sending"] = Figure(
        "a relay and GOV.UK Notify that fail at random at every step",
        1,
        lambda folder, seed, _: sending.sending(folder, seed, size["K13 mails"]),
        lambda folder, seed: sending.sending(folder, seed, 200, spoilt=True),
    )
    made["F6 network"] = Figure(
        "a network that freezes, crawls and breaks",
        1,
        lambda folder, seed, _: replies.bad_network(folder, seed, size["F6 times"]),
        lambda folder, seed: replies.bad_network(folder, seed, 2, spoilt=True),
    )
    made["Nodes"] = Figure(
        "two nodes on one PostgreSQL: cut off, standing still, with a wrong clock",
        size["Nodes rounds"],
        lambda folder, seed, number: nodes.nodes(folder, seed, number, size["Nodes faults"]),
        lambda folder, seed: nodes.nodes(folder, seed, 0, 1, spoilt=True),
    )
    for limit in pressure.LIMITS:
        made[f"F11 {limit}"] = _limit(limit, size["F11 seconds"])
    made["F11 stopped worker"] = Figure(
        "a worker that stood still finds its lease gone",
        1,
        lambda folder, seed, _: pressure.stopped(folder, seed, size["F11 stops"]),
        lambda folder, seed: pressure.stopped(folder, seed, 1, spoilt=True),
    )
    made["K7"] = Figure(
        "hostile mails are read",
        size["K7 rounds"],
        lambda folder, seed, _: reading.mails(folder, seed, size["K7 mails"]),
        lambda folder, seed: reading.mails(folder, seed, 2000, spoilt=True),
    )
    made["K7 guided"] = Figure(
        "hostile mails are read, made after where the last ones led",
        size["K7 guided rounds"],
        lambda folder, seed, _: guided.mails(folder, seed, size["K7 guided mails"]),
        lambda folder, seed: guided.mails(folder, seed, 500, spoilt=True),
    )
    made["K9"] = Figure(
        "deadlines against an oracle that counts every minute",
        size["K9 rounds"],
        lambda folder, seed, _: deadlines.cases(folder, seed, size["K9 cases"]),
        lambda folder, seed: deadlines.cases(folder, seed, 200, spoilt=True),
    )
    made["K10"] = Figure(
        "two gateways, an echo and twelve kinds of auto-responder, seven simulated days",
        size["K10 rounds"],
        lambda folder, seed, _: week.week(folder, seed, 7, size["K10 mails a day"]),
        lambda folder, seed: week.week(folder, seed, 1, spoilt=True),
    )
    made["F10 SQLite"] = _conversations(conversations.talks, size["F10 rounds"], size["F10 SQLite"])
    made["F10 PostgreSQL"] = _conversations(
        _on_postgresql(conversations.talks), size["F10 rounds"], size["F10 PostgreSQL"]
    )
    made["K11"] = Figure(
        "a backup under load, restored elsewhere without those who were erased since",
        1,
        lambda folder, seed, _: restoring.drill(folder, seed, size["K11 tickets"]),
        lambda folder, seed: restoring.drill(folder, seed, 100, spoilt=True),
    )
    made["K12 tamperings"] = Figure(
        "tamperings by SQL",
        1,
        lambda folder, seed, _: tampering.tamperings(folder, seed, size["K12 tamperings"]),
        lambda folder, seed: tampering.tamperings(folder, seed, 5, spoilt=True),
    )
    made["F8 year"] = Figure(
        "a year of deadlines, levels and summaries, against an account by counting minutes",
        1,
        lambda folder, seed, _: year.year(folder, seed, size["F8 tickets"]),
        lambda folder, seed: year.control(folder, seed, 60),
    )
    if not small:
        made["walk"] = Figure(
            "what docs/operations.md says, word for word in a fresh Debian under systemd",
            1,
            lambda folder, _seed, _number: walk.walk(folder),
            lambda folder, _seed: walk.walk(folder, spoilt=True),
        )
    return made


_FULL = {
    "K1 rounds": 80, "K1 first": 1, "K1 apart": 80,
    "K2 kills": 50, "K2 rounds": 10, "K2 single": 500, "K2 single rounds": 19,
    "K3 rounds": 40, "K3 calls": 100, "K3 apart": 1, "K3 sites": 1000,
    "K6 rounds": 10, "K6 fail-overs": 10,
    "K4 seconds": 60, "K5 mails": 2000, "K5 rounds": 5, "F6 times": 50, "F11 seconds": 10, "F11 stops": 10,
    "K7 rounds": 50, "K7 mails": 20_000, "K7 guided rounds": 10, "K7 guided mails": 20_000, "K13 mails": 10_000,
    "K12 rounds": 20, "K12 mails": 200, "K12 commands": 13,
    "K9 rounds": 10, "K9 cases": 10_000, "K10 rounds": 20, "K10 mails a day": 4,
    "F10 rounds": 20, "F10 SQLite": 200, "F10 PostgreSQL": 200, "F8 tickets": 20_000,
    "K11 tickets": 100_000, "K12 tamperings": 1000,
    "Nodes rounds": 10, "Nodes faults": 12,
}  # fmt: skip
_SMALL = {
    "K1 rounds": 1, "K1 first": 37, "K1 apart": 330,
    "K2 kills": 20, "K2 rounds": 1, "K2 single": 20, "K2 single rounds": 1,
    "K3 rounds": 1, "K3 calls": 6, "K3 apart": 150, "K3 sites": 6,
    "K6 rounds": 1, "K6 fail-overs": 2,
    "K4 seconds": 2, "K5 mails": 50, "K5 rounds": 1, "F6 times": 1, "F11 seconds": 1, "F11 stops": 1,
    "K7 rounds": 1, "K7 mails": 3000, "K7 guided rounds": 1, "K7 guided mails": 500, "K13 mails": 200,
    "K12 rounds": 1, "K12 mails": 10, "K12 commands": 4,
    "K9 rounds": 1, "K9 cases": 3000, "K10 rounds": 1, "K10 mails a day": 1,
    "F10 rounds": 1, "F10 SQLite": 20, "F10 PostgreSQL": 10, "F8 tickets": 2000,
    "K11 tickets": 300, "K12 tamperings": 60,
    "Nodes rounds": 1, "Nodes faults": 3,
}  # fmt: skip


def _kills(recipe: Recipe, count: int, rounds: int, control: int) -> Figure:
    return Figure(
        "kill -9 under load",
        rounds,
        lambda folder, seed, _: recipe(folder, seed, count),
        lambda folder, seed: recipe(folder, seed, control, spoilt=True),
    )


def _conversations(recipe: Recipe, rounds: int, count: int) -> Figure:
    return Figure(
        "conversations while the gateway dies, against a model",
        rounds,
        lambda folder, seed, _: recipe(folder, seed, count),
        lambda folder, seed: conversations.talks(folder, seed, count, spoilt=True),
    )


def _on_postgresql(recipe: Recipe) -> Recipe:
    def run(folder: Path, seed: int, count: int, *, spoilt: bool = False) -> Outcome:
        with postgresql() as url:
            return recipe(folder, seed, count, url, spoilt=spoilt)

    return run


def _calls(error: str, rounds: int, calls: int, apart: int) -> Figure:
    def numbers(number: int) -> range:
        first = 1 + number * calls * apart
        return range(first, first + calls * apart, apart)

    return Figure(
        "every call for input or output fails once",
        rounds,
        lambda folder, seed, number: errors.calls(folder, seed, error, numbers(number)),
        _calls_control(error),
    )


def _sites(error: str, at_most: int) -> Figure:
    return Figure(
        "every line that reads or writes fails once",
        1,
        lambda folder, seed, _: errors.sites(folder, seed, error, at_most),
        _calls_control(error),
    )


def _calls_control(error: str) -> Callable[[Path, int], Outcome]:
    return lambda folder, seed: errors.calls(folder, seed, error, range(5, 600, 10), spoilt=True)


def _limit(limit: str, seconds: float) -> Figure:
    return Figure(
        f"too little for a while: {limit}",
        1,
        lambda folder, seed, _: pressure.limited(folder, seed, limit, seconds),
        lambda folder, seed: pressure.limited(folder, seed, "fsize", 2, spoilt=True),
    )
