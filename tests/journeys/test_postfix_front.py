"""Topology B as it ships in ``deploy/postfix``: Postfix takes mail over TLS and hands it over by LMTP (E6)."""

import shutil
import smtplib
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.certificates import make_certificate, trusting
from tests.gateway import MAILBOX, ROOT, Gateway, wait_until
from tests.postfix import need_postfix, run_master
from tests.servers import free_port

SHIPPED = ROOT / "deploy/postfix"
TENANT = "11111111-2222-3333-4444-555555555555"
SENDER = "ann@justice.example"


@contextmanager
def front(folder: Path, lmtp: Path):
    """The shipped Postfix on a port of its own; only what belongs to this machine is changed."""
    port = free_port()
    certificate = make_certificate(folder, "localhost")
    for name in ("queue", "data", "log"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    here = {
        "queue_directory": folder / "queue",
        "data_directory": folder / "data",
        "command_directory": "/usr/sbin",
        "daemon_directory": "/usr/lib/postfix/sbin",
        "maillog_file": folder / "log/mail.log",
        "maillog_file_prefixes": folder,
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "alias_database": "",
        "smtpd_tls_cert_file": certificate.file,
        "smtpd_tls_key_file": certificate.key,
        "relay_domains": "justice.example",
        "relay_transport": f"lmtp:unix:{lmtp}",
    }
    etc = folder / "etc"
    shutil.copytree(SHIPPED, etc)
    kept = [line for line in (etc / "main.cf").read_text().splitlines() if line.partition(" = ")[0] not in here]
    (etc / "main.cf").write_text("\n".join([*kept, *(f"{name} = {value}" for name, value in here.items()), ""]))
    services = (etc / "master.cf").read_text()
    (etc / "master.cf").write_text(services.replace("smtp      inet", f"127.0.0.1:{port} inet"))
    with run_master(folder, port):
        yield port, trusting(certificate)


@pytest.fixture
def folder():
    need_postfix()
    with tempfile.TemporaryDirectory(prefix="mailgate-postfix-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_E6_mail_comes_from_exchange_by_way_of_postfix(tmp_path, folder):
    lmtp = folder / "lmtp"
    running = Gateway(tmp_path, MAILGATE_LMTP__LISTEN=f"unix:{lmtp}")
    mail = (
        f"From: {SENDER}\r\nTo: {MAILBOX}\r\nSubject: Request\r\nMessage-ID: <1@justice.example>\r\n"
        f"X-MS-Exchange-CrossTenant-Id: {TENANT}\r\n\r\nPlease help me.\r\n"
    )
    try:
        running.start()
        shutil.chown(lmtp, "postfix")
        with front(folder, lmtp) as (port, context), smtplib.SMTP("localhost", port, timeout=30) as client:
            with pytest.raises(smtplib.SMTPException, match="STARTTLS"):
                client.sendmail(SENDER, [MAILBOX], mail)
            client.starttls(context=context)
            client.ehlo()
            assert client.has_extn("chunking")
            client.sendmail(SENDER, [MAILBOX], mail)
            wait_until(lambda: running.rows("SELECT count(*) FROM tickets") == [(1,)], 30)
            assert running.rows("SELECT sender FROM raw_mails") == [(SENDER,)]
            with pytest.raises(smtplib.SMTPDataError, match="another organisation"):
                client.sendmail(SENDER, [MAILBOX], mail.replace(TENANT, TENANT.replace("1", "9")))
            client.mail(SENDER)
            assert client.rcpt("nobody@justice.example")[0] == 550
    finally:
        if running.process.poll() is None:
            running.kill()


def test_the_shipped_postfix_is_what_postfix_understands(folder):
    etc = folder / "etc"
    shutil.copytree(SHIPPED, etc)
    said = subprocess.run(["postconf", "-c", etc, "-n"], check=True, capture_output=True, text=True)
    assert said.stderr == ""
    assert "relay_transport = lmtp:unix:/run/mailgate/lmtp" in said.stdout
