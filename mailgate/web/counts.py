"""What the processes of one gateway count, in memory that they share.

The parent makes it before it forks, so any child can tell the figures of all, and what a child
counted outlives it: its successor counts on. That is what prometheus-client's multi-process mode
does with files, without the files that a killed process leaves behind. Each process has a row of
numbers that it alone writes; a number's place in the row is fixed when the program starts, which
is also what bounds the labels.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product
from mmap import mmap
from threading import Lock

from mailgate.ingest import policy
from mailgate.model.decision import Action
from mailgate.model.message import Kind

OTHER = "other"
FAILURE = policy.row_of(policy.PUT_OFF)
WORKERS = ("intake", "delivery")
ALERTING = ("delivery by notify", "delivery by text")
"""Workers of a gateway that uses GOV.UK Notify."""
CONFIDENCES = ("high", "medium", "low")
SENDS = ("sent", "later", "uncertain", "given up")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
ROWS = tuple(dict.fromkeys((*policy.ROWS.values(), "command", OTHER)))
REASONS = (
    "it is not a person's mail",
    "it has no single clear sender",
    "its sender is one of our own addresses",
    "its return path is empty",
    "its sender is a machine",
    "its headers forbid automatic answers",
    "its subject repeats itself",
    "it is not addressed to one of our mailboxes",
    "its sender failed authentication",
    "it claims to be from our organisation without proof",
    "it answers an automatic mail of ours",
    "its sender had enough automatic mail today",
    "its sender had enough automatic mail this hour",
    "unverified senders had enough automatic mail this minute",
    "too many came from its sender",
    "its priority is acknowledged quietly",
    "it is a copy",
    "a note changes nothing that needs telling",
    "its sender takes no part in the ticket",
    OTHER,
)
"""Why there was no acknowledgement, as decisions say it; what stands in brackets there is left out."""

Slot = tuple[str, ...]

SLOTS: Mapping[Slot, int] = {
    slot: place
    for place, slot in enumerate(
        chain(
            [
                ("accepted",),
                ("accepted bytes",),
                ("commit seconds",),
                ("sessions",),
                ("last accept",),
                ("last stored",),
                ("last failure",),
            ],
            (("commit", str(bucket)) for bucket in BUCKETS),
            (("refused", row) for row in ROWS),
            (("decided", action, kind) for action, kind in product(Action, Kind)),
            (("silent", reason) for reason in REASONS),
            (("confidence", confidence) for confidence in CONFIDENCES),
            [("unreadable",), ("quarantined",), ("false token",)],
            (("sends", result) for result in SENDS),
            (("turn", worker) for worker in (*WORKERS, *ALERTING)),
        )
    )
}


class Counts:
    """The numbers of all *processes*; each takes its own by ``of``."""

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self._numbers = memoryview(mmap(-1, processes * len(SLOTS) * 8)).cast("d")

    def of(self, process: int) -> "Own":
        start = process * len(SLOTS)
        return Own(self._numbers[start : start + len(SLOTS)])

    def each(self, *slot: str) -> list[float]:
        """The number of every process."""
        return [self._numbers[process * len(SLOTS) + SLOTS[slot]] for process in range(self.processes)]

    def total(self, *slot: str) -> float:
        return sum(self.each(*slot))

    def totals(self, name: str) -> Iterator[tuple[Sequence[str], float]]:
        """Every slot that begins with *name*: the rest of it, and its total."""
        return ((slot[1:], self.total(*slot)) for slot in SLOTS if slot[0] == name)


class Own:
    """The numbers of one process. Counts for the SMTP door too: it is a ``model.tally.Tally``."""

    def __init__(self, numbers: "memoryview[float]") -> None:
        self._numbers = numbers
        self._lock = Lock()
        self._numbers[SLOTS["sessions",]] = 0  # those of a predecessor that died

    def accepted(self, size: int, seconds: float) -> None:
        with self._lock:
            self._add(1, "accepted")
            self._add(size, "accepted bytes")
            self._add(seconds, "commit seconds")
            self._add(1, "commit", str(next(bucket for bucket in BUCKETS if seconds <= bucket)))
            self._numbers[SLOTS["last accept",]] = time.time()
            self._numbers[SLOTS["last stored",]] = time.monotonic()  # one clock for all processes, which never jumps

    def refused(self, row: str) -> None:
        if row == FAILURE:
            self._numbers[SLOTS["last failure",]] = time.monotonic()
        self._count("refused", row if row in ROWS else OTHER)

    def sessions(self, change: int) -> None:
        with self._lock:
            self._add(change, "sessions")

    def decided(self, action: str, kind: str, silent_because: str) -> None:
        self._count("decided", action, kind)
        if silent_because:
            reason = silent_because.partition(" (")[0]
            self._count("silent", reason if reason in REASONS else OTHER)

    def read(self, confidence: str, *, unreadable: bool) -> None:
        """A mail was read: how sure it is what is new in it, and whether the parser gave up."""
        if confidence in CONFIDENCES:
            self._count("confidence", confidence)
        if unreadable:
            self._count("unreadable")

    def false_token(self) -> None:
        """A mail carried a token that we did not sign (E226)."""
        self._count("false token")

    def quarantined(self) -> None:
        self._count("quarantined")

    def sent(self, result: str, mails: int = 1) -> None:
        with self._lock:
            self._add(mails, "sends", result)

    def turned(self, worker: str) -> None:
        """*worker* is alive: it begins a round, or a mail."""
        self._numbers[SLOTS["turn", worker]] = time.time()

    def _count(self, *slot: str) -> None:
        with self._lock:
            self._add(1, *slot)

    def _add(self, number: float, *slot: str) -> None:
        self._numbers[SLOTS[slot]] += number
