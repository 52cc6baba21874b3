"""``mailgate attachment``: the files that a rule holds back."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.make import HELPDESK, SERVICE, STRANGER

MAIL = (
    f"Return-Path: <{STRANGER}>\nFrom: {STRANGER}\nTo: {HELPDESK}\nSubject: Broken screen A12345, room 7\n"
    "Date: Mon, 23 Nov 2026 10:00:00 +0000\nMessage-ID: <1@mail.example>\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nIt is broken.\n"
    "--b\nContent-Disposition: attachment; filename=one.txt\n\none\n"
    "--b\nContent-Disposition: attachment; filename=two.txt\n\ntwo\n--b--\n"
)
HOLD = {"name": "all", "when": {"attachment": "yes"}, "then": {"attachments": "hold until a person releases them"}}


@pytest.fixture
def holding(mailgate: Shell, tmp_path: Path) -> Shell:
    (mailgate.config / "service.yml").write_text(json.dumps({**SERVICE, "rules": [HOLD]}))
    (tmp_path / "1.eml").write_text(MAIL)
    assert mailgate("ingest", str(tmp_path / "1.eml"))[0] == 0
    return mailgate


def test_one_file_is_released_and_the_rest_of_its_ticket_discarded(holding: Shell) -> None:
    first, second = json.loads(holding("attachment", "list", "--json")[1])
    assert (first["filename"], second["filename"], first["sender"]) == ("one.txt", "two.txt", STRANGER)
    assert holding("attachment", "release", first["id"]) == (0, '"one.txt" is released.\n', "")
    assert holding("attachment", "discard", second["ticket"].lower()) == (0, '"two.txt" is discarded.\n', "")
    assert holding("attachment", "list")[1].count("\n") == 1  # the names of the columns
    shown = json.loads(holding("ticket", "show", first["ticket"], "--json")[1])
    assert [file["state"] for file in shown["messages"][0]["attachments"]] == ["released", "discarded"]
    assert [event["what"] for event in shown["events"]][-2:] == ["attachment released", "attachment discarded"]


@pytest.mark.parametrize("which", ["99.1", "nothing", "MG-2346-7T"])
def test_what_is_not_held_is_one_sentence(holding: Shell, which: str) -> None:
    code, shown, errors = holding("attachment", "release", which)
    assert (code, shown, errors.count("\n")) == (2, "", 1)
    assert "see " in errors
