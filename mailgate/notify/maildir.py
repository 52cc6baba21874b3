"""Mail into a Maildir: the default channel, and a durable one.

The file's name follows from the row of the outbox, so that sending a row again finds what is there,
also where a reader has moved it to ``cur`` (E140).
"""

import os
from hashlib import sha256
from pathlib import Path

from mailgate.errors import TryLater
from mailgate.folders import make_durably
from mailgate.model.outbound import Attempt


class Maildir:
    """Delivers below *folder*, which is made where it is missing."""

    longest_seconds = 10.0
    repeatable = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, attempt: Attempt) -> None:
        """Put the mail into ``new`` unless it is in the Maildir already; TryLater where the disk refuses."""
        name = file_name(attempt)
        try:
            self._make()
            if attempt.attempts <= 1 or not self._was_moved(name):
                self._deliver(name, attempt)
        except OSError as error:
            raise TryLater(f"The Maildir {self._folder} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Nothing stays open between two mails."""

    def _make(self) -> None:
        for name in ("tmp", "new", "cur"):
            make_durably(self._folder / name)

    def _was_moved(self, name: str) -> bool:
        with os.scandir(self._folder / "cur") as entries:
            return any(entry.name.partition(":")[0] == name for entry in entries)

    def _deliver(self, name: str, attempt: Attempt) -> None:
        written = self._folder / "tmp" / name
        with open(written, "wb") as file:
            file.write(b"Return-Path: <%b>\r\n" % attempt.sender.encode())
            file.write(attempt.content)
            file.flush()
            os.fsync(file.fileno())
        written.rename(self._folder / "new" / name)  # the same name holds the same mail
        self._sync("new")

    def _sync(self, name: str) -> None:
        descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def file_name(attempt: Attempt) -> str:
    """Its message id is in the name as well: another store begins to number its rows at 1 again."""
    return f"{attempt.id}.{sha256(attempt.message_id.encode()).hexdigest()[:20]}.mailgate"
