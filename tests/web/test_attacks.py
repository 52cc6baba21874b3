"""There are no pages for people: what there is instead stays as it is, and gives nothing away (S60-S71)."""

import ast
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from itertools import product
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from lxml import etree
from sqlalchemy import MetaData

from mailgate import app
from mailgate.gateway import RECEIPTS
from mailgate.model.operator import Operator
from mailgate.store.engine import Store
from mailgate.web.pages import pages, receipts_door
from mailgate.web.server import Server
from mailgate.workers.receipts import Receipts
from tests.conversation import Conversation
from tests.make import make_config
from tests.store import made
from tests.test_architecture import imports, modules
from tests.xss import VECTORS

TOKEN = "a token of at least ten"
ROUTES = {"/metrics", "/health", "/info", "/ping"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X<b>")
POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
OUR_TAGS = {"html", "head", "meta", "title", "body", "table", "tbody", "tr", "td", "th", "a", "p", "strong", "br", "hr"}
OUR_TAGS |= {"b", "em", "i", "span", "h1", "h2", "h3", "ul", "ol", "li"}
TELLS_THE_TEAM = {"name": "all", "when": {"from": "anyone"}, "then": {"tag": ["x"]}}
KINDS = {"text/plain; charset=utf-8", "text/plain; version=0.0.4; charset=utf-8", "application/json"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Site:
    """Everything that ``web.listen`` serves."""

    def __init__(self, port: int, store: Store) -> None:
        self.port, self.store = port, store

    def __call__(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, path, skip_host="Host" in (headers or {}))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        said = connection.getresponse()
        answer = Answer(said.status, {name: said.headers[name] for name in said.headers}, said.read())
        connection.close()
        return answer

    def raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def everything_stored(self) -> dict[str, list[tuple[object, ...]]]:
        known = MetaData()
        with self.store.read() as connection:
            known.reflect(connection)
            return {
                name: [tuple(row) for row in connection.execute(table.select())] for name, table in known.tables.items()
            }


@pytest.fixture
def site(observer, store, clock) -> Iterator[Site]:
    door = receipts_door(Receipts(store, "loop", clock), TOKEN)
    server = Server("127.0.0.1", 0, pages(observer), {RECEIPTS: door})
    server.start()
    yield Site(server.server_port, store)
    server.stop()


def with_a_ticket(site: Site) -> str:
    """Its reference; each part of its mail says "secret"."""
    ticket = made.opened(site.store, what=made.reading("dora.secret@council.example", subject="secret", text="secret"))
    return str(ticket.ref)


def is_bare(answer: Answer) -> bool:
    """Whether it is text or JSON that nobody keeps, shows as a page, or is led on by."""
    headers = answer.headers
    return (
        headers.get("Content-Type") in KINDS
        and headers["Cache-Control"] == "no-store"
        and headers["X-Content-Type-Options"] == "nosniff"
        and headers["Content-Security-Policy"] == POLICY
        and headers["Referrer-Policy"] == "no-referrer"
        and not {"Set-Cookie", "Location", "Refresh", "Content-Disposition"} & headers.keys()
        and not 300 <= answer.status < 400
    )


def test_S64_these_are_all_the_routes_there_are(observer) -> None:
    assert pages(observer).keys() == ROUTES
    assert RECEIPTS == "/notify/receipts"
    serving = {
        module
        for module, file in modules()
        for _, name in imports(ast.parse(Path(file).read_text("utf-8")))
        if name.startswith(("http.server", "wsgiref", "aiohttp", "fastapi", "flask", "starlette"))
        or name == "mailgate.web.server.Server"
    }
    assert serving == {"web.server", "notify.standin.server", "gateway"}


def test_S64_whoever_asks_sees_nothing_of_a_mail_and_cannot_tell_which_tickets_there_are(site) -> None:
    ref = with_a_ticket(site)
    bears = ({}, {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "Basic YTpi"}, {"Cookie": "session=1"})
    paths = [f"/{name}/{{}}" for name in ("ticket", "tickets", "api/tickets", "mail", "attachments")] + [
        "/{}",
        "/?q={}",
    ]
    for path, headers in product(paths, bears):
        known, unknown = (site(path.format(each), headers=headers) for each in (ref, "MG-2222-22"))
        assert known.status == 404
        assert known.body == unknown.body
    for path, headers in product(ROUTES, bears):
        assert b"secret" not in site(path, headers=headers).body


def test_S71_every_answer_is_bare_and_kept_by_nobody(site) -> None:
    paths = (*ROUTES, RECEIPTS, "/", "/elsewhere", "/ping?x=1", "/../etc/passwd", "*", "/" + "x" * 70_000)
    for method, path in product(METHODS, paths):
        answer = site(path, method, body=b"{}" if method == "POST" else None)
        assert is_bare(answer), (method, path[:40], answer)
        assert answer.status in (200, 403, 404, 405, 414)


NO_REQUESTS = (
    b"GET\r\n\r\n",
    b"<script>alert(1)</script> / HTTP/1.0\r\n\r\n",
    b"GET / <script>alert(1)</script>\r\n\r\n",
    b"GET / HTTP/9.9<script>\r\n\r\n",
    b"GET /ping HTTP/1.0\r\n" + b"X: <script>\r\n" * 200 + b"\r\n",
    b"GET /ping HTTP/1.0\r\n<script>: " + b"x" * 70_000 + b"\r\n\r\n",
    b"\0\xff<script>\r\n\r\n",
)


def test_S60_what_is_no_request_is_not_shown_to_whoever_sent_it(site) -> None:
    for request in NO_REQUESTS:
        said = site.raw(request)
        assert b"<" not in said
        assert b"html" not in said.lower()


MAIL = """From: "{name}" <person{number}@council.example>
To: <{mailbox}>
Subject: A{number:05} {subject}
Message-ID: <{number}@council.example>
X-Tag: {header}
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/{kind}; charset=utf-8

Please repair it in room 12. {body}
--b
Content-Type: text/html; name="{file}"
Content-Disposition: attachment; filename="{file}"

{attached}
--b--
"""
FIELDS = ("name", "subject", "header", "body", "file", "attached")


def hostile_mails() -> Iterator[bytes]:
    """Each vector in each place of a mail, in HTML and in plain text."""
    for number, (vector, field) in enumerate(product(VECTORS, FIELDS)):
        kind = "plain" if number % 4 == 0 else "html"
        values = dict.fromkeys(FIELDS, "x") | {
            field: vector if field in ("body", "attached") else vector.split("\n")[0]
        }
        yield MAIL.format(number=number, kind=kind, mailbox=made.HELPDESK, **values).encode()


def test_S60_a_script_in_a_mail_is_neither_on_a_page_nor_in_a_mail_of_ours(site, tmp_path) -> None:
    config = make_config(rules=[TELLS_THE_TEAM]).model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    talk = Conversation(site.store, app.context_of(config, site.store))
    for number, raw in enumerate(hostile_mails()):
        talk.arrives(raw, f"person{number}@council.example")
    written = [each for settled in talk.works() for each in settled.outbound]
    assert len(written) >= 400  # to who asked, and to the team
    for each in written:
        page = message_from_bytes(each.content, policy=policy.default).get_body(["html"])
        assert page is None or not live_things(page.get_content()), each.subject
    for path in ROUTES:
        answer = site(path)
        assert is_bare(answer)
        assert b"alert(1)" not in answer.body
        assert b"evil.example" not in answer.body


def live_things(html: str) -> list[str]:
    """What of a page runs, or is fetched, or leads to another place than a mail to us."""
    found = []
    for element in etree.fromstring(html.encode(), etree.HTMLParser(encoding="utf-8")).iter(etree.Element):
        if element.tag not in OUR_TAGS:
            found.append(str(element.tag))
        for name, value in element.attrib.items():
            if name.startswith("on") or name in ("src", "srcdoc", "background", "action", "formaction", "xlink:href"):
                found.append(f"{name}={value}")
            if (name == "href" and not value.startswith("mailto:")) or (name == "style" and "url" in value):
                found.append(f"{name}={value}")
    return found


def test_S60_a_script_that_slips_through_would_be_seen() -> None:
    assert len([vector for vector in VECTORS if not live_things(f"<p>{vector}</p>")]) <= 5  # those for other contexts


def test_S60_a_request_is_never_shown_to_whoever_sent_it(site) -> None:
    for vector in VECTORS:
        told = quote(vector, safe="<>()/='\"&;:")
        for answer in (
            site(f"/{told}"),
            site(f"/ping?{told}"),
            site("/ping", headers={"X": vector.replace("\n", " ")}),
        ):
            assert is_bare(answer)
            assert b"<" not in answer.body


def test_S61_there_is_no_way_to_a_file_by_the_web(site) -> None:
    with_a_ticket(site)
    ((mail_id, key),) = [row[:2] for row in site.everything_stored()["raw_mails"]]
    for name in (mail_id, key, f"{mail_id}.1", f"attachments/{mail_id}.1", f"raw/{key}", "raw/../mailgate.db"):
        answer = site(f"/{name}")
        assert (answer.status, is_bare(answer)) == (404, True)


def test_S65_no_signature_in_a_link_opens_anything(site) -> None:
    ref = with_a_ticket(site)
    for query in ("token=at2jh5xleiw7uiral", "sig=00", "expires=99999999999&id=1"):
        for path in (f"/{ref}?{query}", f"/t/{ref}-1-at2jh5xleiw7uiral?{query}"):
            assert site(path).status == 404


def test_S66_nothing_that_is_asked_changes_anything(site) -> None:
    with_a_ticket(site)
    before = site.everything_stored()
    assert before["tickets"]
    for method, path in product(METHODS, (*ROUTES, RECEIPTS, "/tickets/1/close", "/ping?do=done")):
        answer = site(path, method, {"Authorization": "Bearer another one"}, body=b"{}" if method == "POST" else None)
        allowed = method in ("GET", "HEAD") and path.partition("?")[0] in ROUTES
        refused = 403 if (method, path) == ("POST", RECEIPTS) else 405
        if path == "/tickets/1/close" and method in ("GET", "HEAD", "POST"):
            refused = 404
        assert answer.status == (200 if allowed else refused), (method, path)
        assert method != "HEAD" or answer.body == b""
    assert site.everything_stored() == before


FORGED = (
    {"Host": "evil.example"},
    {"Host": "evil.example:80@127.0.0.1"},
    {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
    {"Forwarded": "for=127.0.0.1;host=evil.example"},
    {"X-Remote-User": "admin", "Remote-User": "admin", "X-Forwarded-User": "admin"},
    {"X-Original-URL": "/metrics", "X-Rewrite-URL": "/metrics", "X-HTTP-Method-Override": "POST"},
    {"Origin": "https://evil.example", "Referer": "https://evil.example/"},
)


def test_S67_what_a_proxy_might_say_is_not_read(site) -> None:
    for path, forged in product(("/health", "/info", "/ping", "/elsewhere", RECEIPTS), FORGED):
        plain, answer = site(path), site(path, headers=forged)
        assert (answer.status, answer.body) == (plain.status, plain.body)
        assert {**answer.headers, "Date": ""} == {**plain.headers, "Date": ""}
        assert site(RECEIPTS, "POST", forged, b"{}").status == 403


def test_S68_nobody_can_ask_whether_an_address_is_known(site) -> None:
    with_a_ticket(site)
    for path in ("/login", "/sign-in", "/find", "/password"):
        answers = {
            (answer.status, answer.body)
            for address in ("dora.secret@council.example", "nobody@council.example")
            for answer in (
                site(f"{path}?address={address}"),
                site(path, "POST", body=f"user={address}&password=x".encode()),
            )
        }
        assert answers == {(404, b"there is no such page\n")}


ELSEWHERE = ("/ping?next=//evil.example", "//evil.example", "/\\evil.example", "///evil.example/%2e%2e", "http://evil.example/",
     "/?next=javascript:alert(1)", "/login?next=https://evil.example", "/ping/", "/metrics/../info")  # fmt: skip


def test_S69_nobody_is_led_elsewhere(site) -> None:
    for path in ELSEWHERE:
        answer = site(path)
        assert answer.status in (200, 404)
        assert is_bare(answer)
        assert b"evil" not in answer.body + json.dumps(answer.headers).encode()


def test_S70_there_is_no_sign_in_to_be_deceived(site) -> None:
    for path in ("/callback", "/oidc/callback", "/oauth2/authorize", "/.well-known/openid-configuration", "/saml/acs"):
        query = "?code=1&state=2&id_token=eyJhbGciOiJub25lIn0.e30."
        assert site(path + query).status == site(path, "POST", body=b"code=1").status == 404
    used = {name.partition(".")[0] for module, file in modules() if module.startswith("web") or module == "gateway"
            for _, name in imports(ast.parse(Path(file).read_text("utf-8")))}  # fmt: skip
    assert not used & {"jwt", "authlib", "oauthlib", "msal", "ldap3", "crypt", "pam", "bcrypt", "secrets", "hashlib"}
