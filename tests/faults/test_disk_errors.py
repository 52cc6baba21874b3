"""The disk under the store reports errors, to the whole gateway, and recovers (docs/reliability.md section 2)."""

import json
import smtplib
import subprocess
from http.client import HTTPConnection

import pytest

from prove import failing
from tests.gateway import MAILBOX, Gateway, gateway, wait_until

SYNCING = ("posix/io/sync/fsync", "posix/io/sync/fdatasync")
EIO = 5


def switch(running: Gateway, command: str, options: str = "") -> None:
    """Let every ``fsync`` of the gateway fail from now on ("enable"), or none ("disable")."""
    for point in SYNCING:
        said = f"{command} name={point}{options}"
        pipe = str(running.folder / "fiu")
        subprocess.run(["fiu-ctrl", "-f", pipe, "-c", said, str(running.process.pid)], check=True, timeout=20)


def sent(running: Gateway, text: str) -> int:
    """The code that one mail is answered with."""
    with smtplib.SMTP("127.0.0.1", running.port, timeout=60) as client:
        client.ehlo()
        client.mail("ann@probation.example")
        client.rcpt(MAILBOX)
        return client.data(f"From: ann@probation.example\r\nTo: {MAILBOX}\r\nSubject: {text}\r\n\r\n{text}\r\n")[0]


def health(running: Gateway) -> tuple[int, bool]:
    """The status of ``/health``, and whether it finds that mail can be stored."""
    connection = HTTPConnection("127.0.0.1", running.web_port, timeout=20)
    connection.request("GET", "/health")
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told["intake"]["ok"]


def test_after_an_error_of_fsync_the_store_is_opened_anew_and_health_is_red_until_a_mail_is_stored(tmp_path):
    if failing.PRELOAD.count(":") != len(failing.MODULES) - 1:
        pytest.skip(failing.MISSING)
    with gateway(tmp_path, LD_PRELOAD=failing.PRELOAD, FIU_CTRL_FIFO=str(tmp_path / "fiu")) as running:
        assert (sent(running, "one"), health(running)) == (250, (200, True))
        wait_until(running.is_idle)
        switch(running, "enable", f",failinfo={EIO}")
        assert (sent(running, "two"), health(running)) == (451, (503, False))
        assert "the store is opened anew" in running.log()
        switch(running, "disable")
        assert health(running) == (503, False)
        assert (sent(running, "two"), health(running)) == (250, (200, True))
        wait_until(running.is_idle)
        assert sorted(running.rows("SELECT subject FROM tickets")) == [("one",), ("two",)]
        assert running.stop() == 0
