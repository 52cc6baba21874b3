"""Which mails of a claim were begun, and how that ended: a process that dies leaves notes of it behind.

So of a whole claim only the mail that was being sent is in doubt. The notes of SQLite are files beside it, those of
PostgreSQL a table (begun_table.py): whoever finds the claim must be able to read them.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from mailgate.errors import TryLater
from mailgate.folders import make_durably

BOOT = Path("/proc/sys/kernel/random/boot_id")


class Ended(StrEnum):
    """How far a mail came. OPEN: it may have gone."""

    OPEN = "?"
    SENT = "="
    NOT_SENT = "-"


Note = tuple[Ended, str]
"""How it ended, and the name that the other side gave it, "" for none."""


class Begun(ABC):
    """The notes of all claims. Without ``open`` none are kept about a claim, and nothing is known about it."""

    @abstractmethod
    def open(self, token: str) -> None:
        """Before the claim *token*. TryLater where no note can be kept."""

    @abstractmethod
    def begin(self, token: str, mail_id: int) -> None:
        """A mail is about to be sent. TryLater where that cannot be noted: then it must not be."""

    @abstractmethod
    def end(self, token: str, mail_id: int, how: Ended, name: str = "") -> None:
        """It was sent, or is sure not to have been; where that cannot be noted it stays open."""

    @abstractmethod
    def close(self, token: str) -> None:
        """Everything about the claim is recorded: its notes are not needed any more."""

    @abstractmethod
    def leave(self, token: str) -> None:
        """The claim failed in the middle, and perhaps is ours: its notes stay, for whoever finds it."""

    @abstractmethod
    def read(self, token: str) -> Mapping[int, Note] | None:
        """What is known about the claim of another, by the number of the mail; None where nothing can be known."""

    @abstractmethod
    def forget(self, token: str) -> None:
        """Remove the notes of a claim of another."""

    @abstractmethod
    def forget_old(self) -> None:
        """At the start: remove the notes of claims of which none is left."""


def line_of(mail_id: int, how: Ended, name: str = "") -> str:
    """A note as it is kept; "" where *name* cannot stand in a line, so that the mail stays open."""
    return f"{mail_id} {how} {name}\n" if name.isprintable() else ""


def notes_of(lines: Iterable[str]) -> Mapping[int, Note]:
    """The last note about each mail; ValueError where a line is none."""
    return {int(mail_id): (Ended(how), name) for mail_id, how, name in (line.split(" ", 2) for line in lines)}


class BegunInFiles(Begun):
    """A file for each claim below *folder*: not synced, so they cost next to nothing.

    When the machine itself went down they prove nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, int] = {}

    def open(self, token: str) -> None:
        boot = _boot_id()
        if not boot:
            return
        try:
            make_durably(self._folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._open[token] = os.open(self._folder / token, flags, 0o600)
            os.write(self._open[token], f"{boot}\n".encode())
        except OSError as error:
            raise TryLater(f"{self._folder} cannot be written ({error.strerror}): make room on its disk") from error

    def begin(self, token: str, mail_id: int) -> None:
        try:
            self._write(token, line_of(mail_id, Ended.OPEN))
        except OSError as error:
            raise TryLater(f"{self._folder} cannot be written ({error.strerror}): make room on its disk") from error

    def end(self, token: str, mail_id: int, how: Ended, name: str = "") -> None:
        with suppress(OSError):
            self._write(token, line_of(mail_id, how, name))

    def _write(self, token: str, line: str) -> None:
        if token in self._open:
            os.write(self._open[token], line.encode())

    def close(self, token: str) -> None:
        if token in self._open:
            self.leave(token)
            self.forget(token)

    def leave(self, token: str) -> None:
        descriptor = self._open.pop(token, None)
        if descriptor is not None:
            os.close(descriptor)

    def read(self, token: str) -> Mapping[int, Note] | None:
        try:
            boot, *lines = (self._folder / token).read_text().splitlines()
            notes = notes_of(lines)
        except (OSError, ValueError):
            return None
        return notes if boot and boot == _boot_id() else None

    def forget(self, token: str) -> None:
        with suppress(OSError):
            (self._folder / token).unlink(missing_ok=True)

    def forget_old(self) -> None:
        for file in self._folder.glob("*"):
            self.forget(file.name)


def _boot_id() -> str:
    """Changes whenever the machine starts; "" where that cannot be told."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""
