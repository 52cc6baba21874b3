"""``mailgate ticket set``, what an agent orders by mail, given at the command line; and ``ticket search``."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.make import ANN, DEV, HELPDESK

MAIL = (
    f"Return-Path: <{ANN}>\nFrom: {ANN}\nTo: {HELPDESK}\nSubject: Broken screen A12345, room 7\n"
    "Date: Mon, 23 Nov 2026 10:00:00 +0000\nMessage-ID: <1@council.example>\n\nIt is broken.\n"
)


@pytest.fixture
def opened(mailgate: Shell, tmp_path: Path) -> tuple[Shell, str]:
    """The command line, and the reference of the one ticket there is."""
    (tmp_path / "people.yml").write_text(json.dumps([{"address": DEV.address, "name": DEV.name, "team": "desk"}]))
    (tmp_path / "1.eml").write_text(MAIL)
    assert mailgate("ingest", str(tmp_path / "1.eml"), "--answer")[0] == 0
    assert mailgate("people", "import", str(tmp_path / "people.yml"))[0] == 0
    return mailgate, json.loads(mailgate("ticket", "list", "--json")[1])[0]["ref"]


def _set(shell: Shell, ref: str, *words: str) -> dict[str, Any]:
    code, shown, errors = shell("ticket", "set", ref, *words, "--json")
    assert code == 0, errors
    return json.loads(shown)


@pytest.mark.parametrize("words", [["broken", "screen"], ["room 7"], ["a 12345"], [ANN, "brok"], ["--", "-broken"]])
def test_a_ticket_is_searched_by_what_its_mail_says(opened: tuple[Shell, str], words: list[str]) -> None:
    shell, ref = opened
    code, shown, errors = shell("ticket", "search", "--json", *words)
    assert (code, errors) == (0, "")
    assert json.loads(shown) == json.loads(shell("ticket", "list", "--json")[1])
    assert shell("ticket", "search", *words)[1] == shell("ticket", "list")[1]
    assert shell("ticket", "search", "--json", ref, "nonsense")[1] == shown


def test_a_search_that_finds_nothing_shows_nothing(opened: tuple[Shell, str]) -> None:
    shell, _ = opened
    assert shell("ticket", "search", "--json", "nonsense")[:2] == (0, "[]\n")
    assert len(shell("ticket", "search", "nonsense")[1].splitlines()) == 1


def _shown(shell: Shell, ref: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell("ticket", "show", ref, "--json")[1])
    return found


def test_another_task_brings_its_team_and_is_kept_as_a_correction(opened: tuple[Shell, str]) -> None:
    shell, ref = opened
    found = _set(shell, ref, "--task", "network.cable")
    assert (found["category"], found["task"], found["team"]) == ("network", "network.cable", "field-team")
    event = found["events"][-1]
    assert (event["what"], event["actor"], event["personal"]) == ("command", "operator", {})
    assert event["data"] == {
        "do": "task",
        "to": "network.cable",
        "status": "new",
        "until": None,
        "task": "network.cable",
    }


def test_done_tells_the_requester_as_by_mail_and_stops_the_clocks(opened: tuple[Shell, str]) -> None:
    shell, ref = opened
    found = _set(shell, ref.lower().replace("-", " "), "--status", "done")
    assert found["status"] == "done"
    assert all(clock["stopped_at"] for clock in found["clocks"])
    assert found["outgoing"][-1] | {"message": "done", "to": ANN} == found["outgoing"][-1]
    assert _set(shell, ref, "--status", "open")["outgoing"][-1]["message"] == "reopened"


def test_several_changes_are_done_one_after_the_other(opened: tuple[Shell, str]) -> None:
    shell, ref = opened
    code, shown, _ = shell("ticket", "set", ref, "--status", "waiting", "--assignee", DEV.address.upper())
    assert (code, shown) == (0, f"{ref} is waiting: hardware.repair, {DEV.address}.\n")
    (ticket,) = json.loads(shell("ticket", "list", "--json")[1])
    assert (ticket["assignee"], ticket["waiting_for"]) == (DEV.address, "third party")
    (assigned,) = (each for each in _shown(shell, ref)["events"] if each["data"].get("do") == "assign")
    assert DEV.address not in str(assigned["data"])
    assert assigned["personal"] == {"to": DEV.address}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "say what to change"),
        (["--task", "network.cabel"], 'did you mean "network.cable"?'),
        (["--assignee", ANN], "nobody of that address is in the ticket's team"),
        (["--status", "open"], "stays as it is"),
        (["--status", "new"], "no ticket becomes new again"),
        (["--team", "desks"], 'did you mean "desk"?'),
        (["--priority", "hihg"], 'did you mean "high"?'),
        (["--due", "2020-01-02"], "that day is over"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    opened: tuple[Shell, str], words: list[str], why: str
) -> None:
    shell, ref = opened
    before = shell("ticket", "show", ref, "--json")
    code, _, errors = shell("ticket", "set", ref, *words)
    assert (code, errors.count("\n")) == (2, 1)
    assert why in errors
    assert shell("ticket", "show", ref, "--json") == before
    assert "there is no ticket" in shell("ticket", "set", "MG-7K3F-99", "--status", "done")[2]


def test_E158_merge_and_split_are_each_others_opposite(opened: tuple[Shell, str], tmp_path: Path) -> None:
    shell, ref = opened
    (tmp_path / "2.eml").write_text(MAIL.replace("A12345, room 7", "A54321, room 9").replace("<1@", "<2@"))
    assert shell("ingest", str(tmp_path / "2.eml"))[0] == 0
    (other,) = {ticket["ref"] for ticket in json.loads(shell("ticket", "list", "--json")[1])} - {ref}
    before = _shown(shell, other)["closed_at"], _shown(shell, other)["clocks"]
    assert shell("ticket", "merge", other, ref.lower())[:2] == (0, f"{other} is part of {ref}.\n")
    assert _shown(shell, other)["merged_into"] == ref
    assert len(_shown(shell, ref)["messages"]) == 2
    code, _, said = shell("ticket", "set", other, "--status", "done")
    assert code
    assert f"{other} stays as it is" in said
    assert shell("ticket", "split", other)[:2] == (0, f"{other} is a ticket of its own again.\n")
    assert (_shown(shell, other)["closed_at"], _shown(shell, other)["clocks"]) == before


def test_priority_team_and_due_are_ordered_as_by_mail(opened: tuple[Shell, str]) -> None:
    shell, ref = opened
    before = _shown(shell, ref)
    found = _set(shell, ref, "--priority", "high", "--team", "field-team", "--due", "2099-01-14")
    assert (found["priority"], found["team"], found["sla_policy"]) == ("high", "field-team", "urgent")
    assert found["due_at"] == "2099-01-14T17:00:00+00:00"
    assert found["task"] == before["task"]
    new = found["events"][len(before["events"]) :]
    assert [each["data"]["do"] for each in new if each["what"] == "command"] == ["team", "priority", "due"]
    assert [each["what"] for each in new if each["what"] != "command"] == ["timed anew", "timed anew"]


def test_a_list_marks_what_is_part_of_another(opened: tuple[Shell, str], tmp_path: Path) -> None:
    shell, ref = opened
    (tmp_path / "2.eml").write_text(MAIL.replace("A12345, room 7", "A54321, room 9").replace("<1@", "<2@"))
    shell("ingest", str(tmp_path / "2.eml"))
    (other,) = {ticket["ref"] for ticket in json.loads(shell("ticket", "list", "--json")[1])} - {ref}
    shell("ticket", "merge", other, ref)
    for command in (("list",), ("search", "broken")):
        listed = json.loads(shell("ticket", *command, "--json")[1])
        assert {ticket["ref"]: ticket["merged_into"] for ticket in listed} == {ref: None, other: ref}
        assert f"part of {ref}" in shell("ticket", *command)[1]


def test_E158_one_mail_of_a_ticket_is_split_off(opened: tuple[Shell, str], tmp_path: Path) -> None:
    shell, ref = opened
    answer = MAIL.replace("<1@", "<2@").replace("Subject: ", "In-Reply-To: <1@council.example>\nSubject: Re: ")
    (tmp_path / "2.eml").write_text(answer.replace("It is broken.", "The screen of A54321 is broken, too. Room 9."))
    assert shell("ingest", str(tmp_path / "2.eml"))[0] == 0
    first, second = _shown(shell, ref)["messages"]
    assert "it has no mail 99" in shell("ticket", "split", ref, "99")[2]
    assert "is what the ticket is about" in shell("ticket", "split", ref, str(first["id"]))[2]
    code, said, _ = shell("ticket", "split", ref, str(second["id"]))
    (own,) = {ticket["ref"] for ticket in json.loads(shell("ticket", "list", "--json")[1])} - {ref}
    assert (code, said) == (0, f"Mail {second['id']} of {ref} is {own} now.\n")
    assert [mail["id"] for mail in _shown(shell, own)["messages"]] == [second["id"]]
    assert [mail["id"] for mail in _shown(shell, ref)["messages"]] == [first["id"]]
    assert _shown(shell, own)["linked_to"] == ref
    shell("ticket", "merge", own, ref)
    assert len(_shown(shell, ref)["messages"]) == 2
