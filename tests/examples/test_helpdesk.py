"""The second example, a council's IT help desk: nothing in the code belongs to the first."""

import json
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


@pytest.fixture(scope="module")
def played(config: Config) -> list[dict[str, Any]]:
    """What ``mailgate rehearse`` prints of each mail."""
    shown = []
    for one in rehearse(config, FOLDER / "mail"):
        assert one.settled is not None
        shown.append(as_json(one.settled.decision, one.settled.reading, config, lambda ticket: ticket.ref))
    return json.loads(json.dumps(shown, default=str))  # type: ignore[no-any-return]


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


def test_a_region_lays_its_own_over_the_base(tmp_path: Path) -> None:
    region = "priorities: {urgent: usual}\nteams: {network: {lead: una.marsh}}\nrules: []\n"
    (tmp_path / "region.yml").write_text(region)
    both = load([FOLDER / "config", tmp_path], {})
    assert (both.service.priorities["urgent"], both.service.teams["network"].lead) == ("usual", "una.marsh")
    assert both.service.teams["network"].label == "Network Team"
    assert len(both.service.rules) == 2
    changed = " ".join(both.changed)
    assert "priorities.urgent" in changed
    assert "teams.network.lead" in changed
