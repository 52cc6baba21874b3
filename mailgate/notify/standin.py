"""A stand-in for GOV.UK Notify on loopback: its routes, checks, messages, limits and receipts, and faults on demand.

docs/notify.md sections 3, 4, 6, 8 and 9 say what the real one does. For tests, and for whoever has no key. POST a
JSON list of faults to /dev/faults: each goes wrong once, at the next call that sends. What there is: ``FAULTS``.
"""

import json
import re
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread, Timer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import jwt

from mailgate.notify.texts import LONGEST_TEXT, TEXTS, Text

SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
KEYS = {
    "live": "3d844edf-8d35-48ac-975b-e847b4f122b0",
    "team": "1a2f6c1e-7b1d-4d27-8d0c-0f2a2f0f6f11",
    "test": "9b1d8f57-70a1-4a3e-9a7e-6c5e2e3d4f22",
}
FAULTS = ("drop", "stall", "502", "503", "not json", "500", "clock", "early", "twice", "late")
PAGE = 250
SKEW_SECONDS = 30
SMOKE = re.compile(r"simulate-delivered(-[23])?@notifications\.service\.gov\.uk|0770090(0000|0111|0222)")
OUTCOMES = {
    "temp-fail@simulator.notify": "temporary-failure",
    "perm-fail@simulator.notify": "permanent-failure",
    "07700900003": "temporary-failure",
    "07700900002": "permanent-failure",
}
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[\w-]+\.)+[\w-]+")
_MOBILE = re.compile(r"(?:0|\+?44)7\d{9}")
_FIELD = re.compile(r"\(\(([^()?]+)(?:\?\?([^()]*))?\)\)")

Reply = tuple[int, Any]


class Refusal(Exception):
    """An answer that is none of success: status, name and message as Notify gives them."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


def template_id(key: str) -> str:
    """The id that the text *key* has here, always the same."""
    return str(uuid.uuid5(uuid.UUID(SERVICE), key))


def api_key(kind: str = "live") -> str:
    return f"{kind}-{SERVICE}-{KEYS[kind]}"


class StandIn:
    """What the server knows. *faults* are taken from the front, one for each call that sends.

    *stall_seconds*: how long a stalled call waits. *bucket* and *daily* are the limits; None: no limit.
    """

    def __init__(self, port: int = 0) -> None:
        self.faults: list[str] = []
        self.stall_seconds = 1.0
        self.bucket: int | None = 1000
        self.daily: int | None = None
        self.team: frozenset[str] | None = None
        self.callback: tuple[str, str] | None = None
        self.receipt_seconds = 0.2
        self.templates: dict[str, tuple[str, Text]] = {template_id(key): (key, text) for key, text in TEXTS.items()}
        self.archived: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.requests = 0
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", port), _Call)
        self._server.knows = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StandIn":
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Answer until the process is told to end."""
        self._server.serve_forever()

    # ------------------------------------------------------------ calls

    def answer(self, method: str, path: str, bears: str, body: bytes) -> Reply:
        """The answer to one call, but for faults."""
        kind = self._kind_of_key(bears)
        parts = urlsplit(path)
        for (wanted, pattern), handle in ROUTES.items():
            found = re.fullmatch(pattern, parts.path) if method == wanted else None
            if found:
                return handle(self, kind, found.groups(), parse_qs(parts.query), _json(body) if body else {})
        raise Refusal(404, "NotFound", "The requested URL was not found on the server.")

    def take_fault(self) -> str:
        with self._lock:
            return self.faults.pop(0) if self.faults else ""

    def _kind_of_key(self, bears: str) -> str:
        if not bears:
            raise Refusal(401, "AuthError", "Unauthorized: authentication token must be provided")
        scheme, _, token = bears.partition(" ")
        if scheme.lower() != "bearer":
            raise Refusal(401, "AuthError", "Unauthorized: authentication bearer scheme must be used")
        claims = _unverified(token)
        for kind, secret in KEYS.items():
            try:
                jwt.decode(token, secret, algorithms=["HS256"], options={"verify_iat": False})
            except jwt.PyJWTError:
                continue
            if "iat" not in claims:
                break
            if abs(time.time() - int(claims["iat"])) > SKEW_SECONDS + 1:
                raise Refusal(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")
            return kind
        raise Refusal(403, "AuthError", "Invalid token: API key not found")

    def send(self, channel: str, kind: str, said: Mapping[str, Any]) -> Reply:
        """Take one message, or refuse it as Notify would."""
        with self._lock:
            self.requests += 1
            if self.bucket is not None:
                if self.bucket <= 0:
                    why = f"Exceeded rate limit for key type {kind.upper()} of 3000 requests per 60 seconds"
                    raise Refusal(429, "RateLimitError", why)
                self.bucket -= 1
            to, text = self._checked(channel, kind, said)
            if self.daily is not None:
                if self.daily <= 0:
                    raise Refusal(429, "TooManyRequestsError", f"Exceeded send limits ({channel}: 50) for today")
                self.daily -= 1
            message = self._message(channel, kind, to, text, said)
            if not SMOKE.fullmatch(to):
                self.sent.append(message)
        return 201, {name: message[name] for name in ("id", "reference", "template", "uri")} | {
            "content": {"body": message["body"], "subject": message["subject"]},
            "scheduled_for": None,
        }

    def _checked(self, channel: str, kind: str, said: Mapping[str, Any]) -> tuple[str, Text]:
        field = "email_address" if channel == "email" else "phone_number"
        known = {field, "template_id", "personalisation", "reference"} | (
            {"email_reply_to_id", "one_click_unsubscribe_url", "sanitise_content_for"}
            if channel == "email"
            else {"sms_sender_id"}
        )
        if unknown := sorted(set(said) - known):
            raise Refusal(
                400, "ValidationError", f"Additional properties are not allowed ({unknown[0]} was unexpected)"
            )
        to, template = str(said.get(field, "")), str(said.get("template_id", ""))
        if channel == "email" and not _EMAIL.fullmatch(to):
            raise Refusal(400, "ValidationError", "email_address Not a valid email address")
        if channel == "sms" and not _MOBILE.fullmatch(to.replace(" ", "")):
            raise Refusal(400, "InvalidPhoneError", "Not a UK mobile number")
        if not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", template):
            raise Refusal(400, "ValidationError", "template_id is not a valid UUID")
        if len(str(said.get("reference") or "")) > 1000:
            raise Refusal(400, "ValidationError", "reference is too long")
        return to, self._fitting(channel, kind, to, template, said)

    def _fitting(self, channel: str, kind: str, to: str, template: str, said: Mapping[str, Any]) -> Text:
        if template not in self.templates:
            raise Refusal(400, "BadRequestError", "Template not found")
        _, text = self.templates[template]
        if template in self.archived:
            raise Refusal(400, "BadRequestError", f"Template {template} has been deleted")
        if text.kind != channel:
            other = "email" if channel == "email" else "text message"
            raise Refusal(400, "BadRequestError", f"{text.kind} template is not suitable for {other} notification")
        values = {_plain(name): value for name, value in (said.get("personalisation") or {}).items()}
        missing = [name for name in text.fields if values.get(_plain(name)) is None]
        if missing:
            raise Refusal(400, "BadRequestError", f"Missing personalisation: {', '.join(missing)}")
        if any(not isinstance(values.get(_plain(name)), str) for name in said.get("sanitise_content_for") or ()):
            raise Refusal(500, "Exception", "Internal server error")
        if kind == "team" and self.team is not None and to not in self.team:
            raise Refusal(400, "BadRequestError", "Can’t send to this recipient using a team-only API key")
        if channel == "sms" and len(_filled(text.body, values, ())) > LONGEST_TEXT:
            raise Refusal(400, "BadRequestError", "Your message is too long. Text messages cannot be longer than 918")
        return text

    def _message(self, channel: str, kind: str, to: str, text: Text, said: Mapping[str, Any]) -> dict[str, Any]:
        name = str(uuid.uuid4())
        values = {_plain(key): value for key, value in (said.get("personalisation") or {}).items()}
        safe = [_plain(key) for key in said.get("sanitise_content_for") or ()]
        return {
            "id": name,
            "reference": said.get("reference"),
            "email_address" if channel == "email" else "phone_number": to,
            "type": channel,
            "status": "created",
            "template": {
                "id": said["template_id"],
                "version": 1,
                "uri": f"{self.url}/v2/template/{said['template_id']}",
            },
            "subject": " ".join(_filled(text.subject, values, safe).split()),
            "body": _filled(text.body, values, safe),
            "uri": f"{self.url}/v2/notifications/{name}",
            "created_at": _now(),
            "sent_at": None,
            "completed_at": None,
            "kind": kind,
            "to": to,
        }

    def report(self, notify_id: str, *, times: int = 1) -> None:
        """Decide what becomes of a message, and tell whoever wants to hear of it."""
        message = next(each for each in self.sent if each["id"] == notify_id)
        status = OUTCOMES.get(message["to"], "delivered")
        message |= {"status": status, "sent_at": _now(), "completed_at": _now()}
        if self.callback is None:
            return
        url, token = self.callback
        receipt = {name: message[name] for name in ("id", "reference", "to", "status", "created_at", "completed_at")}
        body = json.dumps(receipt | {"notification_type": message["type"]}).encode()
        bears = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for _ in range(times):
            with suppress(OSError):  # Notify tries again; whoever wants that of us asks by id
                urllib.request.urlopen(urllib.request.Request(url, body, bears), timeout=5).close()  # noqa: S310


# ---------------------------------------------------------------- the routes of section 4

Groups = tuple[str, ...]
Query = Mapping[str, list[str]]
Handle = Callable[[StandIn, str, Groups, Query, Mapping[str, Any]], Reply]


def _email(knows: StandIn, kind: str, groups: Groups, query: Query, said: Mapping[str, Any]) -> Reply:
    return knows.send("email", kind, said)


def _sms(knows: StandIn, kind: str, groups: Groups, query: Query, said: Mapping[str, Any]) -> Reply:
    return knows.send("sms", kind, said)


def _one(knows: StandIn, kind: str, groups: Groups, query: Query, said: Mapping[str, Any]) -> Reply:
    found = next((each for each in knows.sent if each["id"] == groups[0]), None)
    if found is None:
        raise Refusal(404, "NoResultFound", "No result found")
    return 200, found


def _list(knows: StandIn, kind: str, groups: Groups, query: Query, said: Mapping[str, Any]) -> Reply:
    """Newest first, a page at a time, and only what was sent with the same type of key."""
    wanted = {name: query[name][0] for name in ("reference", "status") if name in query}
    found = [each for each in reversed(knows.sent) if each["kind"] == kind]
    found = [each for each in found if all(each[name] == value for name, value in wanted.items())]
    if "older_than" in query:
        ids = [each["id"] for each in found]
        last = query["older_than"][0]
        found = found[ids.index(last) + 1 :] if last in ids else []
    page = found[:PAGE]
    links = {"current": f"{knows.url}/v2/notifications"}
    if page:  # of the last page too: what follows it is empty
        links["next"] = f"{knows.url}/v2/notifications?older_than={page[-1]['id']}"
    return 200, {"notifications": page, "links": links}


def _templates(knows: StandIn, kind: str, groups: Groups, query: Query, said: Mapping[str, Any]) -> Reply:
    wanted = query.get("type", [""])[0]
    return 200, {"templates": [_shown(knows, name) for name in knows.templates if wanted in ("", _kind(knows, name))]}


def _template(knows: StandIn, kind: str, groups: Groups, query: Query, said: Mapping[str, Any]) -> Reply:
    if groups[0] not in knows.templates:
        raise Refusal(404, "NoResultFound", "No result found")
    return 200, _shown(knows, groups[0])


def _preview(knows: StandIn, kind: str, groups: Groups, query: Query, said: Mapping[str, Any]) -> Reply:
    text = knows.templates[groups[0]][1]
    values = {_plain(name): value for name, value in (said.get("personalisation") or {}).items()}
    return 200, {"id": groups[0], "type": text.kind, "version": 1, "body": _filled(text.body, values, ())}


def _texts(knows: StandIn, kind: str, groups: Groups, query: Query, said: Mapping[str, Any]) -> Reply:
    return 200, {"received_text_messages": [], "links": {"current": f"{knows.url}/v2/received-text-messages"}}


_ID = "([0-9a-f-]{36})"
ROUTES: Mapping[tuple[str, str], Handle] = {
    ("POST", "/v2/notifications/email"): _email,
    ("POST", "/v2/notifications/sms"): _sms,
    ("GET", f"/v2/notifications/{_ID}"): _one,
    ("GET", "/v2/notifications"): _list,
    ("GET", "/v2/templates"): _templates,
    ("GET", f"/v2/template/{_ID}"): _template,
    ("GET", rf"/v2/template/{_ID}/version/\d+"): _template,
    ("POST", f"/v2/template/{_ID}/preview"): _preview,
    ("GET", "/v2/received-text-messages"): _texts,
}


def _kind(knows: StandIn, name: str) -> str:
    return knows.templates[name][1].kind


def _shown(knows: StandIn, name: str) -> dict[str, Any]:
    text = knows.templates[name][1]
    fields = {field: {"required": True} for field in text.fields}
    shown = {"id": name, "name": text.title, "type": text.kind, "version": 1, "personalisation": fields}
    return shown | {"body": text.body, "subject": text.subject or None, "created_at": _now(), "created_by": "dev"}


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _filled(text: str, values: Mapping[str, Any], safe: list[str] | tuple[str, ...]) -> str:
    """*text* with its values; those in *safe* have their marks of markdown escaped and their addresses taken out."""

    def value(found: re.Match[str]) -> str:
        name = _plain(found[1])
        said = values.get(name, "")
        if found[2] is not None:
            return found[2] if str(said).lower() in ("yes", "y", "true", "t", "1", "include", "show") else ""
        shown = "\n".join(f"* {each}" for each in said) if isinstance(said, list) else str(said)
        return re.sub(r"([\[\]()#*_^`])", r"\\\1", re.sub(r"https?://\S+", "", shown)) if name in safe else shown

    return _FIELD.sub(value, text)


def _unverified(token: str) -> Mapping[str, Any]:
    try:
        head = jwt.get_unverified_header(token)
        claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise Refusal(403, "AuthError", "Invalid token: make sure your API token matches the example") from error
    if head.get("alg") != "HS256":
        raise Refusal(403, "AuthError", "Invalid token: algorithm used is not HS256")
    if "iss" not in claims:
        raise Refusal(403, "AuthError", "Invalid token: iss field not provided")
    if not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(claims["iss"])):
        raise Refusal(403, "AuthError", "Invalid token: service id is not the right data type")
    if claims["iss"] != SERVICE:
        raise Refusal(403, "AuthError", "Invalid token: service not found")
    return claims


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except ValueError as error:
        raise Refusal(400, "BadRequestError", "Invalid JSON supplied in POST data") from error
    return said if isinstance(said, dict) else {}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    knows: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    NOT_JSON: ClassVar = b"<html><body><h1>502 Bad Gateway</h1></body></html>"

    def do_GET(self) -> None:
        self._respond("GET")

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
            if fault == "clock":
                raise Refusal(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")
            if fault == "500":
                raise Refusal(500, "Exception", "Internal server error")
            status, said = knows.answer(method, self.path, self.headers.get("Authorization", ""), body)
        except Refusal as refusal:
            error = {"error": refusal.name, "message": refusal.message}
            return self._write(refusal.status, json.dumps({"status_code": refusal.status, "errors": [error]}).encode())
        if is_sending and status == 201 and any(each["id"] == said["id"] for each in knows.sent):
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
        if fault == "drop":
            self.close_connection = True
        elif fault == "stall":
            time.sleep(self.server.knows.stall_seconds)
            self.close_connection = True
        elif fault in ("502", "503"):
            self._write(int(fault), self.NOT_JSON, "text/html")
        elif fault == "not json":
            self._write(201, self.NOT_JSON, "text/html")
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
