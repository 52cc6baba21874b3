"""The example mails are whole, the generator repeats itself, and the scorer counts what it should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
MAILS = sorted((EXAMPLES / "mail").glob("*.eml"))


def expected(mail: Path) -> dict[str, object]:
    return YAML(typ="safe").load(mail.with_name(mail.stem + ".expected.yml"))


def run(script: str, *arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def score(entries: list[dict[str, object]], *options: object) -> subprocess.CompletedProcess[str]:
    lines = "\n".join(json.dumps(entry, default=str) for entry in entries)
    return run("score.py", EXAMPLES / "mail", *options, given=lines)


def test_there_are_forty_mails_and_an_expectation_for_each() -> None:
    assert len(MAILS) == 40
    assert [expected(mail)["file"] for mail in MAILS] == [mail.name for mail in MAILS]


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail.stem)
def test_an_example_mail_keeps_its_line_endings(mail: Path) -> None:
    raw = mail.read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n") > 0


def test_an_expectation_joins_only_what_exists() -> None:
    tickets = {ticket["ref"] for ticket in YAML(typ="safe").load(EXAMPLES / "mail" / "existing_tickets.yml")}
    joined = {expected(mail).get(key) for mail in MAILS for key in ("duplicate_of", "follow_up_to")}
    assert joined - {None} <= tickets | {mail.stem for mail in MAILS}


def test_a_gateway_that_does_what_is_expected_scores_everything() -> None:
    result = score([expected(mail) for mail in MAILS], "--min", 1)
    assert result.returncode == 0, result.stdout
    assert "wholly right 40/40 = 100.0%; fatal errors 0" in result.stdout


def test_a_request_without_a_ticket_and_a_wrong_crn_are_fatal() -> None:
    entries = [expected(mail) for mail in MAILS]
    entries[0]["action"], entries[1]["crn"] = "ignore", "X999999"
    result = score(entries)
    assert result.returncode == 1
    assert "! 01-warning-letter: a request that reached no ticket" in result.stdout
    assert "! 02-breach-pack: wrong CRN X999999 (want X418207)" in result.stdout
    assert "wholly right 38/40" in result.stdout


def test_a_mail_that_was_not_played_is_wrong() -> None:
    assert "wholly right 39/40" in score([expected(mail) for mail in MAILS[1:]]).stdout


def test_a_share_below_the_lowest_allowed_fails() -> None:
    entries = [expected(mail) for mail in MAILS]
    entries[2]["action"] = "ignore"
    assert score(entries, "--min", 0.99).returncode == 1
    assert score(entries, "--min", 0.9).returncode == 0


def test_the_same_options_generate_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        run("generate_mail.py", "--count", 60, "--out", tmp_path / folder, "--truth", tmp_path / f"{folder}.jsonl")
    made = {mail.name: mail.read_bytes() for mail in (tmp_path / "one").iterdir()}
    assert len(made) == 60
    assert made == {mail.name: mail.read_bytes() for mail in (tmp_path / "two").iterdir()}
    assert (tmp_path / "one.jsonl").read_text() == (tmp_path / "two.jsonl").read_text()


def test_the_generators_truth_scores_itself(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    run("generate_mail.py", "--count", 60, "--mbox", tmp_path / "load.mbox", "--truth", truth)
    entries = [
        json.loads(line) | {"file": f"{number:06}.eml"} for number, line in enumerate(truth.read_text().splitlines(), 1)
    ]
    truth.write_text("\n".join(json.dumps(entry) for entry in entries))
    result = run("score.py", tmp_path, "--truth", truth, "--min", 1, given=truth.read_text())
    assert result.returncode == 0, result.stdout
