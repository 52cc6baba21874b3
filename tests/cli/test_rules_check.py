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
    code += "print(sorted({'pydantic', 'sqlalchemy', 'yaml', 'aiosmtpd', 'jinja2'} & set(sys.modules)))"
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
        f'{tmp_path}/a.yml:2:1  error: unknown key "regoin"; did you mean "region"?',
        f"{tmp_path}/a.yml:3:8  error: expected lines of the form name: value, found a list",
    ]
    problem = json.loads(mailgate("--config", tmp_path, "rules", "check", "--json").stdout)["problems"][0]
    assert (problem["line"], problem["column"]) == (2, 1)


def test_what_an_overlay_changes_is_listed(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("region: Southmarch\n", encoding="utf-8")
    done = mailgate("rules", "check", "--config", "config", "--config", tmp_path)
    assert done.stdout.splitlines()[1:] == [f"  {tmp_path} changes region: Southmarch, was Northmere"]


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


WORTH_A_LOOK = """\
markings: [OFFICIAL]
teams: { desk: {}, north: { units: [North] } }
mailboxes: { help@example.org: { team: desk, usually: repairs } }
information: { room: which room }
categories:
  repairs:
    tasks:
      heating:
        recognise: [boiler, "!!!", radiator]
      lighting:
        recognise: [light bulb, light bulbs, boiler or radiator, radiator !!! now]
      paint: {}
  desk:
    tasks:
      booking: {}
rules:
  - { name: all, when: { category: repairs }, then: { stop: yes } }
  - { name: some, when: { task: repairs.heating }, then: { tag: x } }
  - { name: odd, when: { category: desk, task: repairs.heating }, then: { tag: x } }
  - { name: names, when: { to: halp@example.org, marking: OFICIAL, any: [{ tag: w }] }, then: { tag: x } }
  - { name: high, when: { subject: now }, then: { priority: high } }
  - { name: low, when: { subject: [now, soon] }, then: { priority: low } }
  - { name: every, when: {}, then: { task: repairs.heating } }
sla: { usual: { reply: 1 working day, finish: 5 working days } }
priorities: { high: usual, low: usual }
commissions: { ask: [North], answer_by: 2 working days before the deadline, compiled_by: desk }
"""


HARDLY_MEANT = """\
9:29 "!!!" never wins: no mail can say it like this; write plain words
11:33 "light bulbs" is there twice: this task has it too (a.yml:11)
11:66 "radiator !!! now" never wins: a mail that says just that goes to repairs.heating, by "radiator"
12:7 nothing leads to "repairs.paint": it has no phrase, and no rule names it
13:3 nothing leads to "desk": no mailbox is usually for it, it has no phrase, and no rule names it
18:5 the rule "some" is never read: "all" (a.yml:17) fits whatever it fits, and stops
19:5 the rule "odd" can never fit: its task is not of its category
19:5 the rule "odd" is never read: "all" (a.yml:17) fits whatever it fits, and stops
20:32 "halp@example.org" is no mailbox of ours; did you mean "help@example.org"?
20:59 "OFICIAL" is not among "markings"; did you mean "OFFICIAL"?
20:81 no rule gives the tag "w"; expected "x"
21:5 what the rule "high" says about priority never counts: "low" (a.yml:22) fits too and says otherwise
23:5 the rule "every" fits every mail; say in "when" which ones are meant
26:90 nobody leads "desk": it needs somebody in the directory, or no return is ever approved and goes back
"""


def test_what_is_valid_and_hardly_meant_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(WORTH_A_LOOK, encoding="utf-8")
    done = mailgate("rules", "check", "--config", tmp_path)
    assert done.returncode == 0
    *lines, last = done.stdout.replace(f"{tmp_path}/", "").splitlines()
    assert "is valid: 1 mailbox" in last
    assert [line.removeprefix("a.yml:").replace("  warning: ", " ") for line in lines] == HARDLY_MEANT.splitlines()
    assert json.loads(mailgate("rules", "check", "--config", tmp_path, "--json").stdout)["warnings"][0]["line"] == 9


def test_the_starter_is_worth_no_second_look(tmp_path: Path) -> None:
    assert mailgate("init", tmp_path / "new").returncode == 0
    assert len(mailgate("rules", "check", "--config", tmp_path / "new").stdout.splitlines()) == 1


def test_a_mistake_in_a_template_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("messages: { done: templates/mine.md }\n", encoding="utf-8")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "mine.md").write_text("---\nsubject: Done\n---\n{{ offence }}\n", encoding="utf-8")
    done = mailgate("rules", "check", "--config", tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{tmp_path}/templates/mine.md:4:1  error: ")
