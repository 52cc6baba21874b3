"""P8: the ingest rate with ten thousand tickets in the store, against an empty one."""

import shutil
import statistics
import tempfile
from pathlib import Path

from bench.ingest import ingest_rate
from bench.peers import gateway
from bench.table import Row

ROUNDS, COUNT, GROWN = 3, 1000, 10_000


def measure() -> list[Row]:
    first, grown, ratios = [], [], []
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch:
        seeded = Path(scratch) / "seeded"
        with gateway(seeded, "smtp,worker") as running:
            ingest_rate(running, GROWN, seed=1000)
        for turn in range(ROUNDS):
            with gateway(Path(scratch) / f"empty-{turn}", "smtp,worker") as running:
                first.append(ingest_rate(running, COUNT, seed=turn))
            full = Path(scratch) / f"full-{turn}"
            shutil.copytree(seeded, full)
            with gateway(full, "smtp,worker") as running:
                grown.append(ingest_rate(running, COUNT, seed=turn))
            ratios.append(grown[-1] / first[-1])
    compared = f"{statistics.median(grown):.0f}/s after {GROWN:,} mails, {statistics.median(first):.0f}/s from empty"
    measured = f"{statistics.median(ratios):.2f} x"
    return [Row("P8", f"ingest rate at {GROWN:,} tickets", measured, "0.9 x", "0.97 x", compared)]
