"""Servers on loopback that refuse, and quote in their answers whatever they were sent: a relay, GOV.UK Notify, IMAP."""

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import cycle
from typing import Any


class _Server(socketserver.ThreadingTCPServer):
    """*asked* counts the calls that were answered; *refuses_logins* may be changed at any time."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, handler: Any, answers: tuple[str, ...]) -> None:
        self.asked, self.refuses_logins = 0, False
        self._answers, self._lock = cycle(answers), threading.Lock()
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def next_answer(self) -> str:
        with self._lock:
            self.asked += 1
            return next(self._answers)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is not heard."""


class _Session(socketserver.StreamRequestHandler):
    server: _Server
    timeout = 60


class _Relay(_Session):
    def handle(self) -> None:
        self._say("220 relay")
        told = ""
        while line := self.rfile.readline().decode("latin-1").strip():
            verb = line[:4].upper()
            if verb == "EHLO":
                self._say("250-relay\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                said = base64.b64decode(line.split()[-1]).decode("latin-1").replace("\0", " ")
                self._say(f"535 5.7.8 no such login: {said} {line}" if self.server.refuses_logins else "235 welcome")
            elif verb == "RCPT":
                answer = self.server.next_answer()
                self._say({"550": f"550 5.1.1 {line} {told}", "451": f"451 4.2.0 {line} {told}"}.get(answer, "250 ok"))
            elif verb == "DATA":
                self._say("354 go on")
                told = self._mail()
                self._say(f"554 5.7.1 unwanted: {told}" if self.server.next_answer() == "550" else f"250 {told}")
            else:
                self._say("221 bye" if verb == "QUIT" else "250 ok")

    def _mail(self) -> str:
        """The beginning of what is sent, on one line."""
        lines = list(iter(self.rfile.readline, b".\r\n"))
        return " ".join(line.decode("latin-1").strip() for line in lines)[:400]

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode("latin-1", "replace") + b"\r\n")


class _Notify(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status = int(self.server.next_answer())
        told = f"{said} {self.headers['Authorization']} {self.server.key}"
        body = json.dumps({"errors": [{"error": "ValidationError", "message": told}], "status_code": status})
        if status == 500:
            body = told
        self.send_response(status, told.replace("\n", " ")[:200])
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self) -> None:
        self.headers["Content-Length"] = "0"
        self.do_POST()

    def log_message(self, *_: Any) -> None: ...


class _Imap(_Session):
    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        while line := self.rfile.readline().decode("latin-1").strip():
            self.server.asked += 1
            tag, _, command = line.partition(" ")
            if command.upper() == "CAPABILITY":
                self.wfile.write(f"* CAPABILITY IMAP4rev1 UIDPLUS MOVE\r\n{tag} OK done\r\n".encode())
            else:
                self.wfile.write(f"{tag} NO [AUTHENTICATIONFAILED] no such login: {command}\r\n".encode())


@contextmanager
def relay() -> Iterator[_Server]:
    with _running(_Server(_Relay, ("550", "250", "451", "250", "250"))) as server:
        yield server


@contextmanager
def notify(key: str) -> Iterator[_Server]:
    """It quotes the *key* too, which it is never sent."""
    server = _Server(_Notify, ("400", "500", "400", "429", "400", "403"))
    vars(server)["key"] = key
    with _running(server):
        yield server


@contextmanager
def imap() -> Iterator[_Server]:
    with _running(_Server(_Imap, ("",))) as server:
        yield server


@contextmanager
def _running(server: _Server) -> Iterator[_Server]:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
