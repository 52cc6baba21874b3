"""Mail to the relay of ``send.via``, over one connection that is kept.

Each step's failure is told apart: before the final dot nothing has happened, after it the mail may
have gone, and what the relay refuses for good will never go.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from urllib.parse import SplitResult, parse_qs, urlsplit

from mailgate.errors import Away, GiveUp, NotNow, Refused, TryLater, Uncertain
from mailgate.model.operator import LOOPBACK
from mailgate.model.outbound import Attempt, Doubt, Pace

TIMEOUT_SECONDS = 30.0
REPLY_TIMEOUT_SECONDS = 600.0  # RFC 5321 section 4.5.3.2.6: a relay may take so long after the final dot
SUBMISSION = Pace("submission", seconds=60 / 25, burst=5)  # E58: never more than 30 in a minute
REFUSED_REST_SECONDS, CROWDED_REST_SECONDS, QUOTA_REST_SECONDS = 900.0, 60.0, 3600.0  # E57, E58

_GIVEN_ID = re.compile(rb"<[^<>\s]{1,995}@[^<>\s]+>")

Login = Callable[[smtplib.SMTP], None]


class Relay:
    """The relay at *host* and *port*; *starttls*: never speak to it without TLS and a valid certificate.

    With a *login* it is a submission service, which has limits of its own (E58).
    """

    doubt = Doubt.ONCE_MORE

    def __init__(
        self,
        host: str,
        port: int,
        *,
        starttls: bool = False,
        login: Login | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        reply_timeout_seconds: float = REPLY_TIMEOUT_SECONDS,
    ) -> None:
        self._host = host
        self._port = port
        self._starttls = starttls
        self._login = login
        self._timeout_seconds = timeout_seconds
        self._reply_timeout_seconds = reply_timeout_seconds
        self._connection: smtplib.SMTP | None = None

    @property
    def longest_seconds(self) -> float:
        """How long one mail may take: at most six waits for the relay before its last answer."""
        return 6 * self._timeout_seconds + self._reply_timeout_seconds

    @property
    def pace(self) -> Pace | None:
        return SUBMISSION if self._login else None

    def send(self, attempt: Attempt) -> str:
        """Hand the mail over. TryLater: nothing happened; Uncertain: it may have gone; GiveUp: refused for good.

        What comes back is the Message-ID that the relay says it gave the mail, "" where that is ours (E124).
        """
        connection = self._begun(attempt)
        try:
            connection.send(on_the_wire(attempt.content))  # where this fails the final dot was not sent
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Away(f"The connection to {self._name} broke off.") from error
        reply = self._final_reply(connection)
        self._expect(reply)
        given = _GIVEN_ID.search(reply[1])
        return "" if given is None or given[0] == attempt.message_id.encode() else given[0].decode("ascii", "replace")

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

    def find(self, attempt: Attempt) -> str | None:
        """Never asked: a relay cannot tell."""
        return None

    def probe(self) -> None:
        """Connect, greet, log in and go."""
        self.close()
        try:
            connection = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            raise Away(f"{self._name} cannot be reached.") from error
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()

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
        """A connection that waits for the mail; a kept one may have ended meanwhile, then it is a new one."""
        if self._connection is not None:
            try:
                reply = _announced(self._connection, attempt)
            except (OSError, smtplib.SMTPException):
                reply = (421, b"")
            if reply[0] != 421:
                self._expect(reply, 354)
                return self._connection
            self.close()
        try:
            self._connection = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            raise Away(f"{self._name} cannot be reached.") from error
        try:
            reply = _announced(self._connection, attempt)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Away(f"The connection to {self._name} broke off.") from error
        self._expect(reply, 354)
        return self._connection

    def _connected(self) -> smtplib.SMTP:
        connection = smtplib.SMTP(self._host, self._port, _own_name(), timeout=self._timeout_seconds)
        connection.ehlo_or_helo_if_needed()
        if self._starttls:
            connection.starttls(context=ssl.create_default_context())
            connection.ehlo()
        if self._login:
            self._log_in(connection, self._login)
        return connection

    def _log_in(self, connection: smtplib.SMTP, login: Login) -> None:
        try:
            login(connection)
        except smtplib.SMTPAuthenticationError as error:
            connection.close()
            if 400 <= error.smtp_code < 500:
                raise Away(f"{self._name} put the login off with {error.smtp_code}.") from error
            why = "SMTP AUTH is switched off for the mailbox" if b"5.7.139" in _bytes(error.smtp_error) else "see send"
            text = f"{self._name} refuses the login with {error.smtp_code}: {why}."
            raise NotNow(text, REFUSED_REST_SECONDS, for_people=True) from error
        except Refused as error:
            connection.close()
            raise NotNow(str(error), REFUSED_REST_SECONDS, for_people=True) from error
        except TryLater as error:
            connection.close()
            raise Away(str(error)) from error

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
        if code == wanted:
            return
        self._reset()
        if self._login and reply[1].startswith((b"5.2.", b"4.3.2")):  # E58: it is us, not this mail
            is_quota = code >= 500
            seconds = QUOTA_REST_SECONDS if is_quota else CROWDED_REST_SECONDS
            raise NotNow(f"{self._name} takes no more now ({code}).", seconds, for_people=is_quota)
        if 500 <= code < 600:
            raise GiveUp(f"{self._name} refused the mail with {code}.")
        raise TryLater(f"{self._name} put the mail off with {code}.")

    def _reset(self) -> None:
        try:
            if self._connection is not None and self._connection.docmd("RSET")[0] != 250:
                self.close()
        except (OSError, smtplib.SMTPException):
            self.close()


def password(user: str, secret: Callable[[], str]) -> Login:
    """Logs in as *user*; *secret* is read for every login, so that it may be changed."""
    return lambda connection: _ignored(connection.login(user, secret()))


def xoauth2(user: str, token: Callable[[], str]) -> Login:
    """Logs in as *user* with an access token (E62). Where it is refused the reason comes as one more challenge."""

    def login(connection: smtplib.SMTP) -> None:
        answers = iter((f"user={user}\x01auth=Bearer {token()}\x01\x01", ""))
        connection.auth("XOAUTH2", lambda challenge=None: next(answers))

    return login


def _ignored(_: object) -> None:
    """What a login answers says nothing more."""


def relay_from(url: str, login: Login | None = None) -> Relay:
    """The relay of "smtp://host:25?starttls=required"; Refused where the address cannot be understood."""
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    unknown = set(options) - {"starttls"} or options.get("starttls", ["required"]) != ["required"]
    if not parts.hostname or not _has_port(parts) or unknown:
        raise Refused("send.via cannot be understood; expected such as smtp://relay.example:587?starttls=required")
    if login and "starttls" not in options and parts.hostname not in LOOPBACK:
        raise Refused("send.user is set, so that a secret would cross the network: add ?starttls=required to send.via")
    return Relay(parts.hostname, parts.port or 25, starttls="starttls" in options, login=login)


def _has_port(parts: SplitResult) -> bool:
    """Whether what stands behind the colon, if anything, can be a port."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def on_the_wire(content: bytes) -> bytes:
    """*content* with its line ends as CRLF (E22), protected dots, and the final dot."""
    if not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r"):  # what we compose never needs it
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    dotted = (b"\r\n" + content.removesuffix(b"\r\n")).replace(b"\r\n.", b"\r\n..")
    return dotted[2:] + b"\r\n.\r\n"


def _announced(connection: smtplib.SMTP, attempt: Attempt) -> tuple[int, bytes]:
    """Name the sender and the recipient: the 354 after which the mail may come, or the first answer against it.

    A relay that takes commands together gets them so, which saves waiting for it twice (RFC 2920).
    """
    commands = (
        f"MAIL FROM:<{attempt.sender}>{_options(connection, attempt)}",
        f"RCPT TO:<{attempt.recipient}>",
        "DATA",
    )
    if any(end in command for command in commands for end in "\r\n"):  # S46
        raise GiveUp("An address of the mail has a line end in it.")
    if connection.has_extn("pipelining"):
        connection.send("".join(f"{command}\r\n" for command in commands))
        replies = [connection.getreply() for _ in commands]
        if replies[-1][0] == 354 and not _goes_on(*replies[:-1]):
            connection.close()  # it waits for a mail to nobody: without a final dot there is none
        return next((reply for reply in replies if not _goes_on(reply)), replies[-1])
    for command in commands:
        reply = connection.docmd(command)
        if not _goes_on(reply):
            break
    return reply


def _goes_on(*replies: tuple[int, bytes]) -> bool:
    return all(code in (250, 251, 354) for code, _ in replies)


@cache
def _own_name() -> str:
    """What we say in EHLO; the library would ask the DNS for every connection."""
    return socket.getfqdn()


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


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
