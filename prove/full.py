"""F4: the disk under the store is full, of bytes or of files, for a while."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from prove.check import problems
from prove.ledger import Ledger, Load
from prove.mounts import small_disk
from prove.outcome import Outcome
from prove.process import gateway, starter

BACK_WITHIN_SECONDS = 5.0
LEFT_BYTES = 6 * 1024**2  # for the load to fill
PIECE = bytes(65536)
# So that the disk itself refuses, not the floor in front of it.
SETTINGS = {"MAILGATE_SMTP__MAX_SIZE": "1000000", "MAILGATE_STORE__KEEP_FREE": "0"}


class Ballast:
    """What fills the disk beside the store: one big file, or many empty ones."""

    def __init__(self, folder: Path, *, files: bool) -> None:
        folder.mkdir()
        self._folder, self._files = folder, files

    def fill(self, left_bytes: int = 0) -> None:
        """Until no more fits; then *left_bytes* are given back."""
        for put in self._puts():
            try:
                put()
            except OSError:
                break
        if not self._files and left_bytes:
            file = self._folder / "0"
            with open(file, "r+b") as big:
                big.truncate(max(0, file.stat().st_size - left_bytes))

    def _puts(self) -> Iterator[Callable[[], object]]:
        if self._files:
            for number in range(100_000):
                yield (self._folder / str(number)).touch
        with open(self._folder / "0", "ab", buffering=0) as big:
            for _ in range(100_000):
                yield lambda: big.write(PIECE)

    def free(self) -> None:
        for file in self._folder.iterdir():
            file.unlink()


def disk(folder: Path, seed: int, seconds: float, *, files: bool = False, spoilt: bool = False) -> Outcome:
    """A disk of 64 MiB, or one with room for 20,000 *files*, that stays full for *seconds*."""
    ledger = Ledger(folder / "ledger")
    changes = ["hurried", *(["early"] if spoilt else [])]
    options = "size=512m,nr_inodes=20000" if files else "size=64m"
    with small_disk(folder / "disk", options) as small, starter(*changes) as starting:
        ballast = Ballast(small / "ballast", files=files)
        with gateway(starting, small / "var", log=small / "log", **SETTINGS) as running:
            running.start()
            load = Load(running.port, ledger, large_every=0 if files else 5).start()
            time.sleep(1.0)
            ballast.fill(LEFT_BYTES)
            began = time.monotonic()
            while time.monotonic() < began + seconds:
                time.sleep(0.2)
                if put_off(ledger) or time.monotonic() > began + seconds / 2:
                    ballast.fill()
            refused = put_off(ledger)
            before = len(ledger.taken())
            ballast.free()
            back = _seconds_until_more_than(before, ledger)
            load.stop()
            found = running.wait_until_quiet()
            running.stop()
            found += problems(ledger, running.reader, running.folder, load.bytes_of)
    ledger.close()
    if back > BACK_WITHIN_SECONDS:
        found.append(f"intake was back only after {back:.1f} s")
    if any("lost" in codes for codes in ledger.heard.values()):
        found.append("some senders heard nothing at all")
    if not (refused or files):
        found.append("nobody was put off: the disk was never full")
    counts = {"mails": len(ledger.taken()), "put off": refused, "ms until intake was back": round(back * 1000)}
    return Outcome({"seconds full": round(seconds), **counts}, found)


def put_off(ledger: Ledger) -> int:
    return sum(code[0] == "4" for codes in list(ledger.heard.values()) for code in list(codes))


def _seconds_until_more_than(taken: int, ledger: Ledger) -> float:
    began = time.monotonic()
    while len(ledger.taken()) <= taken and time.monotonic() < began + 60:
        time.sleep(0.01)
    return time.monotonic() - began
