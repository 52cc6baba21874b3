"""A private Dovecot on loopback ports, with its own users and folders; it ends with the test (docs/email.md E61)."""

import imaplib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mailgate.model.operator import ImapAccount
from tests.certificates import Certificate
from tests.make import HELPDESK
from tests.servers import free_port

DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"
MISSING = "Dovecot is not installed: make services"
PASSWORD = "test"

CONFIGURATION = """\
protocols = imap
listen = 127.0.0.1
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
ssl = {tls}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain xoauth2
auth_failure_delay = 0
mail_location = maildir:{root}/mail/%u
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 0
first_valid_gid = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {root}/oauth2.conf.ext
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={root}/home/%u
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = .
}}
"""

TOKENS = """\
introspection_mode = post
introspection_url = {url}
username_attribute = email
active_attribute = active
active_value = true
"""


@dataclass(frozen=True)
class Dovecot:
    port: int
    tls_port: int
    root: Path
    prefix: str = ""
    user: str = "helpdesk@council.example"

    def account(self, **settings: object) -> ImapAccount:
        secret = self.root / "secret"
        secret.write_text(PASSWORD)
        values = {"mailbox": HELPDESK, "host": "127.0.0.1", "port": self.port, "ssl": False, "user": self.user}
        return ImapAccount.model_validate({**values, "poll_seconds": 1, "secret_file": str(secret), **settings})

    def of(self, user: str) -> "Dovecot":
        """The same server with the empty folders of another *user*; any name has an account."""
        return replace(self, user=user)

    def deliver(self, *mails: bytes, flags: str = "") -> None:
        """Put mails into the inbox, as a server would."""
        with self.client() as client:
            for mail in mails:
                client.append("INBOX", flags, "", mail)

    def counts(self, *folders: str) -> dict[str, int]:
        """How many mails are in each of *folders* that has any."""
        found = {}
        with self.client() as client:
            for name in folders:
                status, answer = client.status(name if name == "INBOX" else self.prefix + name, "(MESSAGES)")
                found[name] = int(answer[0].rpartition(b" ")[2].rstrip(b")")) if status == "OK" else 0
        return {name: count for name, count in found.items() if count}

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """What a person's mail program would use."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=20) as client:
            client.login(self.user, PASSWORD)
            yield client

    def kick(self) -> None:
        """Close every connection of the user."""
        command = ["doveadm", "-c", self.root / "dovecot.conf", "kick", self.user]
        subprocess.run(command, check=False, capture_output=True, timeout=20)

    def renumber(self) -> None:
        """Forget the numbers of all mails, as after a restored backup."""
        for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
            (self.root / "mail" / self.user / name).unlink(missing_ok=True)


@contextmanager
def dovecot(
    introspection: str = "http://127.0.0.1:9/", certificate: Certificate | None = None, prefix: str = ""
) -> Iterator[Dovecot]:
    """A Dovecot that nobody else uses; skips where Dovecot is not installed."""
    if not Path(DOVECOT).exists():
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="mailgate-dovecot-") as folder:
        yield from _running(Path(folder), introspection, certificate, prefix)


def _running(root: Path, introspection: str, certificate: Certificate | None, prefix: str) -> Iterator[Dovecot]:
    user, group = ("dovecot", "dovecot") if os.geteuid() == 0 else (_name("-un"), _name("-gn"))
    for name in ("run", "state", "mail", "home"):
        (root / name).mkdir()
    if os.geteuid() == 0:
        for place in (root, root / "mail", root / "home"):
            shutil.chown(place, user, group)
    server = Dovecot(free_port(), free_port(), root, prefix)
    pem = f"ssl_cert = <{certificate.file}\nssl_key = <{certificate.key}" if certificate else ""
    (root / "oauth2.conf.ext").write_text(TOKENS.format(url=introspection))
    (root / "dovecot.conf").write_text(
        CONFIGURATION.format(
            root=root,
            user=user,
            group=group,
            tls="yes" if certificate else "no",
            certificate=pem,
            port=server.port,
            tls_port=server.tls_port if certificate else 0,
            password=PASSWORD,
            prefix=prefix,
        )
    )
    master = subprocess.Popen([DOVECOT, "-F", "-c", root / "dovecot.conf"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(server, master)
        yield server
    finally:
        master.send_signal(signal.SIGTERM)
        master.wait(30)


def _name(option: str) -> str:
    return subprocess.run(["id", option], check=True, capture_output=True, text=True).stdout.strip()


def _wait_for(server: Dovecot, master: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and master.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
                if connection.recv(4) == b"* OK":
                    return
        except OSError:
            time.sleep(0.05)
    log = server.root / "log"
    raise RuntimeError("Dovecot did not start: " + (log.read_text()[-1000:] if log.exists() else ""))
