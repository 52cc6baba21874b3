"""``mailgate serve`` at its doors: stopped in the middle, its disk full, its sockets shared."""

import re
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import event

from mailgate.model.operator import Operator
from mailgate.store.engine import open_store
from mailgate.store.group_commit import GroupCommit
from mailgate.store.schema import upgrade
from tests.certificates import make_certificate, trusting
from tests.gateway import MAILBOX, gateway, wait_until
from tests.listening import ENVELOPE, Dialogue, listening
from tests.servers import free_port

HELLO = b"EHLO me"
COMMANDS = (b"MAIL FROM:<ann@mail.example>", b"RCPT TO:<%s>" % MAILBOX.encode(), b"DATA")


def keep_sending(port: int, client: int, accepted: list[int], last_words: list[bytes]) -> None:
    """One mail after the other until the gateway says no; each that was accepted is noted by its number."""
    with Dialogue(port) as dialogue:
        dialogue.say(HELLO)
        for number in range(client * 10_000, client * 10_000 + 10_000):
            try:
                replies = dialogue.say_all(*COMMANDS, b"Subject: %d\r\n\r\nx\r\n." % number)
            except ConnectionError:
                return
            if not replies[-1].startswith(b"250 2.0.0 queued as"):
                last_words.append(next((reply for reply in replies if not reply.startswith((b"25", b"354"))), b""))
                return
            accepted.append(number)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_every_mail_that_was_accepted_is_there_after_a_stop_while_ten_transactions_run(tmp_path, processes):
    accepted: list[int] = []
    last_words: list[bytes] = []
    with gateway(tmp_path, MAILGATE_WORKERS__PROCESSES=processes) as running:
        clients = [
            threading.Thread(target=keep_sending, args=(running.port, client, accepted, last_words))
            for client in range(10)
        ]
        for client in clients:
            client.start()
        wait_until(lambda: len(accepted) > 100)
        assert running.stop() == 0
        for client in clients:
            client.join(20)
        contents = [bytes(content) for (content,) in running.rows("SELECT content FROM raw_mails")]
    stored = {int(found[1]) for content in contents if (found := re.match(rb"Subject: (\d+)\r\n", content))}
    assert set(accepted) <= stored
    assert len(stored - set(accepted)) <= 10
    assert {word for word in last_words if word} <= {b"421 4.3.2 try again later"}


def test_R6_a_mail_whose_sender_left_before_the_reply_and_came_again_is_one_ticket(tmp_path):
    mail = b"From: ann@mail.example\r\nSubject: a licence\r\nMessage-ID: <1@mail.example>\r\n\r\nPlease.\r\n.\r\n"
    with gateway(tmp_path) as running:
        for _ in range(3):
            with Dialogue(running.port) as client:
                client.say_all(HELLO, *COMMANDS)
                client.send(mail)
        with Dialogue(running.port) as client:
            client.say_all(HELLO, *COMMANDS)
            client.send(mail)
            assert client.reply().startswith(b"250 2.0.0 queued as")
        wait_until(running.is_idle)
        assert running.rows("SELECT (SELECT count(*) FROM raw_mails), (SELECT count(*) FROM tickets)") == [(1, 1)]


def test_a_port_in_use_is_said_once_before_there_are_processes(tmp_path):
    with gateway(tmp_path) as first:
        other = tmp_path / "other"
        other.mkdir()
        settings = {"MAILGATE_SMTP__LISTEN": f"127.0.0.1:{first.port}", "MAILGATE_WORKERS__PROCESSES": "2"}
        with pytest.raises(RuntimeError, match="the gateway ended"), gateway(other, **settings):
            pass
        said = (other / "log").read_text()
    assert said.count("cannot be listened on (Address already in use): change smtp.listen") == 1
    assert "Traceback" not in said


def test_a_certificate_that_is_not_there_is_said_at_the_start(tmp_path):
    settings = {"MAILGATE_SMTP__TLS__CERTIFICATE": "no.pem", "MAILGATE_SMTP__TLS__KEY": "no.key"}
    with (
        pytest.raises(RuntimeError, match=r"smtp\.tls: no\.pem and no\.key cannot be used"),
        gateway(tmp_path, **settings),
    ):
        pass


def test_the_running_gateway_speaks_tls_where_it_is_required(tmp_path):
    ours = make_certificate(tmp_path, "mx.city.example")
    settings = {"CERTIFICATE": str(ours.file), "KEY": str(ours.key), "REQUIRED": "yes"}
    with gateway(tmp_path, **{f"MAILGATE_SMTP__TLS__{name}": value for name, value in settings.items()}) as running:
        with Dialogue(running.port) as client:
            assert client.say_all(HELLO, *COMMANDS)[1].startswith(b"530 5.7.0")
            client.say(b"STARTTLS")
            client.encrypt(trusting(ours))
            assert client.say_all(HELLO, *COMMANDS, b"x\r\n.")[-1].startswith(b"250 2.0.0 queued as")
        assert running.rows("SELECT count(*) FROM raw_mails") == [(1,)]


def test_the_running_gateway_looks_at_its_disk(tmp_path):
    with gateway(tmp_path, MAILGATE_STORE__KEEP_FREE="1000000 GiB") as running, Dialogue(running.port) as client:
        assert client.say_all(HELLO, *COMMANDS)[1] == b"452 4.3.1 insufficient system storage"


def test_E19_several_processes_share_the_unix_socket_and_replace_one_that_a_killed_gateway_left(tmp_path):
    with TemporaryDirectory(prefix="mailgate-lmtp-") as folder:
        path = Path(folder) / "lmtp"
        settings = {"MAILGATE_LMTP__LISTEN": f"unix:{path}", "MAILGATE_WORKERS__PROCESSES": "2"}
        with gateway(tmp_path, **settings) as running:
            wait_until(lambda: running.log().count(f"unix:{path}") == 2)
            running.kill()
            assert path.exists()
            running.start()
            wait_until(lambda: running.log().count(f"unix:{path}") == 4)
            for number in range(10):
                with Dialogue(path) as client:
                    assert client.banner.endswith(b"LMTP mailgate")
                    replies = client.say_all(b"LHLO me", *COMMANDS, b"Subject: %d\r\n\r\nx\r\n." % number)
                    assert replies[-1].startswith(b"250 2.0.0 queued as")
            assert running.stop() == 0
            assert not path.exists()
            assert running.rows("SELECT count(*) FROM raw_mails") == [(10,)]


def test_E20_lmtp_listens_on_an_address_too(tmp_path):
    port = free_port()
    with gateway(tmp_path, MAILGATE_LMTP__LISTEN=f"127.0.0.1:{port}"), Dialogue(port) as client:
        assert client.say(b"LHLO me").startswith(b"250-")


def test_G1_a_full_database_puts_mail_off_and_keeps_nothing(tmp_path):
    with closing(open_store(Operator.model_validate({"store": {"url": f"sqlite:///{tmp_path}/a.db"}}))) as store:
        upgrade(store)
        spool = GroupCommit(store)
        with listening(spool) as running, Dialogue(running.port) as client:
            client.say_all(*ENVELOPE.split(b"\r\n")[:-1])
            with store.read() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            limit_pages(store, pages + 4)
            client.send(b"x" * 50_000 + b"\r\n.\r\n")
            assert client.reply().startswith(b"451 4.3.0 try again later [")
            with store.read() as connection:
                assert connection.exec_driver_sql("SELECT count(*) FROM raw_mails").scalar_one() == 0
            limit_pages(store, 1_000_000)
            assert client.say_all(*ENVELOPE.split(b"\r\n")[1:-1], b"x\r\n.")[-1].startswith(b"250 2.0.0")
        spool.close()


def limit_pages(store, pages: int) -> None:
    """Let the database of *store* have no more than *pages*, on every connection from now on."""
    store.engine.dispose()
    event.listen(store.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={pages}"))
