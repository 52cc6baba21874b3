"""F2: every call for input or output fails once, with each of the errors that disks have."""

import errno
import time
from collections.abc import Iterable
from pathlib import Path

from prove import failing
from prove.check import problems, stored_problems
from prove.ledger import Ledger, Load
from prove.mounts import NotHere
from prove.outcome import Outcome
from prove.process import gateway, is_running, starter

ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EDQUOT": errno.EDQUOT}
MAILS = 20
LARGE_EVERY = 10


def calls(folder: Path, seed: int, error: str, numbers: Iterable[int], *, spoilt: bool = False) -> Outcome:
    """For each N of *numbers*: the Nth call fails while 20 mails come in and are answered. Ends where none failed."""
    if failing.PRELOAD.count(":") != len(failing.MODULES) - 1:
        raise NotHere(failing.MISSING)
    ledger, sites, failed, found = Ledger(folder / "ledger"), set[str](), set[str](), list[str]()
    tried = 0
    is_last = False
    control = folder / "control"
    changes = ["hurried", *(["early"] if spoilt else [])]
    with (
        starter(*changes, LD_PRELOAD=failing.PRELOAD) as starting,
        gateway(starting, folder, CONTROL=str(control)) as running,
    ):
        running.start()
        _settle_in(running.port, ledger)
        found += running.wait_until_quiet()
        for number in numbers:
            failing.tell(control, number, ERRORS[error])
            load = Load(running.port, ledger, clients=4, rate=None, mails=MAILS, large_every=LARGE_EVERY).start()
            while not load.is_finished_within(0.1) and is_running(running.pid):
                pass
            if not is_running(running.pid):
                found.append(f"the gateway ended when its call number {number} failed")
                running.kill()
                running.start()
                load.finish()
            found += running.wait_until_quiet(60)
            seen = failing.tell(control, 0, 0)
            sites |= set(seen["sites"])
            if not seen["failed"]:
                is_last = True
                break
            tried += 1
            failed.add(seen["failed"])
            if spoilt:
                time.sleep(0.3)  # what it stores late is stored by now
                found += stored_problems(ledger, running.reader, folder, load.bytes_of)
            if found:
                break
        found += problems(ledger, running.reader, folder, load.bytes_of)
        if running.stop() != 0:
            found.append("the gateway did not end by itself")
    ledger.close()
    counts = {"calls failed": tried, "mails": len(ledger.taken())}
    return Outcome({**counts, "call sites seen": len(sites)}, found, failed, is_last)


def _settle_in(port: int, ledger: Ledger) -> None:
    """What only the first mail needs, such as new files, is behind us."""
    Load(port, ledger, clients=1, rate=None, mails=1).start().finish()
