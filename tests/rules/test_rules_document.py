"""docs/rules.md names everything that may be written, and what it shows can be written so."""

import re
from pathlib import Path

import pytest

from mailgate.model.config import Information, Task, TextKeys, Then
from mailgate.rules.conditions import CONDITIONS
from mailgate.settings import load

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "rules.md").read_text("utf-8")
SHOWN = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
REST = """
priorities: {high: usual, low: usual}
sla: {usual: {reply: 1 working day, finish: 2 working days}}
"""


@pytest.mark.parametrize("names", [CONDITIONS, Then.model_fields, Task.model_fields, Information.model_fields])
def test_every_name_is_explained(names: dict[str, object]) -> None:
    assert [name for name in names if f"`{name}`" not in TEXT] == []


def test_how_people_ask_is_explained() -> None:
    assert [name for name in TextKeys.model_fields if f"`{name}`" not in TEXT] == ["disclaimers", "banners"]


def test_what_is_shown_can_be_written_so(tmp_path: Path) -> None:
    phrase, words, task, information, rule = SHOWN
    for letter in (phrase, words):
        categories = f"categories:\n  office:\n    tasks:\n{letter}{task}"
        (tmp_path / "service.yml").write_text("\n".join((categories, information, rule, REST)))
        service = load([tmp_path], {}).service
        assert "letter of concern" in service.categories["office"].tasks["warning-letter"].recognise
    assert "unacceptable" in service.categories["office"].tasks["warning-letter"].words
    assert service.categories["office"].tasks["parking-permit"].needs == ("date", "car")
    assert service.rules[0].then.priority == "at least high"
