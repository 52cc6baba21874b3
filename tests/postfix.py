"""A private Postfix that relays everything to one port, with its own queue; it ends with the test."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import free_port

MASTER = Path("/usr/lib/postfix/sbin/master")
POSTFIX_MISSING = "Postfix is not installed: make services"
POSTFIX_NEEDS_ROOT = "Postfix can only be started by root: run the tests as root"

MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {root}/log/mail.log
maillog_file_prefixes = {root}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.city.example
mydestination =
mynetworks = 127.0.0.0/8
{onward}
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
minimal_backoff_time = 1s
queue_run_delay = 1s
maximal_backoff_time = 2s
smtp_connection_cache_on_demand = yes
"""

SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    port: int
    root: Path

    def queued(self) -> int:
        """How many mails it still has."""
        listing = subprocess.run(["postqueue", "-c", self.root / "etc", "-j"], capture_output=True, check=True)
        return len(listing.stdout.splitlines())


def need_postfix() -> None:
    """Skip where Postfix is not installed, or may not be started."""
    if not MASTER.exists():
        pytest.skip(POSTFIX_MISSING)
    if os.geteuid() != 0:
        pytest.skip(POSTFIX_NEEDS_ROOT)


@contextmanager
def postfix(relay_to: int | str | None, **settings: str) -> Iterator[Postfix]:
    """A Postfix that nobody else uses, with further *settings* of its main.cf.

    It relays to a port by SMTP, or by what is written as a transport ("lmtp:unix:/path"), or throws mail away.
    Skips where Postfix is not installed, or may not be started.
    """
    need_postfix()
    with tempfile.TemporaryDirectory(prefix="mailgate-postfix-") as folder:
        yield from _running(Path(folder), _onward(relay_to, settings))


def _onward(relay_to: int | str | None, settings: dict[str, str]) -> str:
    match relay_to:
        case None:
            onward = "default_transport = discard:"
        case int():
            onward = f"relayhost = [127.0.0.1]:{relay_to}"
        case str():
            onward = f"default_transport = {relay_to}"
    return "\n".join([onward, *(f"{name} = {value}" for name, value in settings.items())])


def _running(root: Path, onward: str) -> Iterator[Postfix]:
    port = free_port()
    root.chmod(0o755)  # its own users must be able to enter
    for name in ("etc", "queue", "data", "log"):
        (root / name).mkdir(parents=True)
    shutil.chown(root / "data", "postfix")
    (root / "etc/main.cf").write_text(MAIN.format(root=root, onward=onward))
    (root / "etc/master.cf").write_text(SERVICES.format(port=port))
    with run_master(root, port):
        yield Postfix(port, root)


@contextmanager
def run_master(root: Path, port: int) -> Iterator[None]:
    """Postfix with the configuration in ``etc`` below *root*."""
    subprocess.run(["postfix", "-c", root / "etc", "check"], check=True, capture_output=True)
    master = subprocess.Popen([MASTER, "-c", root / "etc", "-d"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, master)
        yield
    finally:
        master.send_signal(signal.SIGTERM)
        master.wait(30)


def _wait_for(port: int, master: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and master.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("Postfix did not start")
