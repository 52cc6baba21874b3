"""STARTTLS, over raw sockets against the real listener."""

import os
import shutil
import ssl
import time

import pytest

from mailgate.errors import Refused
from mailgate.ingest.listener import Encryption, encryption
from mailgate.model.operator import Tls
from tests.certificates import make_certificate, trusting
from tests.fakes import MemorySpool
from tests.gateway import gateway, wait_until
from tests.listening import ENVELOPE, Dialogue, listening, make_config

HOST = "mx.city.example"
MAIL = b"MAIL FROM:<ann@mail.example>"
REFUSED = b"530 5.7.0 Must issue a STARTTLS command first"


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("ours"), HOST)


@pytest.fixture(scope="module")
def running(ours):
    with listening(MemorySpool(), make_config(tls=tls(ours))) as listener:
        yield listener


def tls(certificate, **more):
    return {"certificate": str(certificate.file), "key": str(certificate.key), **more}


def encrypted(port: int, context: ssl.SSLContext) -> Dialogue:
    client = Dialogue(port)
    assert b"STARTTLS" in client.say(b"EHLO me")
    assert client.say(b"STARTTLS").startswith(b"220 2.0.0")
    client.encrypt(context)
    return client


def test_a_mail_comes_in_encrypted(running, ours):
    with encrypted(running.port, trusting(ours)) as client:
        assert b"STARTTLS" not in client.say(b"EHLO me")
        replies = client.say_all(*ENVELOPE.split(b"\r\n")[1:-1], b"x\r\n.", b"QUIT")
    assert [reply[:3] for reply in replies] == [b"250", b"250", b"354", b"250", b"221"]


def test_a_big_mail_comes_in_encrypted_as_it_was_written(ours):
    spool, text = MemorySpool(), b"".join(b"line %d\r\n" % number for number in range(500_000))
    with listening(spool, make_config(tls=tls(ours))) as running, encrypted(running.port, trusting(ours)) as client:
        client.say_all(*ENVELOPE.split(b"\r\n")[:-1])
        client.send(text + b".\r\n")
        assert client.reply().startswith(b"250 2.0.0 queued as")
    assert spool.mails[0][1] == text


def test_what_was_said_before_the_handshake_is_forgotten(running, ours):
    with Dialogue(running.port) as client:
        client.say_all(b"EHLO me", MAIL, b"STARTTLS")
        client.encrypt(trusting(ours))
        assert client.say(MAIL).startswith(b"503 5.5.1 say EHLO first")
        assert client.say_all(b"EHLO me", MAIL)[1] == b"250 2.1.0 ok"


def test_S3_what_is_pipelined_behind_starttls_is_discarded(running, ours):
    with Dialogue(running.port) as client:
        client.say(b"EHLO me")
        client.send(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@mail.example>\r\n")
        assert client.reply().startswith(b"220")
        client.encrypt(trusting(ours))
        assert client.say(b"NOOP") == b"250 2.0.0 ok"
        assert client.say(b"RCPT TO:<help@city.example>").startswith(b"503 5.5.1 say MAIL first")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_E28_new_versions_of_tls_are_spoken(running, ours, version):
    context = trusting(ours)
    context.minimum_version = context.maximum_version = version
    with encrypted(running.port, context) as client:
        assert client.say(b"NOOP").startswith(b"250")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_E28_an_old_version_of_tls_is_refused(running, ours):
    context = trusting(ours)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        encrypted(running.port, context)


def test_a_failed_handshake_ends_the_session_and_nothing_else(running, ours):
    with Dialogue(running.port) as client:
        client.say_all(b"EHLO me", b"STARTTLS")
        client.send(b"this is no handshake\r\n" * 20)
        assert client.reply()[:3] not in (b"220", b"250")
    with Dialogue(running.port) as client:
        client.say_all(b"EHLO me", b"STARTTLS")
    deadline = time.monotonic() + 10
    while running.listener.sessions and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not running.listener.sessions
    test_a_mail_comes_in_encrypted(running, ours)


def test_starttls_out_of_place(running, ours):
    with Dialogue(running.port) as client:
        assert client.say(b"STARTTLS now").startswith(b"501 5.5.4")
    with encrypted(running.port, trusting(ours)) as client:
        assert client.say(b"STARTTLS").startswith(b"503 5.5.1")
    with listening(MemorySpool()) as plain, Dialogue(plain.port) as client:
        assert b"STARTTLS" not in client.say(b"EHLO me")
        assert client.say(b"STARTTLS").startswith(b"502 5.5.1")


def test_E10_required_tls_refuses_everything_else(ours):
    with listening(MemorySpool(), make_config(tls=tls(ours, required=True))) as required:
        with Dialogue(required.port) as client:
            commands = (b"HELO me", MAIL, b"RCPT TO:<help@city.example>", b"DATA", b"RSET", b"VRFY help", b"FROB")
            assert client.say_all(*commands) == [REFUSED] * 7
            assert client.say(b"NOOP").startswith(b"250")
            assert client.say(b"QUIT").startswith(b"221")
        with encrypted(required.port, trusting(ours)) as client:
            assert client.say_all(b"EHLO me", MAIL)[1].startswith(b"250")


@pytest.fixture(scope="module")
def by_certificate(ours, tmp_path_factory):
    """A listener without relays that lets in who shows a certificate of *authority* for out.example."""
    folder = tmp_path_factory.mktemp("authority")
    authority = make_certificate(folder, "authority")
    config = make_config(relays=[], tls=tls(ours, clients=["Out.example"], authorities=str(authority.file)))
    with listening(MemorySpool(), config) as listener:
        yield listener, lambda name: make_certificate(folder, name, authority)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mail.out.example", b"250 2.1.0"), ("out.example", b"250 2.1.0"), ("evilout.example", b"554 5.7.1")],
)
def test_E28_a_certificate_lets_in_who_is_no_relay(by_certificate, ours, name, expected):
    listener, certified = by_certificate
    with encrypted(listener.port, trusting(ours, certified(name))) as client:
        assert client.say_all(b"EHLO me", MAIL)[1].startswith(expected)


@pytest.mark.parametrize(
    ("name", "tenant", "vouched"),
    [("x.mail.protection.outlook.com", True, True), ("x.mail.protection.outlook.com", False, False),
     ("partner.example", True, False)],
)  # fmt: skip
def test_E181_only_exchanges_own_certificate_gives_weight_to_its_headers(ours, tmp_path, name, tenant, vouched):
    authority = make_certificate(tmp_path, "authority")
    clients = ["mail.protection.outlook.com", "partner.example"]
    door = {"relays": [], "tls": tls(ours, clients=clients, authorities=str(authority.file))}
    door |= {"tenant": "11111111-2222-3333-4444-555555555555"} if tenant else {}
    spool, shown = MemorySpool(), make_certificate(tmp_path, name, authority)
    with listening(spool, make_config(**door)) as running, encrypted(running.port, trusting(ours, shown)) as client:
        replies = client.say_all(*ENVELOPE.split(b"\r\n")[:-1], b"x\r\n.")
    assert replies[-1].startswith(b"250")
    assert spool.mails[0][0].vouched is vouched


def test_E28_without_a_certificate_no_relay_is_no_relay(by_certificate, ours, tmp_path):
    listener, _ = by_certificate
    with Dialogue(listener.port) as client:
        assert client.banner.startswith(b"220")
        assert client.say_all(b"EHLO me", MAIL)[1] == REFUSED
    with encrypted(listener.port, trusting(ours)) as client:
        assert client.say_all(b"EHLO me", MAIL)[1].startswith(b"554 5.7.1")
    forged = trusting(ours, make_certificate(tmp_path, "out.example"))
    forged.maximum_version = ssl.TLSVersion.TLSv1_2  # where a client hears of it during the handshake
    with pytest.raises((ssl.SSLError, ConnectionError)):
        encrypted(listener.port, forged)


@pytest.mark.parametrize("wrong", ["certificate", "key", "authorities"])
def test_a_file_that_is_no_certificate_is_named(ours, tmp_path, wrong):
    broken = tmp_path / "broken.pem"
    for content in (None, "nonsense"):
        if content:
            broken.write_text(content)
        settings = Tls.model_validate(
            tls(ours, clients=["a.example"], authorities=str(ours.file)) | {wrong: str(broken)}
        )
        with pytest.raises(Refused, match=r"smtp\.tls.*broken\.pem.*cannot be used"):
            encryption(settings)


def replace_by(shown, new):
    for ours, theirs in ((shown.file, new.file), (shown.key, new.key)):
        os.replace(shutil.copy(theirs, f"{ours}.new"), ours)


def test_a_certificate_that_was_renewed_is_read_again_and_a_broken_one_is_not(tmp_path):
    shown = make_certificate(tmp_path, HOST)
    speaking = Encryption(Tls.model_validate(tls(shown)))
    first = speaking.context
    assert speaking.look_again() is first
    key = shown.key.read_bytes()
    shown.key.write_text("half of a")
    assert speaking.look_again() is first
    shown.key.write_bytes(key)
    assert speaking.look_again() is not first


def shown_by(port, context):
    with encrypted(port, context) as client:
        return client.say(b"EHLO me")


def test_starttls_shows_a_renewed_certificate_without_a_restart(tmp_path):
    shown = make_certificate(tmp_path, HOST)
    (tmp_path / "new").mkdir()
    new = make_certificate(tmp_path / "new", HOST)
    files = {"MAILGATE_SMTP__TLS__CERTIFICATE": str(shown.file), "MAILGATE_SMTP__TLS__KEY": str(shown.key)}
    with (
        gateway(tmp_path, "--role", "smtp", **files) as running,
        encrypted(running.port, trusting(shown)) as open_already,
    ):
        replace_by(shown, new)
        wait_until(lambda: "has changed: new connections" in running.log())
        assert shown_by(running.port, trusting(new)).startswith(b"250-")
        assert open_already.say(b"EHLO me").startswith(b"250-")
