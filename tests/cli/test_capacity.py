"""``mailgate capacity``."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.make import ANN, HELPDESK, SERVICE
from tests.store.test_capacity import CATEGORIES, LEVELS, TEAMS

MAIL = (
    f"Return-Path: <{ANN}>\nFrom: {ANN}\nTo: {HELPDESK}\nSubject: Broken screen A12345, room 7\n"
    "Date: Mon, 23 Nov 2026 10:00:00 +0000\nMessage-ID: <1@council.example>\n\nIt is broken.\n"
)
WORDS = ("--unit", "harbour", "--reason", "two are ill", "--review", "2099-12-07")


@pytest.fixture
def shell(mailgate: Shell, tmp_path: Path) -> Shell:
    service = {**SERVICE, "categories": CATEGORIES, "teams": TEAMS, "capacity_levels": LEVELS}
    (mailgate.config / "service.yml").write_text(json.dumps(service))
    (tmp_path / "1.eml").write_text(MAIL)
    assert mailgate("ingest", str(tmp_path / "1.eml"), "--answer")[0] == 0
    return mailgate


def _tickets(shell: Shell) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shell("ticket", "list", "--json")[1])
    return found


def test_a_level_is_set_shown_and_taken_back(shell: Shell) -> None:
    (before,) = _tickets(shell)
    assert shell("capacity", "set", "--level", "amber", *WORDS)[:2] == (
        0,
        "Harbour is at level amber: 1 open ticket changed.\n",
    )
    (slowed,) = _tickets(shell)
    assert (slowed["level"], slowed["due_at"] > before["due_at"]) == ("amber (Harbour)", True)
    (shown,) = json.loads(shell("capacity", "show", "--json")[1])
    assert (shown["level"], shown["reason"], shown["slowed"], shown["set_by"]) == (
        "amber",
        "two are ill",
        1,
        "operator",
    )
    assert "amber\t" in shell("capacity", "show")[1]
    assert "amber (Harbour)" in shell("ticket", "show", before["ref"])[1]
    shell("capacity", "set", "--level", "green", *WORDS)
    assert _tickets(shell) == [before]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--level", "ambr", *WORDS), 'did you mean "amber"?'),
        (("--level", "amber", *WORDS[2:], "--unit", "Harbor"), 'did you mean "Harbour"?'),
        (("--level", "amber", *WORDS[:4], "--review", "2020-01-01"), "name a later day"),
        (("--level", "amber", *WORDS, "--reason", " "), "say why"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence(shell: Shell, words: tuple[str, ...], why: str) -> None:
    code, _, errors = shell("capacity", "set", *words)
    assert (code, why in errors, len(errors.splitlines())) == (2, True, 1)
