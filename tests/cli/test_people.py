"""``mailgate people`` and ``mailgate db``, as they are called."""

import json
from pathlib import Path

from tests.cli.conftest import Shell


def test_upgrade_makes_the_store_once(mailgate: Shell) -> None:
    assert mailgate("db", "upgrade") == (0, "The store is up to date now.\n", "")
    assert mailgate("db", "upgrade") == (0, "The store was up to date.\n", "")


def test_without_tables_every_list_says_what_to_do(mailgate: Shell) -> None:
    for words in (["people", "list"], ["quarantine", "list"], ["ticket", "list"], ["outbox", "list"]):
        assert mailgate(*words) == (2, "", 'mailgate: the store is not up to date: run "mailgate db upgrade"\n')


def test_people_are_added_then_changed_and_nobody_is_removed(mailgate: Shell, tmp_path: Path) -> None:
    mailgate("db", "upgrade")
    file = tmp_path / "people.yml"
    file.write_text(
        "- {name: Jo, address: Jo@council.example, team: desk}\n- {name: Al, address: al@council.example}\n"
    )
    assert mailgate("people", "import", str(file)) == (0, "2 added, 0 changed, 0 as they were\n", "")
    file = tmp_path / "people.csv"
    file.write_text("name,address,role,team\nJo,jo@council.example,agent,field-team\nBo,bo@council.example,,\n")
    code, shown, _ = mailgate("people", "import", str(file), "--json")
    assert (code, json.loads(shown)) == (0, {"added": 1, "changed": 1, "unchanged": 0})
    code, shown, _ = mailgate("people", "list", "--json")
    assert json.loads(shown) == [
        {"address": "al@council.example", "name": "Al", "role": "", "unit": "", "team": ""},
        {"address": "bo@council.example", "name": "Bo", "role": "", "unit": "", "team": ""},
        {"address": "jo@council.example", "name": "Jo", "role": "agent", "unit": "", "team": "field-team"},
    ]


def test_a_list_that_is_piped_has_one_line_for_each_person(mailgate: Shell, tmp_path: Path) -> None:
    mailgate("db", "upgrade")
    file = tmp_path / "people.yml"
    file.write_text("- {name: Jo, address: jo@council.example, unit: Floor 2}\n")
    mailgate("people", "import", str(file))
    lines = mailgate("people", "list")[1].splitlines()
    assert len(lines) == 2
    assert lines[1].split("\t") == ["Jo", "jo@council.example", "", "Floor 2", ""]


def test_a_file_with_mistakes_changes_nobody(mailgate: Shell, tmp_path: Path) -> None:
    mailgate("db", "upgrade")
    file = tmp_path / "people.yml"
    file.write_text("- {name: Jo, address: jo@council.example}\n- {name: Al, address: nowhere, team: field-taem}\n")
    code, shown, errors = mailgate("people", "import", str(file))
    assert (code, shown) == (2, "")
    assert f'{file}:2:3  "nowhere" is not a mail address' in errors
    assert f'{file}:2:3  unknown team "field-taem"; nearest is "field-team"' in errors
    assert json.loads(mailgate("people", "list", "--json")[1]) == []


def test_a_file_that_is_not_there_is_one_line(mailgate: Shell, tmp_path: Path) -> None:
    mailgate("db", "upgrade")
    code, _, errors = mailgate("people", "import", str(tmp_path / "none.yml"))
    assert (code, errors) == (2, f"mailgate: No such file or directory: {tmp_path}/none.yml\n")
