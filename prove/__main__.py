"""Print the figures of ``figures.py``: ``python -m prove [--small] [--minutes N] [K1 K2 ...]``.

At full size it goes on where it stopped: what was done is in var/prove/state.json, and what a failed round left in
a folder beside it. A round that was begun is always finished, so that it may take some minutes more.
"""

import argparse
import json
import math
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailgate.store.sqlite import library
from prove import reading
from prove.figures import Figure, figures
from prove.mounts import NotHere
from prove.outcome import Outcome

SEED = 20261122
PLACE = Path("var/prove")
LARGEST = {
    "ms until intake was back",
    "ms until the other had decided",
    "call sites seen",
    "mails that led further",
    *reading.AT_MOST,
}  # what is not added up


class State:
    """What was done of each figure, written after each round."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._figures: dict[str, dict[str, Any]] = {}
        if file and file.exists():
            self._figures = json.loads(file.read_text())
            for done in self._figures.values():
                done.pop("missing", None)  # it may have been installed meanwhile

    def of(self, name: str) -> dict[str, Any]:
        empty = {"rounds": 0, "done": False, "seconds": 0.0, "counts": {}, "problems": [], "sites": [], "control": None}
        return self._figures.setdefault(name, empty | {"timed": []})

    def write(self) -> None:
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            half = self._file.with_suffix(".part")
            half.write_text(json.dumps(self._figures, indent=1))
            half.rename(self._file)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m prove")
    options.add_argument("--small", action="store_true", help="what CI runs: from the beginning, in a few minutes")
    options.add_argument("--minutes", type=float, default=1e9, help="begin no more rounds after that time")
    options.add_argument("names", nargs="*", help="only figures that begin so, such as K2 or 'K3 EIO'")
    asked = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of what ends servers and unmounts disks
    until = time.monotonic() + 60 * asked.minutes
    state = State(None if asked.small else PLACE / "state.json")
    wanted = {
        name: figure
        for name, figure in figures(small=asked.small).items()
        if not asked.names or any(name.startswith(begin) for begin in asked.names)
    }
    waiting = list(wanted)  # one round of each in turn, so that every figure grows
    while waiting and time.monotonic() < until:
        name = waiting.pop(0)
        if _take_turn(name, wanted[name], state):
            waiting.append(name)
    _print(wanted, state)
    sys.exit(any(_is_wrong(state.of(name)) for name in wanted))


def _take_turn(name: str, figure: Figure, state: State) -> bool:
    """One more round, the first time the control as well; False where there is none to do."""
    done = state.of(name)
    if done["done"] or "missing" in done:
        return False
    try:
        if done["control"] is None:
            done["control"] = _in_a_folder(name, lambda folder: figure.control(folder, SEED)).problems
        _add_round(name, figure, done)
    except (NotHere, pytest.skip.Exception) as error:
        done["missing"] = str(error)
    state.write()
    return True


def _add_round(name: str, figure: Figure, done: dict[str, Any]) -> None:
    number, began = done["rounds"], time.monotonic()
    outcome = _in_a_folder(name, lambda folder: figure.run(folder, SEED + number, number), keep=True)
    done["rounds"] += 1
    done["done"] = outcome.is_last or done["rounds"] == figure.rounds
    done["seconds"] += time.monotonic() - began
    done["problems"] += [f"round {number}: {problem}" for problem in outcome.problems]
    done["sites"] = sorted({*done["sites"], *outcome.sites})
    done["timed"] = [*done.get("timed", ()), *outcome.seconds]
    for what, count in outcome.counts.items():
        before = done["counts"].get(what, 0)
        done["counts"][what] = max(before, count) if what in LARGEST else before + count
    words = f"{name}: {done['rounds']} of {figure.rounds} rounds, {done['counts']}"
    print(words + (f", WRONG: {outcome.problems}" if outcome.problems else ""), file=sys.stderr, flush=True)


def _in_a_folder(name: str, run: Any, *, keep: bool = False) -> Outcome:
    """*run* in a folder of its own, which is kept where something went wrong."""
    PLACE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=name.replace(" ", "-").replace(",", "") + "-", dir=PLACE.absolute()))
    try:
        outcome: Outcome = run(folder)
    except (RuntimeError, TimeoutError) as error:
        outcome = Outcome({}, [f"{type(error).__name__}: {error}"])
    if not (keep and outcome.problems):
        shutil.rmtree(folder)
    return outcome


def _is_wrong(done: dict[str, Any]) -> bool:
    return bool(done["problems"]) or done["control"] == []


def _print(wanted: dict[str, Figure], state: State) -> None:
    sqlite, cores = library().sqlite_version, os.cpu_count()
    print(f"\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.platform()}, {platform.machine()}, {cores} cores")
    print(f"Python {platform.python_version()}, SQLite {sqlite}, seed {SEED} + number of the round\n")
    for name, figure in wanted.items():
        done = state.of(name)
        if "missing" in done:
            print(f"{name}: not run: {done['missing']}")
            continue
        counts = ", ".join(f"{count:,} {what}" for what, count in done["counts"].items())
        size = "complete" if done["done"] else f"{done['rounds']} of {figure.rounds} rounds"
        sites = f", {len(done['sites'])} call sites" if done["sites"] else ""
        print(f"{name} ({figure.claim}; {size}, {done['seconds']:,.0f} s): {counts}{sites}{_times(done)}")
        for problem in done["problems"] or ["nothing lost, double, damaged or stuck"] * bool(done["rounds"]):
            print(f"    {problem}")
        for found in done["control"] or ["NOTHING: the recipe proves nothing"] * (done["control"] is not None):
            print(f"    control: {found}")


def _times(done: dict[str, Any]) -> str:
    """Half of what was timed took at most so long, 95 % and the slowest; nothing where nothing was timed."""
    if not (timed := sorted(done.get("timed", ()))):
        return ""
    half, most = (timed[math.ceil(share * len(timed)) - 1] for share in (0.5, 0.95))
    return f", {half:.2f} s (half), {most:.2f} s (p95), {timed[-1]:.2f} s (slowest)"


if __name__ == "__main__":
    main()
