"""Backup and restore as docs/operations.md describes them for one machine: a stopped gateway's folder is copied."""

import json
import shutil
import smtplib

from mailgate.store.keys import load_keys
from tests.gateway import MAILBOX, Gateway, gateway, wait_until

MAIL = "From: ann@justice.example\nTo: {to}\nSubject: {subject}\nMessage-ID: <{n}@justice.example>\n\nPlease.\n"


def sent(running: Gateway, number: int, subject: str) -> None:
    with smtplib.SMTP("127.0.0.1", running.port, timeout=20) as client:
        client.sendmail("ann@justice.example", MAILBOX, MAIL.format(to=MAILBOX, subject=subject, n=number))
    wait_until(running.is_idle)


def shown(running: Gateway, *command: str) -> object:
    return json.loads(running.command(*command, "--json").stdout)


def test_a_gateway_on_the_copy_of_a_stopped_ones_folder_goes_on_where_that_was(tmp_path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    with gateway(before) as running:
        sent(running, 1, "warning letter")
        (ticket,) = shown(running, "ticket", "list")  # type: ignore[misc]
        history = shown(running, "ticket", "show", ticket["ref"])
        assert running.stop() == 0
    shutil.copytree(before, after)
    with gateway(after) as running:
        assert shown(running, "ticket", "list") == [ticket]
        assert shown(running, "ticket", "show", ticket["ref"]) == history
        assert load_keys(after / "keys") == load_keys(before / "keys")
        sent(running, 1, "warning letter")
        assert shown(running, "ticket", "list") == [ticket]  # known already: the same mail
        sent(running, 2, f"Re: [{ticket['ref']}] warning letter")
        assert [each["ref"] for each in shown(running, "ticket", "list")] == [ticket["ref"]]  # type: ignore[attr-defined]
