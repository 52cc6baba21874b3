"""What somebody may put into the configuration to hurt the gateway, given to the program as it is called (S50-S54)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from tests.rules.test_evil_patterns import EVIL

ROOT = Path(__file__).parent.parent.parent
MAIL = (
    "From: ann@example.org\nTo: help@example.org\nSubject: Hello\nMessage-ID: <1@example.org>\n\n"
    + "a" * 50_000
    + "!\n"
)
SMALL = "teams: { desk: {} }\nmailboxes: { help@example.org: { team: desk } }\n"
COMMANDS = (("rules", "check"), ("parse", "mail.eml"), ("explain", "mail.eml"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An empty folder for a configuration, with a mail beside it."""
    (tmp_path / "mail.eml").write_text(MAIL)
    (tmp_path / "config").mkdir()
    return tmp_path / "config"


def run(config: Path, *words: str) -> tuple[int, list[str], float]:
    """The exit code of the program, all that it prints, and how long it works."""
    command = [sys.executable, "-m", "mailgate", "--config", str(config), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=config.parent, env=environment, capture_output=True, text=True, check=False)
    after = getrusage(RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.returncode, (done.stdout + done.stderr).replace(f"{config}/", "").splitlines(), seconds


def refused(config: Path, *words: str) -> list[str]:
    """What the program says of a configuration that it refuses within a second."""
    code, lines, seconds = run(config, *(words or ("rules", "check")))
    assert code in (1, 2)
    assert seconds < 1
    return lines


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("file", ["a.yml", "mailgate.yml", "rules/a.yml"])
def test_S50_python_in_any_file_is_refused_with_its_line_by_every_command(
    config: Path, file: str, words: tuple[str, ...]
) -> None:
    (config / "rules").mkdir()
    (config / file).write_text(f"# one\nregion: !!python/object/apply:os.system ['touch {config}/owned']\n")
    assert any(line.removeprefix("mailgate: ").startswith(f"{file}:2:9 ") for line in refused(config, *words))
    assert not (config / "owned").exists()


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
BOMBS = {
    "anchors": (LAUGHS, "2:10 "),
    "size": ("region: x\n" + "#" * 10_000_000, "1:1 "),
    "depth": ("a: " + "[" * 1000 + "]" * 1000, "1:54 "),
    "unknown keys": ("".join(f"unknown{number}: x\n" for number in range(60_000)), "25000:15 "),
    "fewer unknown keys": ("".join(f"unknown{number}: x\n" for number in range(24_000)), "1:1 "),
    "values": ("region: x\nmarkings: [" + "x," * 400_000 + "]", "2:"),
    "lists": ("markings: [" + "[]," * 300_000 + "]", "1:"),
    "the same key": ("a: b\n" * 200_000, "2:1 "),
    "tags": ("markings: [" + "!!x x," * 150_000 + "]", "1:12 "),
    "an open bracket": ("region: x\nmarkings: [" + "x, " * 20_000, "2:1 "),
    "unknown names": ("teams: {" + ",".join(f"t{n}: {{cover: q{n}}}" for n in range(10_000)) + "}", "1:21 "),
    "unknown conditions": (
        "rules:\n" + "".join(f"- {{name: r{n}, when: {{x{n}: y}}, then: {{task: a.b{n}}}}}\n" for n in range(4_000)),
        "2:42 ",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_S51_a_bomb_is_refused_within_a_second_with_its_line(config: Path, bomb: str) -> None:
    text, place = BOMBS[bomb]
    (config / "a.yml").write_text(text)
    lines = refused(config)
    assert lines[0].startswith(f"a.yml:{place}")
    assert len(lines) <= 250


def test_S52_evil_patterns_are_refused_with_their_lines_or_harm_nobody(config: Path) -> None:
    rules = [{"name": f"{n}", "when": {"body": f"/{text}/"}, "then": {"tag": "x"}} for n, text in enumerate(EVIL)]
    (config / "a.yml").write_text(SMALL + "rules:\n" + "".join(f"  - {json.dumps(rule)}\n" for rule in rules))
    lines = refused(config)
    assert all("this regular expression " in line for line in lines)
    evil = {int(line.split(":")[1]) for line in lines}
    assert 4 <= len(evil) < len(EVIL)
    kept = [rule for number, rule in enumerate(rules, start=4) if number not in evil]
    (config / "a.yml").write_text(SMALL + "rules:\n" + "".join(f"  - {json.dumps(rule)}\n" for rule in kept))
    idle, worked = run(config, "parse", "mail.eml"), run(config, "explain", "mail.eml")
    assert (idle[0], worked[0]) == (0, 0)
    assert worked[2] - idle[2] < 2  # with a store to open, and all that are left in one mail of 10,000 letters


def test_S53_a_rule_that_fits_everything_is_a_warning(config: Path) -> None:
    rule = "rules: [{ name: all, when: { from: '*' }, then: { stop: yes } }]\n"
    (config / "a.yml").write_text(SMALL + rule)
    code, lines, _ = run(config, "rules", "check")
    assert code == 0
    assert lines[0].startswith('a.yml:3:9  warning: the rule "all" fits every mail')


def test_S54_links_and_what_others_may_change_are_refused(config: Path) -> None:
    (config / "a.yml").write_text(SMALL)
    (config / "b.yml").write_text("region: x\n")
    (config / "b.yml").chmod(0o646)
    (config / "c.yml").symlink_to(config / "a.yml")
    os.mkfifo(config / "d.yml")
    (config / "e.yml").mkdir()
    (config / "f.yml").symlink_to("/dev/zero")
    if os.geteuid() == 0:
        (config / "g.yml").write_text("privacy: {}\n")
        os.chown(config / "g.yml", 12345, 12345)
    found = {line.partition(":")[0]: line for line in refused(config)}
    assert set("bcdef") <= {name[0] for name in found}
    assert "chmod o-w" in found["b.yml"]
    assert "symbolic link" in found["c.yml"]
    assert "symbolic link" in found["f.yml"]
    assert all(line.startswith(f"{name}:1:1 ") for name, line in found.items())
