"""Answers over HTTP, and does wrong what it was asked to do wrong (docs/notify.md section 9)."""

import json
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread, Timer
from typing import Any

from mailgate.notify.standin.access import CLOCK, Refusal, kind_of_key
from mailgate.notify.standin.known import Known
from mailgate.notify.standin.routes import answer

REFUSED: Mapping[str, Refusal] = {
    "clock": Refusal(403, "AuthError", CLOCK),
    "401": Refusal(401, "AuthError", "Unauthorized: authentication token must be provided"),
    "404": Refusal(404, "NotFound", "The requested URL was not found on the server."),
    "413": Refusal(413, "RequestEntityTooLarge", "The data value transmitted exceeds the capacity limit."),
    "500": Refusal(500, "Exception", "Internal server error"),
}
"""Faults before anything was taken."""
FAULTS = ("drop", "stall", "502", "503", "504", "not json", *REFUSED, "early", "twice", "late")
NOT_JSON = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class StandIn(Known):
    """The server. *faults* are taken from the front, one for each call that sends.

    *stall_seconds*: how long a stalled call waits; *receipt_seconds*: when what was sent is reported.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.stall_seconds = 3.0
        self.receipt_seconds = 0.2
        self._server = _Server(("127.0.0.1", port), _Call)
        self._server.knows = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StandIn":
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Answer until the process is told to end."""
        self._server.serve_forever()

    def take_fault(self) -> str:
        with self.lock:
            return self.faults.pop(0) if self.faults else ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    knows: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/dev/sent":
            return self._write(200, json.dumps(self.server.knows.sent).encode())
        return self._respond("GET")

    def do_POST(self) -> None:
        if self.path == "/dev/faults":
            self.server.knows.faults += json.loads(self._body())
            return self._write(200, b"{}")
        return self._respond("POST")

    def _respond(self, method: str) -> None:
        knows, body = self.server.knows, self._body()
        is_sending = method == "POST" and self.path.startswith("/v2/notifications/")
        fault = knows.take_fault() if is_sending else ""
        try:
            if fault in REFUSED:
                raise REFUSED[fault]
            kind = kind_of_key(self.headers.get("Authorization", ""), time.time())
            status, said = answer(knows, kind, method, self.path, _json(body))
        except Refusal as refusal:
            error = {"error": refusal.name, "message": refusal.message}
            return self._write(refusal.status, json.dumps({"status_code": refusal.status, "errors": [error]}).encode())
        if is_sending and any(each["id"] == said["id"] for each in knows.sent):
            self._report(fault, said["id"])
        return self._with_fault(fault, status, json.dumps(said).encode())

    def _report(self, fault: str, notify_id: str) -> None:
        """A receipt may come before the answer, twice, or late."""
        knows, times = self.server.knows, 2 if fault == "twice" else 1
        if fault == "early":
            return knows.report(notify_id)
        seconds = 20 * knows.receipt_seconds if fault == "late" else knows.receipt_seconds
        timer = Timer(seconds, knows.report, (notify_id,), {"times": times})
        timer.daemon = True
        return timer.start()

    def _with_fault(self, fault: str, status: int, body: bytes) -> None:
        """The message is taken; the answer may be lost all the same."""
        if fault in ("drop", "stall"):
            time.sleep(self.server.knows.stall_seconds if fault == "stall" else 0)
            self.close_connection = True
        elif fault in ("502", "503", "504"):
            self._write(int(fault), NOT_JSON, "text/html")
        elif fault == "not json":
            self._write(201, NOT_JSON, "text/html")
        else:
            self._write(status, body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _write(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what is sent is personal."""


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body or b"{}")
    except ValueError as error:
        raise Refusal(400, "BadRequestError", "Invalid JSON supplied in POST data") from error
    return said if isinstance(said, dict) else {}
