"""``mailgate report``: the figures of a period, as a table, as JSON, as CSV and as a workbook."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.make import ANN, BEN, HELPDESK

PERIOD = ("--from", "2026-11-23", "--to", "2026-11-23")


def _mail(number: int, sender: str, text: str, hour: int = 10) -> str:
    return (
        f"Return-Path: <{sender}>\nFrom: {sender}\nTo: {HELPDESK}\nSubject: Request\n"
        f"Date: Mon, 23 Nov 2026 {hour}:00:00 +0000\nMessage-ID: <{number}@council.example>\n\n{text}\n"
    )


@pytest.fixture
def shell(mailgate: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Two requests, one of them asked for by two people."""
    mails = [
        _mail(1, ANN, "Broken screen A12345, room 7"),
        _mail(2, BEN, "Broken screen A12345, room 7"),
        _mail(3, BEN, "A new cable for B12345 please."),
    ]
    paths = [tmp_path / f"{number}.eml" for number in range(3)]
    for path, mail in zip(paths, mails, strict=True):
        path.write_text(mail)
    assert mailgate("ingest", *map(str, paths))[0] == 0
    return mailgate


def _today(shell: Shell) -> tuple[str, ...]:
    """The period in which the gateway took the mails: ``ingest`` works at the time of the clock."""
    received = {ticket["received_at"][:10] for ticket in json.loads(shell("ticket", "list", "--json")[1])}
    return "--from", min(received), "--to", max(received)


def test_what_came_is_told_apart_and_added_up(shell: Shell) -> None:
    code, said, _ = shell("report", *_today(shell), "--by", "category,unit", "--json")
    rows = json.loads(said)
    assert code == 0
    assert [(row["category"], row["unit"], row["new"]) for row in rows] == [
        ("hardware", "", 1),
        ("network", "", 1),
        ("all", "", 2),
    ]
    assert [row["duplicates_avoided"] for row in rows] == [1, 0, 1]


def test_csv_and_a_workbook_have_the_same_columns(shell: Shell, tmp_path: Path) -> None:
    book = tmp_path / "figures.xlsx"
    period = _today(shell)
    assert shell("report", *period, "--format", "xlsx", "--output", str(book))[0] == 0
    assert book.read_bytes().startswith(b"PK")
    file = tmp_path / "figures.csv"
    assert shell("report", *period, "--format", "csv", "--output", str(file))[0] == 0
    header, *_, total = file.read_text("utf-8").splitlines()
    assert header.startswith("category,new,finished,")
    assert total.startswith("all,2,0,")


def test_a_day_without_mail_has_no_groups(shell: Shell) -> None:
    code, said, _ = shell("report", "--from", "2020-01-01", "--to", "2020-01-31", "--json")
    assert (code, [row["category"] for row in json.loads(said)]) == (0, ["all"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--by", "categry"), 'told apart by "categry"; did you mean "category"?'),
        (("--to", "2026-11-01"), "--to is before --from"),
    ],
)
def test_what_cannot_be_reported_is_said(shell: Shell, words: tuple[str, ...], sentence: str) -> None:
    code, _, errors = shell("report", *PERIOD, *words)
    assert code == 2
    assert sentence in errors
