"""Mail to the relay of ``send.via``, over one connection that is kept.

Each step's failure is told apart: before the final dot nothing has happened, after it the mail may
have gone, and what the relay refuses for good will never go.
"""

import smtplib
import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qs, urlsplit

from mailgate.errors import GiveUp, Refused, TryLater, Uncertain
from mailgate.model.outbound import Attempt

TIMEOUT_SECONDS = 30.0
REPLY_TIMEOUT_SECONDS = 600.0  # RFC 5321 section 4.5.3.2.6: a relay may take so long after the final dot


class Relay:
    """The relay at *host* and *port*; *starttls*: never speak to it without TLS and a valid certificate."""

    repeatable = False

    def __init__(
        self,
        host: str,
        port: int,
        *,
        starttls: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        reply_timeout_seconds: float = REPLY_TIMEOUT_SECONDS,
    ) -> None:
        self._host = host
        self._port = port
        self._starttls = starttls
        self._timeout_seconds = timeout_seconds
        self._reply_timeout_seconds = reply_timeout_seconds
        self._connection: smtplib.SMTP | None = None

    @property
    def longest_seconds(self) -> float:
        """How long one mail may take: at most six waits for the relay before its last answer."""
        return 6 * self._timeout_seconds + self._reply_timeout_seconds

    def send(self, attempt: Attempt) -> None:
        """Hand the mail over. TryLater: nothing happened; Uncertain: it may have gone; GiveUp: refused for good."""
        connection = self._begun(attempt)
        try:
            self._expect(connection.docmd("RCPT", f"TO:<{attempt.recipient}>"))
            self._expect(connection.docmd("DATA"), 354)
            connection.send(on_the_wire(attempt.content))  # where this fails the final dot was not sent
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise TryLater(f"The connection to {self._name} broke off.") from error
        self._expect(self._final_reply(connection))

    def certificate_ends_at(self) -> datetime | None:
        """Connect, greet and go: when the certificate of its TLS ends; None where we ask for none."""
        try:
            connection = self._connected()
            certificate = connection.sock.getpeercert() if isinstance(connection.sock, ssl.SSLSocket) else None
            connection.close()
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater(f"{self._name} cannot be reached, or its certificate is not valid.") from error
        end = certificate.get("notAfter") if certificate else None
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(end)), UTC) if end else None

    def settle(self) -> None:
        """The relay's answers were the last word."""

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _name(self) -> str:
        return f"{self._host}:{self._port}"

    def _begun(self, attempt: Attempt) -> smtplib.SMTP:
        """A connection that has accepted the sender; a kept one may have ended meanwhile, then it is a new one."""
        if self._connection is not None:
            try:
                reply = _mail(self._connection, attempt)
            except (OSError, smtplib.SMTPException):
                reply = (421, b"")
            if reply[0] != 421:
                self._expect(reply)
                return self._connection
            self.close()
        try:
            self._connection = self._connected()
            reply = _mail(self._connection, attempt)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise TryLater(f"{self._name} cannot be reached.") from error
        self._expect(reply)
        return self._connection

    def _connected(self) -> smtplib.SMTP:
        connection = smtplib.SMTP(self._host, self._port, timeout=self._timeout_seconds)
        connection.ehlo_or_helo_if_needed()
        if self._starttls:
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo()
        return connection

    def _final_reply(self, connection: smtplib.SMTP) -> tuple[int, bytes]:
        try:
            _sock(connection).settimeout(self._reply_timeout_seconds)
            reply = connection.getreply()
            _sock(connection).settimeout(self._timeout_seconds)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Uncertain(f"{self._name} took the mail, but the connection broke off before its answer.") from error
        return reply

    def _expect(self, reply: tuple[int, bytes], wanted: int = 250) -> None:
        """Go on where the relay said *wanted*, else leave the connection ready for the next mail."""
        code = reply[0]
        if code == wanted or (wanted == 250 and code == 251):
            return
        self._reset()
        if 500 <= code < 600:
            raise GiveUp(f"{self._name} refused the mail with {code}.")
        raise TryLater(f"{self._name} put the mail off with {code}.")

    def _reset(self) -> None:
        try:
            if self._connection is not None and self._connection.docmd("RSET")[0] != 250:
                self.close()
        except (OSError, smtplib.SMTPException):
            self.close()


def relay_from(url: str) -> Relay:
    """The relay of "smtp://host:25?starttls=required"; Refused where the address cannot be understood."""
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    unknown = set(options) - {"starttls"} or options.get("starttls", ["required"]) != ["required"]
    if not parts.hostname or not _has_port(parts) or unknown:
        raise Refused(f'send.via is "{url}"; expected such as smtp://relay.example:587?starttls=required')
    return Relay(parts.hostname, parts.port or 25, starttls="starttls" in options)


def _has_port(parts: SplitResult) -> bool:
    """Whether what stands behind the colon, if anything, can be a port."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def on_the_wire(content: bytes) -> bytes:
    """*content* with its line ends as CRLF (E22), protected dots, and the final dot."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join(b"." + line + b"\r\n" if line.startswith(b".") else line + b"\r\n" for line in lines) + b".\r\n"


def _mail(connection: smtplib.SMTP, attempt: Attempt) -> tuple[int, bytes]:
    return connection.docmd("MAIL", f"FROM:<{attempt.sender}>{_options(connection, attempt)}")


def _sock(connection: smtplib.SMTP) -> socket.socket:
    if connection.sock is None:
        raise smtplib.SMTPServerDisconnected
    return connection.sock


def _options(connection: smtplib.SMTP, attempt: Attempt) -> str:
    options = f" SIZE={len(attempt.content)}" if connection.has_extn("size") else ""
    if not (attempt.sender + attempt.recipient).isascii():
        if not connection.has_extn("smtputf8"):
            raise GiveUp("The relay does not take addresses with letters outside ASCII.")
        connection.command_encoding = "utf-8"
        options += " SMTPUTF8"
    return options
