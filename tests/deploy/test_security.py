"""docs/security.md says of every attack what protects against it, and names tests that exist."""

import re

from tests.gateway import ROOT
from tests.test_documents import RULE_IN_NAME, TEST, tracked

ATTACK = re.compile(r"^\| (S\d+) \|", re.MULTILINE)
ROW = re.compile(r"^\| (S\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
TABLE = (ROOT / "docs/security.md").read_text("utf-8")
ROWS = dict(ROW.findall(TABLE))
TESTS = {name for path in tracked("tests/*.py") for name in TEST.findall(path.read_text("utf-8"))}


def test_every_attack_has_its_row() -> None:
    attacks = ATTACK.findall((ROOT / "docs/reliability.md").read_text("utf-8"))
    assert ATTACK.findall(TABLE) == attacks
    assert list(ROWS) == attacks


def test_every_row_names_tests_that_exist_and_carry_its_number() -> None:
    for attack, proof in ROWS.items():
        for name in re.findall(r"`(\w+)`", proof):
            assert name in TESTS, f"{attack}: there is no {name}"
            assert attack in RULE_IN_NAME.findall(name), f"{attack}: {name} proves something else"
        assert re.fullmatch(r"`test_\w+`(, `test_\w+`)*", proof), f"{attack}: {proof}"
