"""Locks between the processes of one machine: files that are flock'ed."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from mailgate.errors import TryLater

LONGEST_PAUSE_SECONDS = 0.002


class Unreachable(TryLater):
    """The store as a whole does not answer: whatever else is tried now will fail as well."""


class FileLock:
    """At most one thread of one process holds it; the kernel frees it when its process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = Lock()
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb+")

    def take(self, seconds: float) -> bool:
        """Whether it became ours within *seconds*."""
        deadline = time.monotonic() + seconds
        if not self._thread.acquire(timeout=seconds):
            return False
        pause = 0.0002
        while not self._take_file():
            if time.monotonic() >= deadline:
                self._thread.release()
                return False
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return True

    def _take_file(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def free(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._thread.release()

    @contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        if not self.take(seconds):
            raise Unreachable(f"{self._path} has been held by another process for {seconds:g} seconds")
        try:
            yield
        finally:
            self.free()

    def close(self) -> None:
        self._file.close()
