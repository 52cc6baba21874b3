"""Rules that change under a running gateway."""

import json
import shutil
import smtplib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.gateway import MAILBOX, ROOT, Gateway, gateway, wait_until

SENDER = "first.person@justice.example"
MAIL = "From: {sender}\r\nTo: {to}\r\nSubject: {words}\r\nMessage-ID: <{number}@justice.example>\r\n\r\n{words}\r\n"


def _send(running: Gateway, number: int, words: str) -> None:
    with smtplib.SMTP("127.0.0.1", running.port) as client:
        client.sendmail(SENDER, [MAILBOX], MAIL.format(sender=SENDER, to=MAILBOX, words=words, number=number))


def _task(running: Gateway, number: int) -> Any:
    said = running.rows(
        "SELECT t.task, e.data FROM messages m JOIN tickets t ON t.id = m.ticket_id JOIN events e ON e.ticket_id = t.id"
        f" WHERE m.message_id = '<{number}@justice.example>' AND e.serial = 1"
    )
    return (said[0][0], json.loads(str(said[0][1]))["rules"]) if said else None


def _health(running: Gateway) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.web_port}/health", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _configuration(running: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = _health(running)[1]["configuration"]
    return found


def test_new_rules_come_into_force_and_wrong_ones_change_nothing(tmp_path: Path) -> None:
    config = shutil.copytree(ROOT / "config", tmp_path / "config")
    (config / "rules").chmod(0o755)
    rule = "rules:\n  - { name: unicorns, when: { subject: unicorn }, then: { task: custody.parole } }\n"
    with gateway(tmp_path, MAILGATE_CONFIG=str(config)) as running:
        first = _configuration(running)["version"]
        _send(running, 1, "a unicorn")
        wait_until(lambda: _task(running, 1))
        assert _task(running, 1) == ("enforcement.other", first)

        (config / "rules" / "more.yml").write_text(rule)
        wait_until(lambda: _configuration(running)["version"] != first)
        second = _configuration(running)["version"]
        _send(running, 2, "another unicorn")
        wait_until(lambda: _task(running, 2))
        assert _task(running, 2) == ("custody.parole", second)

        (config / "rules" / "more.yml").write_text(rule.replace("parole", "parlor"))
        wait_until(lambda: _configuration(running)["mistakes"] == 1)
        status, said = _health(running)
        assert (status, said["configuration"]) == (200, {"ok": False, "version": second, "mistakes": 1})
        assert f'"first": "{config}/rules/more.yml:2:' in running.log()
        wait_until(lambda: running.rows("SELECT 1 FROM tickets WHERE subject = 'The configuration is wrong'"))
        _send(running, 3, "a third unicorn")
        wait_until(lambda: _task(running, 3))
        assert _task(running, 3) == ("custody.parole", second)
        assert {version for (version,) in running.rows("SELECT version FROM configurations")} == {first, second}
