"""docs/rules.md names everything that may be written, and what it shows can be written so."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailgate.decide import decide
from mailgate.ingest.parse import parse
from mailgate.model.config import Config
from mailgate.model.decision import NewTicket
from mailgate.model.facts import Facts
from mailgate.model.message import Envelope
from mailgate.model.ticket import Draft
from mailgate.model.work import Information, Task, TextKeys, Then
from mailgate.rules.conditions import CONDITIONS
from mailgate.rules.warnings import warnings
from mailgate.settings import examine
from mailgate.understand import read

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "rules.md").read_text("utf-8")
SHOWN = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
MAIL = TEXT.partition("```\nFrom: ")[2].partition("```")[0].replace("Ann <", "From: Ann <", 1)
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize("names", [CONDITIONS, Then.model_fields, Task.model_fields, Information.model_fields])
def test_every_name_is_explained(names: dict[str, object]) -> None:
    assert [name for name in names if f"`{name}`" not in TEXT] == []


def test_how_people_ask_is_explained() -> None:
    assert [name for name in TextKeys.model_fields if f"`{name}`" not in TEXT] == ["disclaimers", "banners"]


def test_somebody_who_follows_the_page_adds_a_phrase_a_task_and_a_rule(tmp_path: Path) -> None:
    phrase, with_words, task, information, rule, _ = SHOWN
    assert with_words.startswith(phrase)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    categories = tmp_path / "config" / "categories.yml"
    text = categories.read_text("utf-8")
    name, words = phrase.split("recognise: [")
    text = text.replace(f"{name}recognise: [", f"{name}recognise: [{words.split(', ')[-1].rstrip()[:-1]}, ")
    at = text.index("    tasks:\n", text.index("\n  performance:\n")) + len("    tasks:\n")
    text = text[:at] + task + text[at:]
    categories.write_text(text.replace("information:\n", f"information:\n{information}", 1), "utf-8")
    (tmp_path / "config" / "rules" / "mine.yml").write_text(rule, "utf-8")
    guidance = re.search(r"`(guidance/\S+\.md)`", TEXT)
    assert guidance
    (tmp_path / "config" / guidance[1]).write_text("Ask the office for a number.\n", "utf-8")
    found = examine([tmp_path / "config"], {})
    assert [str(problem) for problem in warnings(found.config, found.service)] == []
    assert "letter of concern" in found.config.service.categories["enforcement"].tasks["warning-letter"].recognise
    (draft,) = _drafts(MAIL, found.config)
    assert (draft.task, draft.priority, draft.missing) == ("performance.parking-permit", "low", ())
    assert {name: values[0] for name, values in draft.fields.items()} == {"first-day": "2026-12-01", "car": "AB12 CDE"}
    (urgent,) = _drafts(MAIL.replace("ann@justice.example", "director@example.org"), found.config)
    assert (urgent.priority, urgent.tags) == ("high", ("external", "director"))


def _drafts(mail: str, config: Config) -> tuple[Draft, ...]:
    message = parse(mail.encode(), config.service.text, config.service.markings)
    envelope = Envelope("", ("northmere.performance@justice.example",), MONDAY, vouched=True)
    decision = decide(read(message, envelope, config), config, Facts(MONDAY))
    assert isinstance(decision.outcome, NewTicket)
    return decision.outcome.drafts


def test_the_folder_that_is_laid_over_another_is_the_one_that_ships() -> None:
    shipped = (ROOT / "examples" / "helpdesk" / "libraries" / "service.yml").read_text("utf-8")
    assert shipped.endswith(SHOWN[-1])
