"""Mail into a Maildir: the default channel, and a durable one.

The file's name follows from the row of the outbox, so that sending a row again finds what is there,
also where a reader has moved it to ``cur`` (E140).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from mailgate.errors import TryLater
from mailgate.folders import make_durably
from mailgate.model.outbound import Attempt, Doubt


class Maildir:
    """Delivers below *folder*, which is made where it is missing."""

    longest_seconds = 10.0
    doubt = Doubt.HARMLESS
    pace = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: list[str] = []

    def send(self, attempt: Attempt) -> str:
        """Write the mail into ``tmp`` unless it is in the Maildir already; TryLater where the disk refuses."""
        name = file_name(attempt)
        with self._writing():
            if attempt.attempts <= 1 or not self._was_moved(name):
                self._write(name, attempt)
        return ""

    def settle(self) -> None:
        """Move what was written into ``new``, all of it durable: for many together that is quicker than one by one."""
        names, self._written = self._written, []
        if not names:
            return
        with self._writing():
            for name in names:
                self._sync(self._folder / "tmp" / name)
            for name in names:  # the same name holds the same mail
                os.rename(self._folder / "tmp" / name, self._folder / "new" / name)
            self._sync(self._folder / "new")

    def find(self, attempt: Attempt) -> str | None:
        """Never asked: sending twice leaves one mail."""
        return None

    def probe(self) -> None:
        with self._writing():
            self._make()

    def close(self) -> None:
        """Nothing stays open between two mails."""

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TryLater(f"The Maildir {self._folder} cannot be written: {error.strerror}.") from error

    def _make(self) -> None:
        for name in ("tmp", "new", "cur"):
            make_durably(self._folder / name)

    def _was_moved(self, name: str) -> bool:
        self._make()
        with os.scandir(self._folder / "cur") as entries:
            return any(entry.name.partition(":")[0] == name for entry in entries)

    def _write(self, name: str, attempt: Attempt) -> None:
        if not self._written:
            self._make()
        with open(self._folder / "tmp" / name, "wb") as file:
            file.write(b"Return-Path: <%b>\r\n" % attempt.sender.encode())
            file.write(attempt.content)
        self._written.append(name)

    @staticmethod
    def _sync(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def file_name(attempt: Attempt) -> str:
    """Its message id is in the name as well: another store begins to number its rows at 1 again."""
    return f"{attempt.id}.{sha256(attempt.message_id.encode()).hexdigest()[:20]}.mailgate"
