"""The command line's frame, and ``mailgate rules check``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailgate.cli.frame import LazyCommand
from mailgate.cli.main import COMMANDS, config_first, program

ROOT = Path(__file__).parent.parent.parent


def mailgate(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mailgate.cli.main", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, check=False)


def test_help_names_every_command_without_loading_what_they_need() -> None:
    code = "import sys; from mailgate.cli.main import program; program().main(['--help'], standalone_mode=False); "
    code += "print(sorted({'pydantic', 'sqlalchemy', 'ruamel', 'aiosmtpd', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    assert all(words.partition(" ")[0] in done.stdout for words, *_ in COMMANDS)


@pytest.mark.parametrize(
    ("words", "summary"),
    [(words, summary) for words, _, _, summary in COMMANDS],
)
def test_every_command_loads_and_begins_with_its_summary(words: str, summary: str) -> None:
    command = program()
    for word in words.split():
        command = command.commands[word]  # type: ignore[attr-defined,assignment]
    assert isinstance(command, LazyCommand)
    assert (command.load().help or "").startswith(summary.removesuffix("."))


def test_the_folder_may_be_named_behind_the_command() -> None:
    assert config_first(["rules", "check", "--config", "a", "--config=b", "--json"]) == [
        *("--config", "a", "--config=b", "rules", "check", "--json")
    ]
    assert config_first(["parse", "--", "--config", "a"]) == ["parse", "--", "--config", "a"]


def test_the_shipped_configuration_is_valid() -> None:
    done = mailgate("rules", "check")
    assert done.returncode == 0
    assert done.stdout.startswith("config is valid: 13 mailboxes, 13 teams, 10 categories, 59 tasks, 6 rules; version ")


def test_json_gives_the_counts_and_the_version() -> None:
    checked = json.loads(mailgate("rules", "check", "--json").stdout)
    assert (checked["valid"], checked["mailboxes"], len(checked["version"]), checked["changed"]) == (True, 13, 12, [])


def test_every_mistake_has_its_line_and_the_exit_code_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("region: x\nregoin: y\nteams: []\n", encoding="utf-8")
    done = mailgate("rules", "check", "--config", tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f'{tmp_path}/a.yml:2:1  unknown key "regoin"; did you mean "region"?',
        f"{tmp_path}/a.yml:3:8  expected lines of the form name: value, found a list",
    ]
    problem = json.loads(mailgate("--config", tmp_path, "rules", "check", "--json").stdout)["problems"][0]
    assert (problem["line"], problem["column"]) == (2, 1)


def test_what_an_overlay_changes_is_listed(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("region: Southmarch\n", encoding="utf-8")
    done = mailgate("rules", "check", "--config", "config", "--config", tmp_path)
    assert done.stdout.splitlines()[1:] == [f"  {tmp_path} changes region"]


def test_a_mistake_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    done = mailgate("rules", "check", "--config", "a", "--config", "b", "--config", "c")
    assert (done.returncode, done.stdout) == (2, "")
    expected = "mailgate: --config can be given twice at most: a base, and a folder that is laid over it\n"
    assert done.stderr == expected
    assert mailgate("rules", "chekc").returncode == 2


def test_a_reader_that_stops_reading_ends_it_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "mailgate.cli.main", "rules", "check"]
    done = subprocess.run(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")
