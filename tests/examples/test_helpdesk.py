"""The second example, a council's IT help desk: nothing in the code belongs to the first."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailgate.cli.decided import as_json
from mailgate.model.config import Config
from mailgate.replay import rehearse
from mailgate.settings import load

FOLDER = Path(__file__).parent.parent.parent / "examples" / "helpdesk"


@pytest.fixture(scope="module")
def config() -> Config:
    return load([FOLDER / "config"], {})


def play(config: Config, folder: Path) -> list[dict[str, Any]]:
    """What ``mailgate rehearse`` prints of each mail in *folder*."""
    shown = []
    for one in rehearse(config, folder):
        assert one.settled is not None
        shown.append(as_json(one.settled.decision, one.settled.reading, config, lambda ticket: ticket.ref))
    return json.loads(json.dumps(shown, default=str))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def played(config: Config) -> list[dict[str, Any]]:
    return play(config, FOLDER / "mail")


def test_every_mail_becomes_what_it_should(played: list[dict[str, Any]]) -> None:
    assert [(each["action"], each["task"], each["priority"]) for each in played] == [
        ("new_ticket", "equipment.repair", "normal"),
        ("new_ticket", "equipment.new", "normal"),
        ("new_ticket", "network.outage", "urgent"),
        ("follow_up", None, None),
        ("follow_up", None, None),
        ("new_ticket", "network.socket", "urgent"),
    ]
    assert [each["intent"] for each in played if each["action"] == "follow_up"] == ["chaser", "note"]


def test_the_key_stands_under_its_own_name_without_its_space(played: list[dict[str, Any]]) -> None:
    assert (played[0]["asset"], played[0]["fields"]) == ("WX20417", {"room": "12"})
    assert "crn" not in played[0]


def test_a_task_does_without_what_its_category_needs(played: list[dict[str, Any]]) -> None:
    assert (played[1]["missing_information"], played[1]["sla_policy"]) == (["date"], "buying")


def test_work_goes_in_turn_to_the_people_of_the_team(played: list[dict[str, Any]]) -> None:
    given = [each["assignee"].partition(".")[0] for each in played if each["action"] == "new_ticket"]
    assert given == ["ivo", "una", "owen", "owen"]


def test_a_department_lays_its_own_over_the_base() -> None:
    base, libraries = load([FOLDER / "config"], {}), FOLDER / "libraries"
    both = load([FOLDER / "config", libraries], {})
    kiosk, old = play(both, libraries / "mail")
    assert (kiosk["task"], kiosk["priority"], kiosk["tags"]) == ("equipment.repair", "urgent", ["kiosk"])
    assert (old["task"], old["priority"], old["tags"]) == ("equipment.repair", "normal", [])
    assert [kiosk["mailbox"], old["mailbox"]] == list(both.service.mailboxes)[::-1]
    assert [kiosk["sla_policy"], old["sla_policy"], kiosk["team"]] == ["fast", "usual", "desk"]  # as the base has it
    assert both.version != base.version
    assert any("mailboxes.libraries.it@wexcombe.example" in change for change in both.changed)
    assert [each["task"] for each in play(both, FOLDER / "mail")] == [
        each["task"] for each in play(base, FOLDER / "mail")
    ]


@pytest.mark.parametrize(
    ("folders", "mail"), [(["config"], "mail"), (["config", "libraries"], "libraries/mail")], ids=["alone", "with more"]
)
def test_a_rehearsal_at_the_command_line_agrees_with_what_is_expected(folders: list[str], mail: str) -> None:
    options = [word for folder in folders for word in ("--config", str(FOLDER / folder))]
    command = [sys.executable, "-m", "mailgate", *options, "rehearse", str(FOLDER / mail)]
    done = subprocess.run(command, cwd=FOLDER.parent.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    agreed, _, all_of_them, *_ = done.stdout.splitlines()[-1].split()
    assert agreed == all_of_them
