"""LMTP (RFC 2033): the SMTP session with another greeting, and one reply for each recipient (E19, R2)."""

from collections.abc import Mapping
from typing import ClassVar

from mailgate.ingest.session import SmtpSession
from mailgate.ingest.smtp import Command


class LmtpSession(SmtpSession):
    """One connection from a mail server beside us. All recipients of a mail share one commit, so one outcome (E20)."""

    offers_tls = False
    protocol = b"LMTP"
    commands: ClassVar[Mapping[bytes, Command]] = {
        verb: command for verb, command in SmtpSession.commands.items() if verb not in (b"HELO", b"EHLO", b"STARTTLS")
    } | {b"LHLO": SmtpSession.extended_hello}

    def _outcomes_owed(self) -> int:
        return len(self.recipients)
