"""Postfix as the client: what a real MTA with a queue does with our answers."""

import shutil
import smtplib
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from mailgate.errors import TryLater
from mailgate.ingest.listener import local_socket
from mailgate.ingest.lmtp import LmtpSession
from tests.certificates import make_certificate
from tests.fakes import MemorySpool
from tests.listening import listening, make_config
from tests.postfix import Postfix, postfix

MAIL = (
    b"From: ann@mail.example\r\nTo: help@city.example\r\nSubject: %d\r\n\r\n.\r\n..two\r\n" + (b"x" * 70 + b"\r\n") * 40
)


def wait_until(holds) -> None:
    deadline = time.monotonic() + 30
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert holds()


def send_all_once_put_off(spool: MemorySpool, server: Postfix, recipients: list[str]) -> None:
    """Twenty mails that Postfix has to queue, because we put them off, and that come in when we no longer do."""
    spool.failure = TryLater("not yet")
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        for number in range(20):
            client.sendmail("ann@mail.example", recipients, MAIL % number)
    wait_until(lambda: server.queued() == 20)
    spool.failure = None
    wait_until(lambda: server.queued() == 0)


def assert_each_came_once(spool: MemorySpool) -> None:
    assert len(spool.mails) == 20
    for envelope, raw in spool.mails:
        assert envelope.recipients == ("help@city.example", "second@city.example")
        assert raw.partition(b"\r\n\r\n")[2] == b".\r\n..two\r\n" + (b"x" * 70 + b"\r\n") * 40


def test_postfix_hands_over_every_mail_once_also_after_it_was_put_off():
    spool = MemorySpool()
    with listening(spool) as running, postfix(running.port) as server:
        send_all_once_put_off(spool, server, ["help@city.example", "second@city.example"])
    assert_each_came_once(spool)


def test_postfix_hands_over_encrypted_where_that_is_required(tmp_path):
    ours, spool = make_certificate(tmp_path, "mx.city.example"), MemorySpool()
    config = make_config(tls={"certificate": str(ours.file), "key": str(ours.key), "required": True})
    with listening(spool, config) as running, postfix(running.port, smtp_tls_security_level="encrypt") as server:
        send_all_once_put_off(spool, server, ["help@city.example", "second@city.example"])
    assert_each_came_once(spool)


def test_R2_postfix_over_lmtp_hears_one_reply_for_each_recipient():
    spool = MemorySpool()
    with listening(spool, session=LmtpSession) as running, postfix(f"lmtp:inet:127.0.0.1:{running.port}") as server:
        send_all_once_put_off(spool, server, ["help@city.example", "second@city.example", "nobody@city.example"])
    assert_each_came_once(spool)


def test_E19_postfix_over_a_unix_socket():
    spool = MemorySpool()
    with TemporaryDirectory(prefix="mailgate-lmtp-") as folder, local_socket(Path(folder) / "lmtp") as local:
        Path(folder).chmod(0o755)
        with listening(spool, local=local) as running, postfix(f"lmtp:unix:{folder}/lmtp") as server:
            shutil.chown(Path(folder) / "lmtp", group="postfix")
            send_all_once_put_off(spool, server, ["help@city.example", "second@city.example"])
            assert not running.listener.strangers
    assert_each_came_once(spool)
    assert {envelope.peer for envelope, _ in spool.mails} == {"127.0.0.1"}
