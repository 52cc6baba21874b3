"""S52, R24: no pattern that somebody writes can stall the gateway: it is refused with its line, or runs linearly."""

import json
import time
from pathlib import Path

import pytest

from mailgate.rules.searches import Wishes
from mailgate.settings import ConfigError, load

INNER = ("a+", "a*", "a|a", "a|aa", r"\w+", r"\w+\s?", r"[a-z]+", ".*", "a?", "a{1,100}", r"(\s|a)+", "(a+)+")
EVIL = [
    *(f"^({inner}){more}$" for inner in INNER for more in ("+", "*", "{1,50}")),
    r"^(\w+\s?)+$",
    r"(x+x+)+y",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$",
    r"(.*)*(.*)*(.*)*x",
    r"(a{1,1000}){1,1000}",
    r"((a{100}){100}){100}",
    r"(?=(a+))\1b",
    r"(a)\1+",
    r"(?<=a+)b",
    r"^(?>a+)+$",
    r"(?P<n>a+)(?P=n)*$",
    r"[[:alpha:]]*[[:alpha:]]*[[:alpha:]]*!!",
    "(" * 1000 + "a" + ")" * 1000,
    "|".join(f"a{{{number}}}" for number in range(1, 400)),
    r"\pL+\pL+\pL+\pL+\pL+\d",
]
TEXTS = ("a" * 5000 + "!", "aa " * 1700 + "!", "x" * 5000)


def mistakes(folder: Path, pattern: str) -> list[str]:
    rule = {"name": "evil", "when": {"body": f"/{pattern}/"}, "then": {"tag": "x"}}
    (folder / "a.yml").write_text(f"region: here\nrules:\n  - {json.dumps(rule)}\n")
    try:
        load([folder], {})
    except ConfigError as error:
        return [f"{problem.line}: {problem.text}" for problem in error.problems]
    return []


def test_there_are_fifty() -> None:
    assert len(EVIL) >= 50


@pytest.mark.parametrize("pattern", EVIL, ids=lambda pattern: pattern[:30])
def test_S52_an_evil_pattern_is_refused_with_its_line_or_runs_linearly(tmp_path: Path, pattern: str) -> None:
    begun = time.process_time()
    refused = mistakes(tmp_path, pattern)
    if refused:
        assert refused[0].startswith("3: this regular expression")
    else:
        wishes = Wishes([f"/{pattern}/"])
        for text in TEXTS:
            wishes.find(text)
    assert time.process_time() - begun < 1


def test_S52_all_of_them_together_run_linearly_too(tmp_path: Path) -> None:
    fine = [f"/{pattern}/" for pattern in EVIL if not mistakes(tmp_path, pattern)]
    begun = time.process_time()
    wishes = Wishes(fine)
    for text in TEXTS:
        wishes.find(text)
    assert time.process_time() - begun < 2
