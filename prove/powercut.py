"""F3: the power goes at the Nth operation of the disk, again and again, and comes back."""

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from prove.check import Reader, problems, stored_problems
from prove.ledger import Ledger, Load
from prove.mounts import PowerCutDisk, power_cut_disk
from prove.outcome import Outcome
from prove.process import Gateway, gateway, starter, wait_until

CUT_WITHIN_SECONDS = 60.0
LARGE_EVERY = 25


def cuts(folder: Path, seed: int, operations: Sequence[int], *, spoilt: bool = False) -> Outcome:
    """Cut the power at each of *operations*, counted from the start of a boot; every second time what was not
    synced is not simply gone, but there in part, torn and out of order. The gateway begins with an empty disk.
    """
    chance, ledger, found = random.Random(seed), Ledger(folder / "ledger"), []
    changes = ["hurried", *(["unsynced"] if spoilt else [])]
    with (
        power_cut_disk(folder / "disk") as disk,
        starter(*changes) as starting,
        gateway(starting, folder, log=folder / "log") as running,
    ):
        load = Load(running.port, ledger, clients=4, rate=None, large_every=LARGE_EVERY).start()
        for number, operation in enumerate(operations):
            _run_until_cut(running, disk, number, operation)
            is_torn = number % 2 and not spoilt
            disk.restore(chance.randrange(2**32) if is_torn else None)
            found += _checked_copy(disk.boot(number), folder / "copy", ledger, load)
            if found:
                break
        running.move_to(disk.boot(len(operations)) / "var")
        running.start()
        load.stop()
        found += running.wait_until_quiet()
        if running.stop() != 0:
            found.append("the gateway did not end by itself")
        found += problems(ledger, running.reader, running.folder, load.bytes_of)
    ledger.close()
    return Outcome({"cuts": number + 1, "mails": len(ledger.taken())}, found)


def _run_until_cut(running: Gateway, disk: PowerCutDisk, number: int, operation: int) -> None:
    running.move_to(disk.boot(number) / "var")
    disk.cut_at(operation)
    running.start(wait=False)
    wait_until(disk.is_cut, CUT_WITHIN_SECONDS, f"the disk was not used {operation} times")
    running.kill()


def _checked_copy(boot: Path, copy: Path, ledger: Ledger, load: Load) -> list[str]:
    """What is wrong with a copy of what the cut has left, as far as it holds mails: the original is for the next start
    to repair.
    """
    taken = ledger.taken()
    if not (boot / "var").exists():
        return [f"after a power cut there is no store, and {len(taken)} mails were taken"] if taken else []
    shutil.copytree(boot / "var", copy, ignore=shutil.ignore_patterns("*-shm", "outbox", "keys"))
    try:
        reader = Reader(f"sqlite:///{copy / 'mailgate.db'}")
        if not reader.rows("SELECT 1 FROM sqlite_master WHERE name = 'raw_mails'"):
            return [f"after a power cut the store is empty, and {len(taken)} mails were taken"] if taken else []
        return stored_problems(ledger, reader, copy, load.bytes_of)
    finally:
        shutil.rmtree(copy)
