"""Which mails of a claim were begun, and how that ended: notes in a file for each claim, beside the database.

A process that dies leaves its notes behind, so that of a whole claim only the mail that was being sent is in doubt.
They are not synced and cost next to nothing. When the machine itself went down they prove nothing.
"""

import os
from collections.abc import Mapping
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


class Begun:
    """Notes below *folder*; none are kept where that is None."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._open: dict[str, int] = {}

    def open(self, token: str) -> None:
        """Before the claim *token*: without this file nothing is known about it. TryLater where the disk refuses."""
        boot = _boot_id()
        if self._folder is None or not boot:
            return
        try:
            make_durably(self._folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._open[token] = os.open(self._folder / token, flags, 0o600)
            os.write(self._open[token], f"{boot}\n".encode())
        except OSError as error:
            raise TryLater(f"{self._folder} cannot be written ({error.strerror}): make room on its disk") from error

    def begin(self, token: str, mail_id: int) -> None:
        """A mail is about to be sent. TryLater where the disk refuses: then it must not be."""
        try:
            self._write(token, mail_id, Ended.OPEN)
        except OSError as error:
            raise TryLater(f"{self._folder} cannot be written ({error.strerror}): make room on its disk") from error

    def end(self, token: str, mail_id: int, how: Ended, name: str = "") -> None:
        """It was sent, or is sure not to have been; where that cannot be written it stays open."""
        with suppress(OSError):
            self._write(token, mail_id, how, name)

    def _write(self, token: str, mail_id: int, how: Ended, name: str = "") -> None:
        if token in self._open and name.isprintable():
            os.write(self._open[token], f"{mail_id} {how} {name}\n".encode())

    def close(self, token: str) -> None:
        """Everything about the claim is recorded: its notes are not needed any more."""
        descriptor = self._open.pop(token, None)
        if descriptor is not None:
            os.close(descriptor)
            self.forget(token)

    def read(self, token: str) -> Mapping[int, Note] | None:
        """What is known about the claim *token*, by the number of the mail; None where nothing can be known."""
        try:
            boot, *lines = (self._folder / token).read_text().splitlines() if self._folder else [""]
            notes = {int(mail_id): (Ended(how), name) for mail_id, how, name in (line.split(" ", 2) for line in lines)}
        except (OSError, ValueError):
            return None
        return notes if boot and boot == _boot_id() else None

    def forget(self, token: str) -> None:
        """Remove the notes of a claim."""
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / token).unlink(missing_ok=True)


def _boot_id() -> str:
    """Changes whenever the machine starts; "" where that cannot be told."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""
