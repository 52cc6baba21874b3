"""One folder on an IMAP server, over one connection that one thread uses (docs/email.md section 2).

Only integers and names from the configuration go into commands (R21). Whatever goes wrong is raised
as TryLater (connect again), SessionEnded (connect again, at once) or Refused (somebody has to change
something first).
"""

import imaplib
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

from mailgate.errors import GiveUp, Refused, SessionEnded, TryLater
from mailgate.ingest.mailbox_folder import FAILED, PROCESSED, TOO_LARGE, header_of
from mailgate.ingest.sent_items import FIELDS
from mailgate.model.folder import Fetched, Folder, Listed, Seen
from mailgate.model.message import Message
from mailgate.model.operator import ImapAccount

TIMEOUT = SocketTimeout(connect=15, read=90)  # E49
SLICE_BYTES = 1024**2  # E50
LONGEST_IDLE_SECONDS = 540.0  # E47
GLANCE_SECONDS = 1.0  # how often a thread that rests looks whether it shall go on
A_DAY = timedelta(days=1)  # servers search by their own day
CHUNK = 500
FILED = (PROCESSED, FAILED, TOO_LARGE)
MESSAGE_ID = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
MESSAGE_ID_ANSWER = b"BODY[HEADER.FIELDS (MESSAGE-ID)]"
SENT_FIELDS = f"BODY.PEEK[HEADER.FIELDS ({' '.join(FIELDS)})]"
LONGEST_LINE = 16 * 1024**2  # the standard library's million bytes are fewer UIDs than a folder may have


logging.getLogger("imapclient").setLevel(logging.WARNING)  # below, the library writes what it sends and gets


NO = TryLater("the mail server refused a command")
NO_SENT_FOLDER = Refused("the folder of sent mail cannot be opened: check imap.sent_folder and the rights to it")
NOT_OPENED = Refused("the folder cannot be opened: check imap.folder and the rights to it; see docs/exchange.md")


class MailFolder:
    """The folder of *account*, selected; *secret* gives its password or its access token."""

    def __init__(self, account: ImapAccount, secret: Callable[[], str]) -> None:
        self._account = account
        self._made: set[str] = set()
        proof = secret()
        with _translated():
            self._client = _connected(account)
        try:
            self._log_in(proof)
            self._select()
        except BaseException:
            self.close()
            raise

    def _log_in(self, proof: str) -> None:
        with _translated():
            if self._account.auth == "xoauth2":
                self._client.sasl_login("XOAUTH2", _xoauth2(self._account.user, proof))
            else:
                self._client.login(self._account.user, proof)
            self._can = frozenset(self._client.capabilities())  # anew: some appear only now (E46)
            self._prefix = _prefix(self._client) if b"NAMESPACE" in self._can else ""
        if not {b"MOVE", b"UIDPLUS"} & self._can:
            raise Refused("the mail server can neither MOVE nor expunge by UID: mail could not be filed without loss")

    def _select(self) -> None:
        with _translated(NOT_OPENED):
            said = self._client.select_folder(self._account.folder)
        if b"UIDVALIDITY" not in said or b"UIDNOTSTICKY" in said:
            raise Refused("the mail server does not number mails for good (UIDVALIDITY): this folder cannot be a queue")
        if b"READ-ONLY" in said:
            raise Refused("the folder can only be read: give the account the right to move mail out of it")
        account = f"{self._account.user} at {self._account.host}:{self._account.port}"
        self.place = Folder(account, self._account.folder, int(said[b"UIDVALIDITY"]))

    @property
    def tells_news(self) -> bool:
        """Whether ``wait`` ends as soon as there is a new mail."""
        return b"IDLE" in self._can

    def list(self) -> list[int]:
        """The UIDs of all mails in the folder: all, so that E42 has no start to be below."""
        with _translated():
            self._look_again()
            return [int(uid) for uid in self._client.search("ALL")]

    def _look_again(self) -> None:
        """Have the server notice what is new."""
        try:
            self._client.noop()
        except imaplib.IMAP4.abort as error:  # the library keeps the server's last words to itself
            raise imaplib.IMAP4.abort(str(self._client._imap.untagged_responses.get("BYE", error))) from error

    def fetch(self, uid: int) -> Fetched | None:
        """A mail, in slices that are fetched as they are asked for (E50).

        None where the server hands over nothing (E52, E53), or says that it cannot.
        """
        part = self._slice(uid, 0, "RFC822.SIZE", "INTERNALDATE", "FLAGS")
        beginning = part.get(b"BODY[]<0>")
        if not beginning:
            return None
        return Fetched(beginning, part.get(b"INTERNALDATE"), part.get(b"RFC822.SIZE", 0), self._rest(uid, beginning))

    def _rest(self, uid: int, portion: bytes) -> Iterator[bytes]:
        start = 0
        while len(portion) == SLICE_BYTES:
            start += SLICE_BYTES
            found: bytes | None = self._slice(uid, start).get(b"BODY[]<%d>" % start)
            if found is None:
                raise GiveUp("the mail server did not hand over the whole of a mail")
            portion = found
            yield portion

    def _slice(self, uid: int, start: int, *about: str) -> dict[bytes, Any]:
        """What the server says; nothing where it says that it cannot."""
        try:
            with _translated(GiveUp("the mail server does not hand over a mail")):
                found = self._client.fetch([uid], [f"BODY.PEEK[]<{start}.{SLICE_BYTES}>", *about])
        except GiveUp:
            return {}
        part: dict[bytes, Any] = found.get(uid) or {}
        return part

    def listing(self, since: datetime | None) -> Iterator[Listed]:
        """What is in the folder, and in those that mail is filed to; those that came before *since* left out.

        The folder is no longer selected afterwards: this is for comparing, not for fetching.
        """
        for name in (self._account.folder, *(self._prefix + filed for filed in FILED)):
            with _translated():
                if name != self._account.folder and not self._client.folder_exists(name):
                    continue
                self._client.select_folder(name, readonly=True)
                uids = self._client.search(["SINCE", (since - A_DAY).date()] if since else "ALL")
            for start in range(0, len(uids), CHUNK):
                with _translated():
                    found = self._client.fetch(uids[start : start + CHUNK], [MESSAGE_ID, "INTERNALDATE"])
                yield from (_listed(name, uid, told) for uid, told in found.items())

    def sent(self, since: datetime, after: Seen | None) -> Iterator[tuple[Seen, Sequence[Message]]]:
        """The headers in ``sent_folder``, some at a time: those behind *after* or, without it, from *since* on.

        The folder is no longer selected afterwards.
        """
        with _translated(NO_SENT_FOLDER):
            validity = int(self._client.select_folder(self._account.sent_folder, readonly=True)[b"UIDVALIDITY"])
        first = after.uid + 1 if after and after.uidvalidity == validity else 0
        with _translated():
            asked = ["UID", f"{first}:*"] if first else ["SINCE", (since - A_DAY).date()]
            uids = sorted(int(uid) for uid in self._client.search(asked) if uid >= first)  # E42
        for start in range(0, len(uids), CHUNK):
            with _translated():
                found = self._client.fetch(uids[start : start + CHUNK], [SENT_FIELDS])
            yield Seen(validity, uids[start : start + CHUNK][-1]), [header_of(_header(told)) for told in found.values()]

    def file(self, uid: int, folder: str) -> bool:
        """Move a mail (E44); False where the server refuses that."""
        target = self._prefix + folder
        with _translated():
            try:
                self._make(target)
                if b"MOVE" in self._can:
                    self._client.move([uid], target)
                else:
                    self._client.copy([uid], target)
                    self._client.add_flags([uid], [b"\\Deleted"], silent=True)
                    self._client.uid_expunge([uid])
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                self._made.discard(target)  # somebody may have removed it: looked for again next time
                return False
        return True

    def _make(self, target: str) -> None:
        if target not in self._made:
            if not self._client.folder_exists(target):
                self._client.create_folder(target)
            self._made.add(target)

    def wait(self, seconds: float, over: Callable[[], bool]) -> None:
        """Rest for *seconds*, or until the server tells of a new mail, or *over*, which is asked every second."""
        until = monotonic() + min(seconds, LONGEST_IDLE_SECONDS)
        if not self.tells_news:
            while not over() and (left := until - monotonic()) > 0:
                sleep(min(left, GLANCE_SECONDS))
            return
        with _translated():
            self._client.idle()
            self._listen(until, over)
            self._client.idle_done()

    def _listen(self, until: float, over: Callable[[], bool]) -> None:
        """Until there is news. A connection that the server closed looks like silence, but sooner (E48)."""
        while not over() and (left := until - monotonic()) > 0:
            patience = min(left, GLANCE_SECONDS)
            began = monotonic()
            said = self._client.idle_check(timeout=patience)
            if not said and monotonic() - began < patience * 0.9:
                raise imaplib.IMAP4.abort("closed by the server")
            for line in said:
                if line[0] == b"BYE":
                    raise imaplib.IMAP4.abort(str(line))
            if any(len(line) > 1 and line[1] == b"EXISTS" for line in said):
                return

    def close(self) -> None:
        """Hang up; a server that is gone already does not matter."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._client.shutdown()


def _header(told: dict[bytes, Any]) -> bytes:
    """Of all that the server says the fields of the header: it may name them in another order than we do."""
    return next((value for name, value in told.items() if name.startswith(b"BODY[HEADER.FIELDS")), b"") or b""


def _listed(folder: str, uid: int, told: dict[bytes, Any]) -> Listed:
    message = header_of(told.get(MESSAGE_ID_ANSWER) or b"")
    return Listed(
        folder, int(uid), "" if "no-message-id" in message.defects else message.message_id, told[b"INTERNALDATE"]
    )


def _connected(account: ImapAccount) -> IMAPClient:
    imaplib._MAXLINE = LONGEST_LINE  # type: ignore[attr-defined]
    client = IMAPClient(account.host, account.port, ssl=account.ssl, timeout=TIMEOUT)
    client.normalise_times = False  # aware instants
    client.socket().setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return client


def _xoauth2(user: str, token: str) -> Callable[[bytes], str]:
    """The answers to the server's challenges: the token, then nothing, so that it says why it refuses."""
    answers = iter([f"user={user}\1auth=Bearer {token}\1\1"])
    return lambda _: next(answers, "")


def _prefix(client: IMAPClient) -> str:
    """What the names of an account's own folders begin with, such as "INBOX."."""
    personal = client.namespace().personal
    return str(personal[0][0]) if personal else ""


@contextmanager
def _translated(no: GiveUp | Refused | TryLater = NO) -> Iterator[None]:
    """The library's errors in our words; *no* stands for a command that the server answered with NO or BAD."""
    try:
        yield
    except LoginError as error:
        if "[UNAVAILABLE]" in str(error):
            raise TryLater("the mail server cannot check logins at present") from error
        raise Refused(
            "the mail server refuses the login: check user, secret_file and, for Exchange Online, docs/exchange.md"
        ) from error
    except imaplib.IMAP4.abort as error:
        if "AccessTokenExpired" in str(error):
            raise SessionEnded("the access token has served its time") from error
        raise TryLater("the mail server closed the connection") from error
    except imaplib.IMAP4.error as error:
        raise type(no)(str(no)) from error
    except ssl.SSLCertVerificationError as error:
        raise Refused("the mail server's certificate is not valid for imap.host: nothing was sent to it") from error
    except OSError as error:
        raise TryLater("the mail server cannot be reached, or does not answer") from error
