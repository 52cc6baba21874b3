"""Print the table of docs/performance.md with what was measured here: ``python -m bench [P1 P3 ...]``.

Rates of two servers are compared in turn, three rounds, medians; every mail is distinct, and
what was stored is counted afterwards. Nothing but this machine's loopback is ever addressed.
"""

import platform
import sys
from pathlib import Path

from bench import (
    accept,
    backtest,
    big,
    composing,
    deciding,
    forgetting,
    growth,
    hostile,
    ingest,
    latency,
    lookup,
    postgresql,
    reading,
    resident,
    sending,
    start,
    sweeping,
)
from bench.table import Row, printed

MEASURES = {
    "P1": accept.measure,
    "P2": big.speed,
    "P3": ingest.measure,
    "P4": postgresql.against_helpdesk,
    "P5": ingest.processes,
    "nodes": postgresql.shared,
    "P6": reading.measure,
    "P7": deciding.measure,
    "P8": growth.measure,
    "P9": big.memory,
    "P10": resident.measure,
    "P11": ingest.slow_commits,
    "P12": composing.measure,
    "P13": sending.measure,
    "P14": latency.measure,
    "P15": start.measure,
    "P16": backtest.measure,
    "P17": sweeping.measure,
    "P18": lookup.measure,
    "P19": forgetting.measure,
    "S4-S6": hostile.measure,
}


def main() -> None:
    wanted = sys.argv[1:] or list(MEASURES)
    rows: list[Row] = []
    for number in wanted:
        print(f"measuring {number} ...", file=sys.stderr, flush=True)
        rows += MEASURES[number]()
    cores = len(Path("/proc/cpuinfo").read_text().split("processor\t")) - 1
    print(f"Python {platform.python_version()}, {platform.machine()}, {cores} cores\n")
    print(printed(rows))


if __name__ == "__main__":
    main()
