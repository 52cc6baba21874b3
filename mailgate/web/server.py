"""The pages' own small HTTP server: the standard library's, in threads of its own.

Chosen by measuring what loading costs: it takes 0.03 s and 3 MiB, FastAPI with uvicorn 0.29 s and
24 MiB of the 100 MiB that an idle gateway may have (P10). These four pages need no framework; the
pages for people that come later may.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6, SHUT_RDWR, SO_REUSEADDR, SOL_SOCKET, socket
from threading import BoundedSemaphore, Thread, Timer
from typing import Any, ClassVar

from mailgate import journal
from mailgate.errors import TryLater
from mailgate.workers.loop import failure_of

MOST_AT_ONCE = 16
TIMEOUT_SECONDS = 10.0  # for each piece of a request
LONGEST_SECONDS = 30.0  # for all of it: else whoever sends a byte now and then keeps a place for ever
TEXT, JSON = "text/plain; charset=utf-8", "application/json"

LARGEST_BODY = 64 * 1024

Page = Callable[[], "Answer"]
Door = Callable[[str, bytes], "Answer"]
"""Takes what another program posts: the header Authorization and the body."""


class Answer:
    """What a page says."""

    def __init__(self, body: bytes, kind: str = TEXT, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.body, self.kind, self.status = body, kind, status

    @classmethod
    def of(cls, value: Any, status: HTTPStatus = HTTPStatus.OK) -> "Answer":
        return cls(json.dumps(value, indent=2).encode() + b"\n", JSON, status)


class Server(ThreadingHTTPServer):
    """Listens at once; OSError where it cannot. ``start`` answers, until ``stop``."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self, host: str, port: int, pages: Mapping[str, Page], doors: Mapping[str, Door] | None = None
    ) -> None:
        if ":" in host:
            self.address_family = AF_INET6
        self.pages, self.doors = pages, doors or {}
        self._places = BoundedSemaphore(MOST_AT_ONCE)
        super().__init__((host, port), _Request)

    def server_bind(self) -> None:
        """Without the library's look-up of our own name in the DNS.

        Also where connections of the gateway before are not forgotten yet: one that Prometheus asked, and that was
        started again, would be without pages until it is started once more.
        """
        self.socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def start(self) -> None:
        Thread(target=self.serve_forever, name="web", daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        end = Timer(LONGEST_SECONDS, _hang_up, [request])
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._places.release()

    def handle_error(self, request: "socket | tuple[bytes, socket]", client_address: Any) -> None:
        """A client that left, or a bug that ``_Request`` did not tell of: nothing on standard error."""


def _hang_up(request: socket) -> None:
    with suppress(OSError):  # it has ended meanwhile
        request.shutdown(SHUT_RDWR)


class _Request(BaseHTTPRequestHandler):
    timeout = TIMEOUT_SECONDS
    server_version, sys_version = "mailgate", ""
    server: Server
    HEADERS: ClassVar = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    def do_GET(self) -> None:
        page = self.server.pages.get(self._path)
        if page is None:
            return self._say_no()
        return self._answer(page)

    def do_POST(self) -> None:
        door = self.server.doors.get(self.path)
        if door is None:
            return self._say_no()
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            return self._say(Answer(b"too much, or of no known length\n", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
        body, bears = self.rfile.read(int(length)), self.headers.get("Authorization", "")
        return self._answer(lambda: door(bears, body))

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _say_no(self) -> None:
        """There is no such page, or there is, and not for this (S66)."""
        self.close_connection = True  # what else was sent is not read
        if self._path in self.server.pages or self._path in self.server.doors:
            return self._say(Answer(b"this page is not for that\n", status=HTTPStatus.METHOD_NOT_ALLOWED))
        return self._say(Answer(b"there is no such page\n", status=HTTPStatus.NOT_FOUND))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library has to say about a request that is none of ours: without its page, which quotes it (S60)."""
        self.close_connection = True
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:  # any other method
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._say(Answer(f"{status.phrase}\n".encode(), status=status))

    def _answer(self, page: Page) -> None:
        answers: list[Answer] = []
        error = failure_of(lambda page: answers.append(page()), page)
        if error is None:
            return self._say(answers[0])
        journal.page_failed(error)
        status = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, TryLater) else HTTPStatus.INTERNAL_SERVER_ERROR
        return self._say(Answer(b"this page cannot be shown now: see the log\n", status=status))

    do_HEAD = do_GET  # noqa: N815

    def _say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body)), **self.HEADERS}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a path may hold anything."""
