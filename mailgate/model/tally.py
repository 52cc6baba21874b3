"""What the SMTP door counts: accepts, refusals by row of E10, sessions (docs/email.md section 11)."""

from typing import Protocol


class Tally(Protocol):
    """Somebody who counts. The door calls it while clients wait, so it must be quick and never raise."""

    def accepted(self, size: int, seconds: float) -> None:
        """A mail of *size* bytes is on stable storage; the commit took *seconds*."""

    def refused(self, row: str) -> None:
        """A client heard no; *row* names the condition of E10, from a short fixed list."""

    def sessions(self, change: int) -> None:
        """One connection more (1) or fewer (-1)."""


class NoTally:
    """Counts nothing."""

    def accepted(self, size: int, seconds: float) -> None:
        return

    def refused(self, row: str) -> None:
        return

    def sessions(self, change: int) -> None:
        return
