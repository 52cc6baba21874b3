"""Where SMTP and LMTP listen, on addresses and on a Unix socket; how they stop."""

import asyncio
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailgate import journal
from mailgate.errors import Refused
from mailgate.ingest.lmtp import LmtpSession
from mailgate.ingest.policy import BUSY
from mailgate.ingest.session import SmtpSession
from mailgate.ingest.smtp import Door
from mailgate.model.operator import Tls

BACKLOG = 1024
FAREWELL_SECONDS = 1.0


class Listener(Door):
    """Accepts connections and hands every mail to its spool."""

    _servers: tuple[asyncio.Server, ...] = ()

    async def start(
        self, host: str, port: int, *, session: type[SmtpSession] = SmtpSession, shared_port: bool = False
    ) -> tuple[str, int]:
        """Listen; *shared_port*: other processes listen there too. The address in use; OSError where it cannot."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: session(self, loop), host, port, reuse_port=shared_port or None, backlog=BACKLOG
        )
        self._servers += (server,)
        bound = server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    async def start_local(self, listening: socket.socket) -> None:
        """Speak LMTP on *listening*, a Unix socket that other processes may share."""
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: LmtpSession(self, loop, is_local=True), sock=listening)
        self._servers += (server,)

    async def stop(self, grace_seconds: float = 10) -> None:
        """Finish the commits that are under way, send everybody else off with 421; they get a moment to hear it."""
        self.closing = True
        for server in self._servers:
            server.close()
        for session in list(self.sessions):
            if not session.committing:
                session.send_off(BUSY)
        clock = asyncio.get_running_loop().time
        began = clock()
        while self.sessions and clock() < began + grace_seconds:
            if clock() > began + FAREWELL_SECONDS and not any(session.committing for session in self.sessions):
                break
            await asyncio.sleep(0.02)


@contextmanager
def local_socket(path: Path) -> Iterator[socket.socket]:
    """A Unix socket at *path* that listens, for our user and our group (E19); Refused where it cannot be."""
    listening = socket.socket(socket.AF_UNIX)
    try:
        _remove_left_over(path)
        listening.bind(str(path))
        path.chmod(0o660)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise Refused(f"{path} cannot be listened on ({error.strerror or error}): change lmtp.listen") from error
    try:
        yield listening
    finally:
        listening.close()
        path.unlink(missing_ok=True)


def _remove_left_over(path: Path) -> None:
    """A socket that nobody listens on any more: left behind by a gateway that was killed."""
    if not path.exists() or not stat.S_ISSOCK(path.lstat().st_mode):
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def check_free(host: str, port: int) -> None:
    """OSError where somebody listens there already: processes that are about to share the port would not notice."""
    wanted = socket.AF_UNSPEC if host else socket.AF_INET
    found = socket.getaddrinfo(host or None, port, wanted, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
            probe.listen(1)


def encryption(tls: Tls) -> ssl.SSLContext:
    """What STARTTLS speaks: TLS 1.2 or later (E28). Refused, with the key to mend, where a file cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key, password="")  # an encrypted key must not ask the terminal
    except OSError as error:
        files = f"{tls.certificate} and {tls.key}"
        raise Refused(f"smtp.tls: {files} cannot be used as a certificate and its key ({_reason(error)})") from error
    if tls.clients:
        context.verify_mode = ssl.CERT_OPTIONAL
        try:
            context.load_verify_locations(tls.authorities)
        except OSError as error:
            raise Refused(f"smtp.tls.authorities: {tls.authorities} cannot be used ({_reason(error)})") from error
    return context


class Encryption:
    """What STARTTLS speaks now: *context* is made anew when a file of *tls* has changed, and kept where that fails."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._seen = self._files()
        self.context = encryption(tls)

    def look_again(self) -> ssl.SSLContext:
        seen = self._files()
        if seen != self._seen:
            self._seen = seen
            try:
                self.context = encryption(self._tls)
            except Refused as error:  # of a pair that is being replaced only one half may be there yet
                journal.certificate_not_renewed(error)
            else:
                journal.certificate_renewed()
        return self.context

    def _files(self) -> list[tuple[int, int, int] | None]:
        return [_state(Path(name)) for name in (self._tls.certificate, self._tls.key, self._tls.authorities)]


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)
