"""Locks between the threads and processes of one machine: files, or bytes of a file, that the kernel locks."""

import fcntl
import hashlib
import os
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock

from mailgate.errors import TryLater

LONGEST_PAUSE_SECONDS = 0.0005
HURRIED_SWITCH_SECONDS = 0.0001
LAST_OFFSET = 2**62 - 1


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
        if not _became_ours(self._take_file, deadline):
            self._thread.release()
            return False
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


class NamedLocks:
    """Any number of locks, each known by its name alone: a byte of one file stands for it.

    The kernel frees what a process held when it ends. Two names that share a byte wait for each other, no more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def held(self, names: Iterable[str], seconds: float) -> Iterator[None]:
        """Nobody else holds any of *names* meanwhile; Unreachable where one of them is not free within *seconds*."""
        offsets = sorted({lock_number(name) & LAST_OFFSET for name in names})  # in one order everywhere: no deadlocks
        try:
            # Opened anew: to the kernel the holder is not the process but the open file, so that threads count as well.
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unreachable(f"{self._path} cannot be opened") from error
        try:
            deadline = time.monotonic() + seconds
            if not all(_became_ours(partial(_take_byte, file, offset), deadline) for offset in offsets):
                raise Unreachable(f"{self._path} has been held by another process for {seconds:g} seconds")
            yield
        finally:
            os.close(file)  # which frees them


def _take_byte(file: int, offset: int) -> bool:
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, offset, 1, 0))
    except BlockingIOError:
        return False
    return True


def _became_ours(take: Callable[[], bool], deadline: float) -> bool:
    pause = 0.0002
    while not take():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    return True


@contextmanager
def hurried() -> Iterator[None]:
    """Meanwhile a thread that only computes lets the others have the interpreter at once.

    For whoever holds what other processes wait for, and a lock that no other thread of this process has: each of its
    statements would wait for the interpreter when it is done. Two processes took a tenth more mails with it.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(HURRIED_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def lock_number(name: str) -> int:
    """The number of 64 bits, with its sign, that stands for the lock *name* everywhere."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
