"""``mailgate template``: what our mails look like, from outside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailgate.cli.starter import FILES

ROOT = Path(__file__).parent.parent.parent


def mailgate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mailgate", "template", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A starter service with a template of its own."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    (tmp_path / "templates" / "cy").mkdir(parents=True)
    (tmp_path / "templates" / "received.md").write_text("---\nsubject: Hello\n---\n# Hello {{ key }}\n", "utf-8")
    return tmp_path


def test_a_preview_is_a_page_on_standard_output_or_in_a_file(tmp_path: Path) -> None:
    printed = mailgate("preview", "more-needed", "--language", "en+cy").stdout
    assert printed.startswith("<!DOCTYPE html>")
    assert "We need more information" in printed
    assert "Mae angen rhagor o wybodaeth arnom" in printed
    said = mailgate("preview", "more_needed", "--language", "en+cy", "--output", tmp_path / "mail.html").stdout
    assert said == f"wrote {tmp_path / 'mail.html'}\n"
    assert (tmp_path / "mail.html").read_text("utf-8") == printed


def test_a_preview_shows_what_its_reader_may_see() -> None:
    assert "A123456" in mailgate("preview", "received").stdout
    assert "A123456" not in mailgate("preview", "received", "--to", "partners").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["recieved"], 'There is no message "recieved"; nearest is "received"'),
        (["zzz"], 'There is no message "zzz"; there are: absence, alert, answer, assigned'),
    ],
)
def test_an_unknown_message_is_told_with_the_nearest(arguments: list[str], says: str) -> None:
    done = mailgate("preview", *arguments)
    assert done.returncode == 2
    assert says in done.stderr


def test_the_templates_that_ship_are_right_and_the_drafts_are_named() -> None:
    done = mailgate("check")
    assert done.returncode == 0
    *notes, last = done.stdout.splitlines()
    welsh = len(list((ROOT / "mailgate" / "templates" / "cy").glob("*.md")))
    assert (
        last
        == f"{len(list((ROOT / 'mailgate' / 'templates').rglob('*.*')))} templates are valid, {welsh} of them in Welsh"
    )
    assert sum("draft: a translator has to read this" in note for note in notes) == welsh


def test_a_mistake_is_told_with_its_file_its_line_and_what_to_do(service: Path) -> None:
    (service / "templates" / "cy" / "done.md").write_text("---\nsubject: {{ refrence }}\n---\n# A\n", "utf-8")
    done = mailgate("check", "--config", service)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f'{service}/templates/received.md:4  "key" may have no value: show it inside {{% if key %}} … {{% endif %}}',
        f'{service}/templates/cy/done.md:2  unknown field "refrence"; nearest is "reference"',
    ]
    told = json.loads(mailgate("check", "--json", "--config", service).stdout)
    assert not told["valid"]
    assert [(problem["file"], problem["line"]) for problem in told["problems"]] == [
        (f"{service}/templates/received.md", 4),
        (f"{service}/templates/cy/done.md", 2),
    ]
    assert {"name": "received", "file": f"{service}/templates/received.md"} in told["templates"]


def test_a_preview_for_partners_needs_some(service: Path) -> None:
    done = mailgate("preview", "done", "--to", "partners", "--config", service)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There are no partners" in done.stderr
