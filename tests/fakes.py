"""Small stand-ins for the outside, written against our own interfaces."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

from mailgate.model.message import Envelope


class MemorySpool:
    """Keeps mails in a list; *failure* makes every put fail, *hold* leaves them uncommitted until ``commit``."""

    def __init__(self) -> None:
        self.mails: list[tuple[Envelope, bytes]] = []
        self.failure: Exception | None = None
        self.hold = False
        self._held: list[tuple[Future[str], Envelope, bytes]] = []

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
