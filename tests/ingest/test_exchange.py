"""Access tokens by msal, from a local stand-in for the authority (E55)."""

import json
import ssl
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest

from mailgate.errors import Refused, TryLater
from mailgate.ingest.exchange import SCOPE, token_source
from tests.certificates import make_certificate

TENANT = "11111111-2222-3333-4444-555555555555"


class Authority(ThreadingHTTPServer):
    """Gives a token for the secret "right"; *asked* holds every request for one."""

    asked: list[dict[str, list[str]]]
    failure = ""
    status = 503


class Answers(BaseHTTPRequestHandler):
    server: Authority

    def do_GET(self) -> None:
        base = f"https://localhost:{self.server.server_port}/{TENANT}"
        names = {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
        }
        self._say(200, names)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.asked.append(form)
        if self.server.failure:
            self._say(self.server.status, {"error": self.server.failure})
        elif form.get("client_secret") == ["right"] or "client_assertion" in form:
            self._say(200, {"access_token": "token-1", "token_type": "Bearer", "expires_in": 3600})
        else:
            refusal = {"error": "invalid_client", "error_codes": [7000215], "correlation_id": "c-1"}
            self._say(401, {**refusal, "error_description": "AADSTS7000215: Invalid client secret provided."})

    def _say(self, status: int, answer: dict[str, object]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("authority"), "localhost")


@pytest.fixture
def authority(certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.file))
    server = Authority(("127.0.0.1", 0), Answers)
    server.asked = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def source(authority: Authority, secret: str):
    return token_source(TENANT, "app", lambda: secret, authority=f"https://localhost:{authority.server_port}")


def test_E55_a_token_is_asked_for_once_and_kept(authority):
    token = source(authority, "right")
    assert (token(), token()) == ("token-1", "token-1")
    (asked,) = authority.asked
    assert (asked["scope"], asked["grant_type"]) == ([SCOPE], ["client_credentials"])


def test_E55_a_refusal_names_the_authoritys_number_and_no_secret(authority):
    with pytest.raises(Refused, match=r"AADSTS7000215, correlation id c-1") as refusal:
        source(authority, "wrong")()
    assert "wrong" not in str(refusal.value)


def test_a_changed_secret_is_read_after_a_refusal(authority):
    secrets = iter(["wrong", "right"])
    token = token_source(TENANT, "app", lambda: next(secrets), f"https://localhost:{authority.server_port}")
    with pytest.raises(Refused):
        token()
    assert token() == "token-1"


def test_an_authority_out_of_order_or_away_is_tried_later(authority):
    for authority.failure, status, said in (
        ("server_error", 503, "does not answer"),
        ("temporarily_unavailable", 400, "out of order"),
    ):
        authority.status = status
        with pytest.raises(TryLater, match=said):
            source(authority, "right")()
    with pytest.raises(TryLater, match="does not answer"):
        token_source(TENANT, "app", lambda: "right", authority="https://localhost:9")()


def test_E55_a_private_key_and_certificate_prove_who_asks(authority, certificate, tmp_path):
    pem = tmp_path / "app.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", "/CN=app"]
    subprocess.run([*command, "-keyout", pem, "-out", tmp_path / "cert"], check=True, capture_output=True)
    assert source(authority, pem.read_text() + (tmp_path / "cert").read_text())() == "token-1"
    assert "client_secret" not in authority.asked[0]
    with pytest.raises(Refused, match="check tenant, client_id and secret_file"):
        source(authority, certificate.key.read_text() + certificate.file.read_text())()  # not an RSA key
