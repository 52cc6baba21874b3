"""A way out, and the one that ``send.via`` names."""

from pathlib import Path
from typing import Protocol

from mailgate.errors import Refused
from mailgate.model.outbound import Attempt, Doubt, Pace
from mailgate.notify.maildir import Maildir
from mailgate.notify.smtp import Login, relay_from


class Channel(Protocol):
    """Sends mails one by one, or says in one of three words why not: TryLater, Uncertain, GiveUp."""

    @property
    def longest_seconds(self) -> float:
        """How long sending one mail may take."""

    @property
    def doubt(self) -> Doubt:
        """What is done about a mail that may have gone unnoticed."""

    @property
    def pace(self) -> Pace | None:
        """How fast it may be used; None: as fast as it is."""

    def send(self, attempt: Attempt) -> str:
        """Its name on the other side, "" where that has none."""

    def settle(self) -> None:
        """Make sure of all that was sent since the last time; where this raises TryLater none of it was sent."""

    def find(self, attempt: Attempt) -> str | None:
        """Ask whether *attempt* was taken: its name there, None where it is not known. Only where *doubt* is ASK."""

    def probe(self) -> None:
        """TryLater where it cannot be used; nothing is sent."""

    def close(self) -> None: ...


def channel_for(via: str, login: Login | None = None) -> Channel:
    """The channel of "maildir:var/outbox" or "smtp://relay:25"; Refused where it is neither.

    *login* is what a relay asks for that sends for those it knows.
    """
    if via.startswith("maildir:") and via != "maildir:":
        return Maildir(Path(via.removeprefix("maildir:")))
    if via.startswith("smtp://"):
        return relay_from(via, login)
    raise Refused("send.via is neither maildir:FOLDER nor smtp://HOST:PORT")  # as it is, it may hold a password
