"""Templates that leave a hole in a sentence, and front matter."""

from pathlib import Path

import pytest

from mailgate.notify.template import Mistake, check_template, holes, parts

TEMPLATES = Path(__file__).parent.parent.parent / "mailgate" / "templates"


def of(body: str, subject: str = "A") -> str:
    return f"---\nsubject: {subject}\n---\n# A\n\n{body}\n"


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        (of("By {{ reply_by }}."), 6, "reply_by"),
        (of("x", subject="By {{ reply_by }}"), 2, "reply_by"),
        (of("{% if task or key %}\n{{ task }}\n{% endif %}"), 7, "task"),
        (of("{% if task %}\n{{ key_label }}\n{% endif %}"), 7, "key_label"),
        (of("{% if late %}\n{{ reply_by }}\n{% endif %}"), 7, "reply_by"),
        (of("{% if until %}\nx\n{% else %}\n{{ until }}\n{% endif %}"), 9, "until"),
        (of("x").replace("subject: A\n", "subject: A\ndraft: not read\n") + "{{ reply_by }}\n", 8, "reply_by"),
    ],
)
def test_a_field_that_may_be_missing_is_named_with_its_line(text: str, line: int, field: str) -> None:
    words = f'"{field}" may have no value: show it inside {{% if {field} %}} … {{% endif %}}'
    assert holes("on_hold", text, "asset") == (Mistake(line, words),)


@pytest.mark.parametrize(
    "text",
    [
        of("{{ reference }} {{ team_name }} {{ received_on }}"),
        of("{% if reply_by and not late %}\n{{ reply_by }}\n{% endif %}"),
        of("{% if key %}\n{{ key_label }}: {{ asset }}\n{% endif %}"),
        of("x{% if until %} {{ until }}{% else %} later{% endif %}"),
    ],
)
def test_what_is_shown_only_where_it_is_there_leaves_no_hole(text: str) -> None:
    assert check_template("on_hold", text, "asset") == ()
    assert holes("on_hold", text, "asset") == ()


def test_a_template_in_welsh_may_say_what_it_still_needs() -> None:
    text = "---\nsubject: Helo\ndraft: a translator has to read this\n---\n# Helo\n\n{{ refrence }}\n"
    assert parts(text) == ("Helo", "a translator has to read this", 4, "# Helo\n\n{{ refrence }}\n")
    assert check_template("cy/received", text) == (Mistake(7, 'unknown field "refrence"; nearest is "reference"'),)


@pytest.mark.parametrize("file", sorted((TEMPLATES / "cy").glob("*.md")), ids=lambda file: file.stem)
def test_every_welsh_template_that_ships_is_a_draft_of_an_english_one(file: Path) -> None:
    taken = parts(file.read_text("utf-8"))
    assert taken
    assert taken.draft
    assert (TEMPLATES / file.name).is_file()
