"""What editors are told of the configuration: the shipped files fit, and each kind of mistake does not."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from mailgate.cli.starter import FILES
from mailgate.rules.json_schema import SCHEMAS, schema_text

CONFIG = Path(__file__).parent.parent.parent / "config"
SHIPPED = {str(file.relative_to(CONFIG)): file.read_text("utf-8") for file in sorted(CONFIG.rglob("*.yml"))}


def _mistakes(text: str, name: str = "service") -> list[str]:
    """What an editor would mark in *text*, which it reads as YAML 1.2."""
    value: Any = YAML(typ="safe", pure=True).load(text)
    return [error.message for error in Draft7Validator(SCHEMAS[name]()).iter_errors(value)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_schemas_and_the_shipped_ones_are_these(name: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[name]())
    assert (CONFIG / "schema" / f"{name}.json").read_text("utf-8") == schema_text(name)


@pytest.mark.parametrize(("file", "text"), [*SHIPPED.items(), *FILES.items()])
def test_every_shipped_file_names_its_schema_and_fits_it(file: str, text: str) -> None:
    name = "mailgate" if file == "mailgate.yml" else "service"
    up = "../" if file.startswith("rules/") else ""
    assert text.startswith(f"# yaml-language-server: $schema={up}schema/{name}.json\n")
    assert _mistakes(text, name) == []


@pytest.mark.parametrize(
    "text",
    [
        "regoin: North",
        "region: [North]",
        "reference: mg-1",
        "teams: { desk: { laed: sam } }",
        "mailboxes: { a@b.org: {} }",
        "mailboxes: { a@b.org: { team: desk, mode: lvie } }",
        "calendars: { office: { hours: Mondays to Friday } }",
        "calendars: { office: { hours: 'Monday to Friday, 9am to 5pm', also_closed: [Christmas] } }",
        "sla: { quick: { reply: 4 workin hours, finish: 1 day } }",
        "identifiers: { crn: { pattern: x, key: perhaps } }",
        "information: { date: { ask: when, count: many } }",
        "categories: { court: { framework: optional } }",
        "categories: { court: { tasks: [psr] } }",
        "rules: { name: one, when: {}, then: {} }",
        "rules: [{ name: one, when: {} }]",
        "rules: [{ name: one, when: {}, then: { prioritty: high } }]",
        "commands: { doen: [done] }",
        "messages: { recieved: templates/received.md }",
        "capacity_levels: { red: { optional: {} } }",
        "store: { url: sqlite:///x }",
    ],
)
def test_each_kind_of_mistake_is_marked(text: str) -> None:
    assert _mistakes(text)


@pytest.mark.parametrize(
    "text",
    [
        "region: x",
        "stoer: {}",
        "smtp: { max_size: 40 MB }",
        "workers: { processes: 0 }",
        "imap: [{ mailbox: a@b.org }]",
        "smtp: { limits: { recipients: none } }",
    ],
)
def test_each_kind_of_mistake_of_the_operator_is_marked(text: str) -> None:
    assert _mistakes(text, "mailgate")


@pytest.mark.parametrize(
    "text",
    [
        "domains: justice.example",
        "information: { room: which room, when: { ask: when, date: yes, ago: 14 years, count: 2 } }",
        "sla: { slow: { reply: 1 working day, finish: the deadline in the mail } }",
        "rules: [{ name: one, when: { any: [{ has: room }], header: { X-A: 1 } }, then: { stop: yes, tag: a } }]",
        "teams: { desk: { units: all }, crew: { units: [North, South] } }",
        "calendars: { office: { hours: [Monday to Friday 8.30am to 8pm, Saturday 9am to 1pm] } }",
    ],
)
def test_what_may_be_written_is_not_marked(text: str) -> None:
    assert _mistakes(text) == []
