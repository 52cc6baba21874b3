"""Every command that a document tells people to type exists, with the options it is given."""

import re
import shlex
from collections.abc import Iterator

import pytest
from typer import Context
from typer.core import TyperGroup

from mailgate.cli.main import config_first, program
from prove import walk
from tests.test_documents import ROOT

OF_RULES = {"design.md", "domain.md", "email.md", "reliability.md"}  # what is to be, and by which number
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples/README.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in OF_RULES),
]
CODE = re.compile(r"^ *```(?:sh[^\n]*)?\n(.*?)^ *```|`([^`\n]*)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^ *|/bin/|-- )mailgate(?:-admin)? ([a-z-].*)", re.MULTILINE)
WORD, OPTION = re.compile(r"[a-z]+"), re.compile(r"(--[a-z][a-z-]*)(?:=.*)?")


def commands(text: str) -> Iterator[list[str]]:
    for block, span in CODE.findall(text):
        for line in COMMAND.findall((block or span).replace("\\\n", " ")):
            yield shlex.split(line.replace("[", "").replace("]", "").replace("\\|", " "), comments=True)


def options(at: Context) -> set[str]:
    return {name for parameter in at.command.get_params(at) for name in parameter.opts}


def fault(words: list[str]) -> str | None:
    """What is wrong with a command of *words*, if anything."""
    at = program().make_context("mailgate", [], resilient_parsing=True)
    known = options(at)
    for word in config_first(words):
        if option := OPTION.fullmatch(word):
            if option[1] not in known:
                return f"there is no option {option[1]}"
        elif isinstance(at.command, TyperGroup) and WORD.fullmatch(word):
            found = at.command.get_command(at, word)
            if found is None:
                return f'there is no command "{word}"'
            at = found.make_context(word, [], parent=at, resilient_parsing=True)
            known |= options(at)
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_of_a_document_exists_with_its_options(document) -> None:
    faults = {shlex.join(words): said for words in commands(document.read_text("utf-8")) if (said := fault(words))}
    assert faults == {}


def test_commands_are_found_in_text_and_in_blocks() -> None:
    text = (
        "Say `mailgate rules check --confg X`.\n\n```sh\nmailgate-admin tickets list   # all\n```\nmailgate is small."
    )
    assert [fault(words) for words in commands(text)] == [
        "there is no option --confg",
        'there is no command "tickets"',
    ]


def test_the_walk_finds_its_blocks_in_the_documents() -> None:
    found = [walk.blocks((ROOT / "docs" / name).read_text("utf-8")) for name in walk.DOCUMENTS]
    places = {place for each in found for place in each}
    assert set(walk.AROUND) <= places
    assert ("Installing", 0) in places
    assert found[0]["Installing", 0][0].startswith("apt-get install ")
    assert all(line for each in found for lines in each.values() for line in lines)
