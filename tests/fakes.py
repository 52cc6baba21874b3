"""Small stand-ins for the outside, written against our own interfaces."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

from mailgate.model.message import Envelope


class MemoryLarge:
    """A large mail that is collected in memory."""

    def __init__(self, spool: "MemorySpool") -> None:
        self.spool = spool
        self.content = b""

    def write(self, portion: bytes) -> None:
        self.content += portion

    def commit(self, envelope: Envelope) -> Future[str]:
        return self.spool.put(envelope, self.content)

    def discard(self) -> None:
        self.content = b""


class MemorySpool:
    """Keeps mails in a list.

    *failure* makes every put fail, *no_room* every large mail; *hold* leaves them uncommitted until ``commit``.
    """

    def __init__(self) -> None:
        self.mails: list[tuple[Envelope, bytes]] = []
        self.large: list[MemoryLarge] = []
        self.failure: Exception | None = None
        self.no_room: Exception | None = None
        self.hold = False
        self._held: list[tuple[Future[str], Envelope, bytes]] = []

    def begin(self, envelope: Envelope) -> "MemoryLarge":
        if self.no_room is not None:
            raise self.no_room
        self.large.append(MemoryLarge(self))
        return self.large[-1]

    def put(self, envelope: Envelope, raw: bytes) -> Future[str]:
        future: Future[str] = Future()
        if self.failure is not None:
            future.set_exception(self.failure)
            return future
        self._held.append((future, envelope, raw))
        if not self.hold:
            self.commit()
        return future

    def commit(self) -> None:
        for future, envelope, raw in self._held:
            self.mails.append((envelope, raw))
            future.set_result(f"{len(self.mails):064x}")
        self._held.clear()


class FileSpool(MemorySpool):
    """Writes the last large mail into the file ``large``."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = folder / "large"

    def begin(self, envelope: Envelope) -> MemoryLarge:
        file = self._file

        class InFile(MemoryLarge):
            def write(self, portion: bytes) -> None:
                with file.open("ab") as out:
                    out.write(portion)

        return InFile(self)


@contextmanager
def introspection(tokens: dict[str, str]) -> Iterator[str]:
    """The address where a mail server asks whose a token is; *tokens* may be changed meanwhile (E61)."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            owner = tokens.get(asked.get("token", [""])[0])
            answer = json.dumps({"active": True, "email": owner} if owner else {"active": False}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/introspect"
    finally:
        server.shutdown()
        server.server_close()
