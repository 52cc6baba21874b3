"""``mailgate retention``, ``people export`` and ``people erase``, as they are called."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

MAIL = """From: Ann Other <ann.other@council.example>
To: helpdesk@council.example
Subject: Broken screen
Message-ID: <one@council.example>
Date: Mon, 23 Nov 2026 09:00:00 +0000

The broken screen of A12345 in room 12 does not start.
"""


@pytest.fixture
def ref(mailgate: Shell, tmp_path: Path) -> str:
    """The reference of a request about the case A12345."""
    (tmp_path / "one.eml").write_text(MAIL)
    store = f"{{url: 'sqlite:///{tmp_path}/var/mailgate.db', raw: '{tmp_path}/var/raw'}}"
    (mailgate.config / "mailgate.yml").write_text(f"store: {store}\nkeys: {tmp_path}/var/keys\n")
    assert mailgate("ingest", str(tmp_path / "one.eml"))[0] == 0
    (ticket,) = json.loads(mailgate("ticket", "list", "--json")[1])
    return str(ticket["ref"])


def test_a_run_says_what_it_forgot_and_a_dry_run_what_it_would(mailgate: Shell, ref: str) -> None:
    code, shown, _ = mailgate("retention", "run", "--dry-run", "--json")
    assert (code, json.loads(shown)["tickets"], json.loads(shown)["dry_run"]) == (0, 0, True)
    code, shown, _ = mailgate("retention", "run")
    assert (code, shown.splitlines()[0]) == (0, "What\tWere")


def test_a_case_is_held_listed_and_released(mailgate: Shell, ref: str) -> None:
    held = mailgate("retention", "hold", "a 12345", "--reason", "a claim", "--by", "lena")
    assert held == (0, "A12345 is held: 1 tickets now, and those to come.\n", "")
    (found,) = json.loads(mailgate("retention", "holds", "--json")[1])
    assert (found["value"], found["reason"], found["set_by"], found["tickets"]) == ("A12345", "a claim", "lena", 1)
    assert mailgate("retention", "hold", "A12345", "--reason", "again")[2].startswith(
        "mailgate: A12345 is held already"
    )
    code, _, errors = mailgate("people", "erase", "A12345")
    assert (code, f"{ref} is kept by a legal hold of A12345" in errors) == (2, True)
    assert mailgate("retention", "release", "A12345")[:2] == (0, "A12345 is held no more: 1 tickets.\n")
    assert mailgate("retention", "release", "A12345")[0] == 2


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ("ann.other@council.example", "a hold is for a case or a ticket"),
        ("A12", '"A12" is neither an address nor a reference of ours nor the asset tag'),
    ],
)
def test_what_is_no_case_is_not_held(mailgate: Shell, ref: str, which: str, says: str) -> None:
    code, _, errors = mailgate("retention", "hold", which, "--reason", "a claim")
    assert (code, says in errors) == (2, True)


def test_a_mailbox_of_ours_is_nobody_to_erase(mailgate: Shell, ref: str) -> None:
    code, _, errors = mailgate("people", "erase", "Helpdesk@council.example")
    assert (code, errors) == (2, "mailgate: helpdesk@council.example is a mailbox of ours and nobody's address\n")


def test_wrong_words_under_keep_are_shown_where_they_stand(mailgate: Shell) -> None:
    (mailgate.config / "records.yml").write_text("keep:\n  tickets: for ever\n  mailboxes: {halp@x.example: {}}\n")
    _, shown, errors = mailgate("rules", "check")
    assert "records.yml:2:12  error: expected a length of time in days, weeks, months or years" in shown + errors
    assert 'records.yml:3:15  error: unknown mailbox "halp@x.example"' in shown + errors


def test_an_export_has_all_of_a_case_and_stands_in_its_history(mailgate: Shell, ref: str, tmp_path: Path) -> None:
    folder = tmp_path / "about"
    code, shown, _ = mailgate("people", "export", "A12345", "--to", str(folder), "--by", "lena", "--json")
    found = json.loads(shown)
    assert (code, [ticket["ref"] for ticket in found["tickets"]]) == (0, [ref])
    assert "A12345 in room 12" in found["tickets"][0]["messages"][0]["text"]
    assert json.loads((folder / "case.json").read_text()) == found
    assert any(b"A12345 in room 12" in file.read_bytes() for file in folder.glob("in-*.eml"))
    last = json.loads(mailgate("ticket", "show", ref, "--json")[1])["events"][-1]
    assert (last["what"], last["personal"]) == ("exported", {"by": "lena"})
    assert mailgate("people", "export", "A12345", "--to", str(folder))[2].endswith("name a new folder\n")
    assert "A12345 in room 12" in mailgate("people", "export", "A12345")[1]


def test_an_erased_person_leaves_a_certificate_and_figures(mailgate: Shell, ref: str, tmp_path: Path) -> None:
    who = "Ann.Other@council.example"
    code, shown, _ = mailgate("people", "erase", who, "--dry-run", "--json")
    assert (code, json.loads(shown)["counts"]["mails"]) == (0, 1)
    code, shown, _ = mailgate("people", "erase", who, "--by", "lena")
    assert (code, "erased\tperson" in shown, f"tickets\t{ref}" in shown) == (0, True, True)
    (ticket,) = json.loads(mailgate("ticket", "list", "--json")[1])
    assert (ticket["ref"], ticket["status"], ticket["requester"], ticket["subject"]) == (ref, "cancelled", "", "")
    files = [file.read_bytes() for file in (tmp_path / "var").rglob("*") if file.is_file()]
    assert not any(b"ann.other" in each or b"room 12" in each for each in files)
    assert mailgate("people", "erase", who)[2].startswith("mailgate: nothing is held about this person")
