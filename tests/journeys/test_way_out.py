"""The way out from outside: a template id that changes while it runs, a mailbox that observes, the commands."""

import json
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailgate.notify.standin import StandIn, api_key, template_id
from tests.gateway import MAILBOX, ROOT, Gateway, gateway, wait_until
from tests.servers import free_port

SENDER = "first.person@justice.example"
OBSERVING = "dunholme.admin@justice.example"
MAIL = "From: {sender}\r\nTo: {to}\r\nSubject: Help {number}\r\nMessage-ID: <{number}@x.example>\r\n\r\nPlease.\r\n"


def _send(running: Gateway, number: int, to: str = MAILBOX) -> None:
    with smtplib.SMTP("127.0.0.1", running.port) as client:
        client.sendmail(SENDER, [to], MAIL.format(sender=SENDER, to=to, number=number))


def _outbox(running: Gateway, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return running.command("outbox", *arguments)


def _listed(running: Gateway) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_outbox(running, "list", "--json").stdout)
    return found


def _acknowledged(running: Gateway) -> list[dict[str, Any]]:
    """The mails to whoever wrote, without those to the team."""
    return [mail for mail in _listed(running) if mail["to"] == SENDER]


def _templates(there: StandIn) -> list[str]:
    return [_template(message) for message in there.sent]


def _template(message: Mapping[str, Any]) -> str:
    return str(message["template"]["id"])


def test_alerts_go_to_notify_with_the_template_id_in_force(tmp_path: Path) -> None:
    config = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    file = config / "notifications.yml"
    file.chmod(0o644)
    key = {"MAILGATE_NOTIFY__API_KEY": api_key(), "MAILGATE_CONFIG": str(config)}
    with StandIn() as there, gateway(tmp_path, MAILGATE_NOTIFY__BASE_URL=there.url, **key) as running:
        _send(running, 1)
        wait_until(lambda: there.sent)
        file.write_text(file.read_text().replace(template_id("more_needed"), template_id("duplicate"), 1))
        wait_until(lambda: "a new configuration is in force" in running.log())
        _send(running, 2)
        wait_until(lambda: len(there.sent) == 2)
        assert _templates(there) == [template_id("more_needed"), template_id("duplicate")]


def test_a_mailbox_that_observes_sends_nothing_and_shows_what_would_have_gone(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        _send(running, 1, OBSERVING)
        _send(running, 2)
        wait_until(lambda: running.acknowledgements() and running.is_idle() and len(_acknowledged(running)) == 2)
        observed, sent = sorted(_acknowledged(running), key=lambda mail: str(mail["state"]))
        assert (observed["state"], sent["state"]) == ("observed", "sent")
        assert len(running.acknowledgements()) == 1
        would_have = _outbox(running, "show", str(observed["id"]), "--raw").stdout
        assert f"To: <{SENDER}>".encode() in would_have
        for refused in (("retry", str(observed["id"])), ("cancel", str(sent["id"])), ("retry", "99")):
            answer = _outbox(running, *refused)
            assert answer.returncode != 0
            assert answer.stderr.count(b"\n") == 1


def _to_sender(running: Gateway) -> dict[str, Any]:
    (found,) = (mail for mail in _listed(running) if mail["to"] == SENDER)
    return found


def test_a_mail_that_cannot_go_is_cancelled_and_sent_after_all_by_a_person(tmp_path: Path) -> None:
    with gateway(tmp_path, MAILGATE_SEND__VIA="smtp://127.0.0.1:1") as running:
        _send(running, 1)
        wait_until(lambda: any(mail["error"] for mail in _listed(running)))
        mail = _to_sender(running)
        assert mail["state"] == "ready"
        assert {each["error"] for each in _listed(running)} - {""} == {"127.0.0.1:1 cannot be reached."}
        assert b"will not be sent" in _outbox(running, "cancel", str(mail["id"])).stdout
        assert _to_sender(running)["state"] == "cancelled"
        assert b"is ready" in _outbox(running, "retry", str(mail["id"])).stdout
        assert _to_sender(running)["state"] in ("ready", "sending")


def test_what_make_run_starts_takes_a_mail_and_alerts_by_the_stand_in(tmp_path: Path) -> None:
    """The very command, with an environment that is there already."""
    command = tmp_path / "venv" / "bin" / "mailgate"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mailgate.cli.main "$@"\n')
    command.chmod(0o755)
    (tmp_path / "venv" / ".run").touch()
    running, port = Gateway(tmp_path), free_port()
    call = ["make", "-C", str(ROOT), "run", f"VENV={tmp_path / 'venv'}", f"STAND_IN_PORT={port}"]
    with open(tmp_path / "log", "ab") as log:
        made = subprocess.Popen(call, env=running.environment, stdout=log, stderr=log, start_new_session=True)
    try:
        running.follow(made)
        wait_until(running.is_listening)
        _send(running, 1)
        wait_until(lambda: _alerted(port))
        assert [_template(message) for message in _alerted(port)] == [template_id("more_needed")]
        assert _alerted(port)[0]["email_address"] == SENDER
    finally:
        os.killpg(made.pid, signal.SIGTERM)
        made.wait(30)


def _alerted(port: int) -> list[dict[str, Any]]:
    """What the stand-in sent."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/dev/sent", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found
