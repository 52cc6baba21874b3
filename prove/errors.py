"""F2: every call for input or output fails once, with each of the errors that disks have."""

import errno
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prove import failing
from prove.check import problems, stored_problems
from prove.ledger import Ledger, Load
from prove.mounts import NotHere
from prove.outcome import Outcome
from prove.process import Gateway, gateway, is_running, starter

ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EDQUOT": errno.EDQUOT}
MAILS = 20
LARGE_EVERY = 10
TRIES = 3  # for a call site, or a number: not every 20 mails come by all of them, or need so many


def calls(folder: Path, seed: int, error: str, numbers: Iterable[int], *, spoilt: bool = False) -> Outcome:
    """For each N of *numbers*: the Nth call fails while 20 mails come in and are answered. Ends where there is none."""
    is_last = False
    with _experiment(folder, error, spoilt=spoilt) as experiment:
        for number in numbers:
            is_last = not any(experiment.run(number)["failed"] for _ in range(TRIES))
            if is_last or experiment.found:
                break
    return experiment.outcome(is_last)


def sites(folder: Path, seed: int, error: str, at_most: int) -> Outcome:
    """The first call of each line that calls at all, *at_most* so many of them, fails while 20 mails come in."""
    with _experiment(folder, error, spoilt=False) as experiment:
        around = sorted(experiment.run(10**9)["sites"])  # no call has that number
        waiting = random.Random(seed).sample(around, min(at_most, len(around)))
        tries = Counter(waiting)
        while waiting and not experiment.found:
            site = waiting.pop(0)
            experiment.run(1, site)
            met = sorted(experiment.sites - set(tries))
            tries.update(met[: max(0, at_most - len(tries))])
            waiting += [new for new in met if new in tries]
            if site not in experiment.failed and tries[site] < TRIES:
                tries[site] += 1
                waiting.append(site)
    return experiment.outcome(is_last=False)


class Experiment:
    """A running gateway whose calls fail as told, with what was seen of it and *found* to be wrong."""

    def __init__(self, running: Gateway, ledger: Ledger, control: Path, code: int, *, spoilt: bool) -> None:
        self.found: list[str] = []
        self.sites: set[str] = set()
        self.failed: set[str] = set()
        self.tried = 0
        self.load = Load(running.port, ledger, clients=1, rate=None, mails=1)
        self.load.start().finish()  # what only the first mail needs, such as new files, is behind us
        self._running, self._ledger, self._control = running, ledger, control
        self._code, self._spoilt = code, spoilt
        self.found += running.wait_until_quiet()

    def run(self, number: int, site: str = "") -> dict[str, Any]:
        """The call of that *number*, of those of *site* if it is given, fails while 20 mails come in; what was seen."""
        failing.tell(self._control, number, self._code, site)
        running = self._running
        self.load = Load(running.port, self._ledger, clients=4, rate=None, mails=MAILS, large_every=LARGE_EVERY).start()
        while not self.load.is_finished_within(0.02) and is_running(running.pid):
            pass
        if not is_running(running.pid):
            self.found.append(f"the gateway ended when call number {number} of {site or 'all'} failed")
            running.kill()
            running.start()
            self.load.finish()
        self.found += running.wait_until_quiet(60)
        seen = failing.tell(self._control, 0, 0)
        self.sites |= set(seen["sites"])
        if seen["failed"]:
            self.tried += 1
            self.failed.add(seen["failed"])
        if self._spoilt:
            time.sleep(0.3)  # what it stores late is stored by now
            self.found += stored_problems(self._ledger, running.reader, running.folder, self.load.bytes_of)
        return seen

    def outcome(self, is_last: bool) -> Outcome:
        counts = {"calls failed": self.tried, "mails": len(self._ledger.taken()), "call sites seen": len(self.sites)}
        return Outcome(counts, self.found, self.failed, is_last)


@contextmanager
def _experiment(folder: Path, error: str, *, spoilt: bool) -> Iterator[Experiment]:
    """An experiment; at its end all of its mails are accounted for."""
    if failing.PRELOAD.count(":") != len(failing.MODULES) - 1:
        raise NotHere(failing.MISSING)
    ledger, control = Ledger(folder / "ledger"), folder / "control"
    with (
        starter("impatient", *(["early"] if spoilt else []), LD_PRELOAD=failing.PRELOAD) as starting,
        gateway(starting, folder, CONTROL=str(control)) as running,
    ):
        running.start()
        experiment = Experiment(running, ledger, control, ERRORS[error], spoilt=spoilt)
        yield experiment
        experiment.found += problems(ledger, running.reader, folder, experiment.load.bytes_of)
        if running.stop() != 0:
            experiment.found.append("the gateway did not end by itself")
    ledger.close()
