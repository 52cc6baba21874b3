"""The way out that ``send.via`` names."""

from pathlib import Path
from typing import Protocol

from mailgate.errors import Refused
from mailgate.model.outbound import Attempt
from mailgate.notify.maildir import Maildir
from mailgate.notify.smtp import relay_from


class Channel(Protocol):
    """Sends mails one by one, or says in one of three words why not: TryLater, Uncertain, GiveUp."""

    @property
    def longest_seconds(self) -> float:
        """How long sending one mail may take."""

    @property
    def repeatable(self) -> bool:
        """Whether a mail that is sent twice arrives once."""

    def send(self, attempt: Attempt) -> None: ...

    def settle(self) -> None:
        """Make sure of all that was sent since the last time; where this raises TryLater none of it was sent."""

    def close(self) -> None: ...


def channel_for(via: str) -> Channel:
    """The channel of "maildir:var/outbox" or "smtp://relay:25"; Refused where it is neither."""
    if via.startswith("maildir:") and via != "maildir:":
        return Maildir(Path(via.removeprefix("maildir:")))
    if via.startswith("smtp://"):
        return relay_from(via)
    raise Refused(f'send.via is "{via}"; expected maildir:FOLDER or smtp://HOST:PORT')
