"""``mailgate rules backtest``, as it is called, on a store that took mails in."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.make import ANN, HELPDESK, SERVICE

MAIL = "From: {sender}\nTo: {to}\nSubject: {subject}\nDate: Mon, 23 Nov 2026 10:{minute:02}:00 +0000\n\n{text}\n"
SUBJECTS = ("Broken screen", "New cable in the attic", "Stock list, please")


@pytest.fixture
def filled(mailgate: Shell, tmp_path: Path) -> Shell:
    folder = tmp_path / "mails"
    folder.mkdir()
    for minute, subject in enumerate(SUBJECTS):
        mail = MAIL.format(sender=ANN, to=HELPDESK, subject=subject, minute=minute, text=f"{subject} A1234{minute}")
        (folder / f"{minute}.eml").write_text(mail)
    assert mailgate("ingest", str(folder))[0] == 0
    return mailgate


def _other(tmp_path: Path, name: str = "new", **changes: object) -> str:
    (folder := tmp_path / name).mkdir()
    (folder / "service.yml").write_text(json.dumps({**SERVICE, **changes}))
    return str(folder)


def _without_cable(tmp_path: Path, name: str = "new") -> str:
    hardware = {**SERVICE["categories"]["hardware"], "priority": "high"}
    return _other(tmp_path, name, categories={**SERVICE["categories"], "hardware": hardware, "network": {}})


def _json(shell: Shell, *words: str) -> dict:
    code, output, errors = shell("rules", "backtest", *words, "--json")
    assert code == 0, errors
    return json.loads(output)


def test_a_table_says_what_moves_from_where_to_where(filled: Shell, tmp_path: Path) -> None:
    found = _json(filled, str(filled.config), _without_cable(tmp_path))
    assert (found["mails"], found["moved"]) == (3, 3)
    assert found["table"] == [
        {"what": "priority", "before": "normal", "after": "high", "mails": 2},
        {"what": "service level", "before": "standard", "after": "urgent", "mails": 2},
        {"what": "task", "before": "network.cable", "after": "hardware.other", "mails": 1},
    ]
    cable = next(mail for mail in found["moved_mails"] if mail["moves"][0]["what"] == "task")
    assert cable["ticket"].startswith("MG-")
    assert cable["before"][0]["words"] == "new cable"
    assert cable["after"][0]["effect"] == f"no task is clear; {HELPDESK} is usually hardware"


def test_the_same_rules_move_nothing_and_may_be_named_by_their_version(filled: Shell) -> None:
    version = json.loads(filled("rules", "check", "--json")[1])["version"]
    found = _json(filled, str(filled.config), version)
    assert (found["mails"], found["moved"], found["new"]) == (3, 0, version)
    assert filled("rules", "backtest", "nonsense", version)[0] == 2


def test_a_comparison_goes_on_where_it_ended(filled: Shell, tmp_path: Path) -> None:
    new, file = _without_cable(tmp_path), tmp_path / "moves.jsonl"
    words = (str(filled.config), new, "--out", str(file))
    whole = _json(filled, *words)
    head, first, second, third, end = file.read_text().splitlines()
    cut = {**json.loads(end), "through": json.loads(first)["mail"], "mails": 1}
    file.write_text("\n".join([head, first, json.dumps(cut), second, third[:20]]))
    assert _json(filled, *words) == whole
    assert file.stat().st_mode & 0o077 == 0
    _, _, errors = filled("rules", "backtest", new, str(filled.config), "--out", str(file))
    assert "is of another comparison" in errors


def test_people_read_a_table_and_the_first_traces(filled: Shell, tmp_path: Path) -> None:
    _, output, _ = filled("rules", "backtest", str(filled.config), _without_cable(tmp_path))
    assert "task\tnetwork.cable\thardware.other\t1" in output
    assert '    classify: network.cable "new cable"' in output
    assert output.endswith("3 of 3 mails would have gone elsewhere.\n")
    _, output, _ = filled("rules", "backtest", str(filled.config), str(filled.config), "--since", "2199-01-01")
    assert output == "\n0 of 0 mails would have gone elsewhere.\n"


def test_many_mails_are_compared_by_several_processes_with_the_same_result(
    filled: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (str(filled.config), _without_cable(tmp_path))
    alone = _json(filled, *words)
    monkeypatch.setattr("mailgate.backtest.WORTH_PROCESSES", 1)
    assert _json(filled, *words) == alone
