"""P10: what the whole gateway takes of the machine's memory, its pages and its scheduler too, with one worker.

Its store was made by a start before: what only the first start of all needs is not counted.
"""

import tempfile
from pathlib import Path
from threading import Event, Thread

from bench.ingest import COUNT, SESSIONS, ingest_rate
from bench.peers import Gateway, gateway
from bench.table import Row
from mailgate.app import ROLES

PAUSE_SECONDS = 0.1


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch:
        with gateway(Path(scratch), "smtp"):
            pass
        with gateway(Path(scratch), ",".join(ROLES)) as running:
            return _rows(running)


def _rows(running: Gateway) -> list[Row]:
    ingest_rate(running, 1, seed=1)  # what the first mail needs is there
    idle = megabytes(running.pid)
    seen, over = [idle], Event()
    watching = Thread(target=_watch, args=(running.pid, seen, over))
    watching.start()
    rate = ingest_rate(running, COUNT, seed=2, sessions=SESSIONS)
    over.set()
    watching.join()
    compared = "PSS of the process tree"
    busy = f"{compared}, the most seen while {COUNT} mails came in at {rate:.0f}/s"
    return [
        Row("P10", "gateway, idle", f"{idle:.0f} MiB", "100 MiB", "70 MiB", compared),
        Row("P10", "gateway, under load", f"{max(seen):.0f} MiB", "200 MiB", "120 MiB", busy),
    ]


def _watch(pid: int, seen: list[float], over: Event) -> None:
    while not over.wait(PAUSE_SECONDS):
        seen.append(megabytes(pid))


def megabytes(pid: int) -> float:
    """The memory of a process and all its children in MiB, what they share counted once."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(megabytes(int(child)) for child in children)
