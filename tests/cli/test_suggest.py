"""``mailgate rules suggest``, as it is called, on a store in which people put tasks right."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.make import ANN, HELPDESK

MAIL = (
    f"Return-Path: <{ANN}>\nFrom: {ANN}\nTo: {HELPDESK}\nSubject: {{subject}}\n"
    "Date: Mon, 23 Nov 2026 10:{minute:02}:00 +0000\n\n{text}\n"
)
MAILS = (
    ("Network point A12340", "Please fit a network point in room 1."),
    ("Desk move A12341", "We need another network point in room 2."),
    ("Broken screen A12342", "It is by the network point in room 3."),
    ("Something else A12343", "The kettle in room 4."),
)


@pytest.fixture
def filled(mailgate: Shell, tmp_path: Path) -> tuple[Shell, list[str]]:
    """The command line, and the references of ``MAILS`` in order; nobody corrected anything yet."""
    for minute, (subject, text) in enumerate(MAILS):
        (tmp_path / f"{minute}.eml").write_text(MAIL.format(subject=subject, minute=minute, text=text))
    assert mailgate("ingest", *(str(tmp_path / f"{minute}.eml") for minute in range(len(MAILS))))[0] == 0
    return mailgate, [ticket["ref"] for ticket in json.loads(mailgate("ticket", "list", "--json")[1])]


def _suggested(shell: Shell, *words: str) -> list[dict]:
    code, shown, errors = shell("rules", "suggest", "--json", *words)
    assert code == 0, errors
    return json.loads(shown)


def test_a_correction_teaches_the_phrase_that_would_have_got_it_right(filled: tuple[Shell, list[str]]) -> None:
    shell, (first, second, _, _) = filled
    assert _suggested(shell) == []
    for ref in (first, second):
        assert shell("ticket", "set", ref, "--task", "network.cable")[0] == 0
    best = _suggested(shell)[0]
    assert (best["task"], best["phrase"]) == ("network.cable", "network point")
    assert (best["right"], best["moved"], best["broken"]) == ([first, second], [], [])
    assert _suggested(shell, "--since", "2199-01-01") == []
    assert "network.cable\tnetwork point\t2\t0\t0\t\n" in shell("rules", "suggest")[1]


def test_what_a_phrase_would_break_is_named(filled: tuple[Shell, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    shell, (first, second, _, _) = filled
    monkeypatch.setattr("mailgate.suggest.MOST_SHOWN", 50)
    shell("ticket", "set", first, "--task", "network.cable")
    found = {one["phrase"]: one for one in _suggested(shell)}
    assert found["network point"]["right"] == [first]
    assert found["network point"]["broken"] == [second]
    assert found["fit a network point"]["broken"] == []
