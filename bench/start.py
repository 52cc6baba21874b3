"""P15: how long ``mailgate --help`` takes, and ``mailgate serve`` until it listens."""

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.peers import MAILGATE, REPOSITORY, gateway
from bench.table import Row

ROUNDS = 5


def _help_seconds() -> float:
    begun = time.perf_counter()
    subprocess.run([*MAILGATE, "--help"], cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def _serve_seconds(folder: Path) -> float:
    begun = time.perf_counter()
    with gateway(folder, "smtp,worker"):
        return time.perf_counter() - begun


def measure() -> list[Row]:
    helped = [_help_seconds() for _ in range(ROUNDS)]
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch:
        first = _serve_seconds(Path(scratch))
        again = [_serve_seconds(Path(scratch)) for _ in range(ROUNDS)]
    return [
        Row(
            "P15", "mailgate --help", f"{statistics.median(helped):.2f} s", "0.4 s", "0.2 s", "wall time, whole process"
        ),
        Row(
            "P15",
            "serve until it listens",
            f"{statistics.median(again):.2f} s",
            "3 s",
            "1.5 s",
            f"wall time; {first:.2f} s where the store is made first",
        ),
    ]
