"""The documents hold together: rules that tests name exist, links lead somewhere, nothing belongs to one machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENT_OF = {"E": "email", **dict.fromkeys("GRSKF", "reliability"), "P": "performance"}
RULE_IN_NAME = re.compile(r"_([EGRSKFP]\d{1,3}[a-z]?)(?=_|$)")
TEST = re.compile(r"def (test_\w+)")
DOCUMENT = re.compile(r"\b(?:docs/)?[A-Z]{4,}\.md\b|\bdocs/[\w/.-]+\.md\b")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
OF_A_MACHINE = (
    re.compile(r"(?<![\w.~*-])/(?:root|home|work|opt)/\w"),
    re.compile(r"\bpython" + r"hosted\.org\b|\bpypi" + r"\.org\b"),  # in parts: this file is in the tree too
)


def tracked(pattern: str) -> list[Path]:
    """The files of the project whose path ends as *pattern* says, committed or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", pattern],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def rules(letter: str) -> set[str]:
    """Every rule number with this letter that its document mentions."""
    text = (ROOT / "docs" / f"{DOCUMENT_OF[letter]}.md").read_text("utf-8")
    return set(re.findall(rf"\b{letter}\d{{1,3}}[a-z]?\b", text))


def test_a_rule_that_a_test_names_exists_in_its_document() -> None:
    known = {letter: rules(letter) for letter in DOCUMENT_OF}
    unknown = [
        f"{path.relative_to(ROOT)}: {name} names {rule}, which is not in docs/{DOCUMENT_OF[rule[0]]}.md"
        for path in tracked("tests/*.py")
        for name in TEST.findall(path.read_text("utf-8"))
        for rule in RULE_IN_NAME.findall(name)
        if rule not in known[rule[0]]
    ]
    assert not unknown, "\n".join(unknown)


def test_each_attack_on_who_says_so_and_on_what_we_send_has_a_test_of_its_name() -> None:
    named = {
        rule
        for path in tracked("tests/*.py")
        for name in TEST.findall(path.read_text("utf-8"))
        for rule in RULE_IN_NAME.findall(name)
    }
    assert {f"S{number}" for number in range(29, 46)} <= named


@pytest.mark.parametrize(("letter", "some"), [("E", {"E13", "E156a", "E241"}), ("S", {"S27"}), ("P", {"P15"})])
def test_the_documents_hold_the_rules(letter: str, some: set[str]) -> None:
    assert some <= rules(letter)


def test_a_rule_number_is_read_from_a_name() -> None:
    assert RULE_IN_NAME.findall("test_S27_and_E156a_hold_at_utf8_E13") == ["S27", "E156a", "E13"]


def test_a_document_that_the_code_names_exists() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in tracked("mailgate/*.py")
        for name in DOCUMENT.findall(path.read_text("utf-8"))
        if not (ROOT / name).exists()
    ]
    assert not missing, "\n".join(missing)


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in tracked("*.md")
        for target in LINK.findall(CODE.sub("", path.read_text("utf-8")))
        if ":" not in target and not target.startswith("#")
        if not (path.parent / target.partition("#")[0]).exists()
    ]
    assert not broken, "\n".join(broken)


def test_nothing_in_the_tree_belongs_to_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked("*")
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1)
        if any(pattern.search(line) for pattern in OF_A_MACHINE)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_S79_the_lock_pins_every_dependency_with_a_hash_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert pins
    assert all(re.fullmatch(r"[\w.-]+==\S+(?: ; [^-]+)?(?:\s+--hash=sha256:[0-9a-f]{64})+\s*", pin) for pin in pins)
    assert "://" not in text


def test_the_two_locks_agree() -> None:
    run, dev = (
        set(re.findall(r"^([\w.-]+==\S+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE))
        for lock in ("requirements.txt", "requirements-dev.txt")
    )
    assert run < dev


def test_make_help_names_every_target() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = text.partition(".PHONY:")[2].partition("\n")[0].split()
    assert [target for target in phony if not re.search(rf"^{target}:.*## \S", text, re.MULTILINE)] == []
