"""Where large mails are kept: a folder, or a bucket. What is there is durable before a row names it (E12).

A name is given once and never again, so that nothing is ever overwritten, and what no row
names after a day will never get one: it may be removed (``reconcile``).
"""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mailgate.errors import GiveUp, Refused, TryLater
from mailgate.folders import make_durably, sync
from mailgate.store.columns import instant

PART = ".part"
ERASED = "erased"  # where tombstones are
READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe does not hold us (S56)
NAME = re.compile(r"[0-9a-f]{64}-[0-9a-f]{16}")


class Incoming(Protocol):
    """An object that is being written. Every method blocks; TryLater where the bytes cannot be kept for now."""

    def write(self, portion: bytes) -> None: ...

    def finish(self, name: str) -> None:
        """Make it durable under *name*. After an error it is gone, and has to be written anew."""

    def discard(self) -> None:
        """Forget it; nothing happens to one that is finished."""


class Objects(Protocol):
    def make_ready(self) -> None:
        """At the start: Refused where nothing can be kept there; what was never finished is removed."""

    def begin(self) -> Incoming: ...

    def read(self, name: str) -> bytes:
        """TryLater where it cannot be had for now, GiveUp where it is not there."""

    def remove(self, name: str) -> None: ...

    def kept(self) -> Iterator[tuple[str, datetime]]:
        """The name of each object and when it was written, in no order."""

    def bury(self, name: str) -> None:
        """Put up a tombstone: an empty object that outlives the database."""

    def buried(self) -> Iterator[str]:
        """The name of each tombstone, in no order."""


def open_objects(place: str) -> Objects:
    """What ``store.raw`` names. Nothing is touched yet."""
    if not place.startswith("s3:"):
        return Folder(Path(place))
    from mailgate.store.s3 import Bucket

    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not place.startswith("s3://") or not bucket:
        raise Refused(f'store.raw is "{place}": write a folder, or s3://BUCKET/PREFIX')
    return Bucket(bucket, prefix.strip("/"))


def checked(name: str) -> str:
    """A *name* of ours, which leads nowhere else."""
    if not NAME.fullmatch(name):
        raise lost(name)
    return name


def lost(name: str) -> GiveUp:
    return GiveUp(f"the object {name} with the mail's content is not in store.raw: restore it, then release the mail")


class Folder:
    """One file an object, for our user alone, in one folder of a file system on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def make_ready(self) -> None:
        try:
            make_durably(self._path)
            for part in self._path.glob("*" + PART):
                _remove_unless_held(part)
        except OSError as error:
            why = f"{self._path} cannot be used ({error.strerror}): check store.raw and who owns the folder"
            raise Refused(why) from error

    def begin(self) -> "IncomingFile":
        with _translated():
            make_durably(self._path)
            return IncomingFile(self._path)

    def read(self, name: str) -> bytes:
        with _translated():
            try:
                with os.fdopen(os.open(self._file(name), READING), "rb", buffering=0) as file:
                    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                        return file.readall()
                raise lost(name)
            except FileNotFoundError as error:
                raise lost(name) from error

    def remove(self, name: str) -> None:
        with _translated(), suppress(FileNotFoundError):
            self._file(name).unlink()

    def kept(self) -> Iterator[tuple[str, datetime]]:
        with _translated(), suppress(FileNotFoundError), os.scandir(self._path) as entries:
            for entry in entries:
                if NAME.fullmatch(entry.name):
                    yield entry.name, instant(entry.stat(follow_symlinks=False).st_mtime_ns // 1000)

    def bury(self, name: str) -> None:
        with _translated():
            make_durably(self._path / ERASED)
            os.close(os.open(self._path / ERASED / name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync(self._path / ERASED)

    def buried(self) -> Iterator[str]:
        with _translated(), suppress(FileNotFoundError), os.scandir(self._path / ERASED) as entries:
            yield from (entry.name for entry in entries)

    def _file(self, name: str) -> Path:
        return self._path / checked(name)


class IncomingFile:
    """Written under a passing name, which a lock shows to be in use, and renamed when all of it is on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = folder / (os.urandom(16).hex() + PART)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, portion: bytes) -> None:
        rest = memoryview(portion)
        with self._gone_after_an_error():
            while rest:
                rest = rest[self._file.write(rest) :]

    def finish(self, name: str) -> None:
        """fsync, rename, fsync of the folder. Where fsync fails the kernel may have dropped the bytes: never again."""
        with self._gone_after_an_error():
            assert self._path
            os.fsync(self._file.fileno())
            self._path = self._path.rename(self._folder / name)
            sync(self._folder)
            self._path = None
            self._file.close()

    def discard(self) -> None:
        path, self._path = self._path, None
        if path is not None:
            with suppress(OSError):  # what cannot be removed now is removed at the next start
                path.unlink()
            with suppress(OSError):
                self._file.close()

    @contextmanager
    def _gone_after_an_error(self) -> Iterator[None]:
        try:
            with _translated():
                yield
        except BaseException:
            self.discard()
            raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TryLater(f"the folder of store.raw reported: {error.strerror}") from error


def _remove_unless_held(part: Path) -> None:
    """Remove the file of a process that is gone: one that still writes holds its lock."""
    if not stat.S_ISREG(part.lstat().st_mode):
        return
    try:
        with open(part, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
    except (BlockingIOError, FileNotFoundError):
        return
