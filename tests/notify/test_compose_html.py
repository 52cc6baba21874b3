"""The HTML of every message, against what Outlook and screen readers allow (E201, E202, E204)."""

import email
import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mailgate.model.config import Config, Service
from mailgate.model.decision import Reply
from mailgate.model.sending import Audience
from mailgate.notify import layout
from mailgate.notify.compose import MARKER, About, check_template, compose, prepare
from mailgate.notify.fields import LAYOUT, OWN, SUMMARIES
from mailgate.notify.files import read_templates
from mailgate.notify.samples import sample
from mailgate.tickets.token import Keys

FORBIDDEN_CSS = re.compile(
    r"flex|grid|float|position|max-width|background-image|border-radius|margin[^;]*auto|:hover|@media|@font-face"
    r"|rgba\(|data:|url\(|display:none|var\(|#000\b|#000000|#fff\b|#ffffff",
    re.IGNORECASE,
)
FORBIDDEN_TAGS = {"button", "form", "svg", "script", "style", "link", "iframe", "img", "div", "input"}
VOID = {"meta", "br", "hr"}
NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
CONFIG = Config(version="1", service=Service.model_validate({"markings": ["OFFICIAL"]}))
SOURCES = read_templates(CONFIG, [Path(__file__).parent.parent.parent / "mailgate"])
CONTEXT = prepare(CONFIG, Keys("a", {"a": b"k" * 32}), "loop", SOURCES)


class Page(HTMLParser):
    """The elements of a page as (tag, attributes, text), which must nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(html)
        self.close()
        assert not self._open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for place in self._open:
            self.elements[place][2].append(data)

    def texts(self, tag: str) -> list[str]:
        return ["".join(text).strip() for name, _, text in self.elements if name == tag]

    def all_attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def attributes(self, tag: str) -> dict[str, str | None]:
        return self.all_attributes(tag)[0]


def check_fragment(html: str) -> Page:
    """Read *html*; fails where it breaks a rule."""
    page = Page(html)
    assert not {tag for tag, _, _ in page.elements} & FORBIDDEN_TAGS
    for tag, attributes, text in page.elements:
        style = attributes.get("style") or ""
        assert not FORBIDDEN_CSS.search(style), f"{tag}: {style}"
        assert tag in ("td", "th") or "padding" not in style, f"padding on {tag}"
        assert tag not in ("td", "th") or "padding" in style, "a cell without padding"
        is_bar = attributes.get("aria-hidden") == "true"
        assert is_bar or tag in ("meta", *VOID) or "".join(text).strip(), f"{tag} without text"
        assert not {"class", "id"} & attributes.keys()
        assert all(int(size) >= 14 for size in re.findall(r"font-size:(\d+)px", style))
    layout_tables = [each for each in page.all_attributes("table") if each.get("role") == "presentation"]
    assert len(page.all_attributes("table")) - len(layout_tables) == len(page.texts("caption")), "a table without name"
    links = [attributes.get("aria-label") or "".join(text) for tag, attributes, text in page.elements if tag == "a"]
    assert len(set(links)) == len(links), "two links with the same text"
    return page


def check_page(html: str) -> Page:
    page = check_fragment(html)
    assert len(page.texts("h1")) == 1
    assert page.all_attributes("table")[1]["width"] == "600"
    return page


def words_of(html: str) -> list[str]:
    return Page(html).texts("body")[0].split()


def words_of_text(text: str) -> list[str]:
    return re.sub(r"(?m)^- |: mailto:\S+$", "", text).split()


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2.2."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((light(first), light(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def about(**changes: object) -> About:
    usual = {"ref": "MG-7K3F-99", "serial": 1, "mailbox": "helpdesk@council.example", "at": NOW, "received_at": NOW}
    return About(**(usual | {"cause": "<a@b>", "due_at": NOW} | changes))  # type: ignore[arg-type]


def sent_html(message: str, about: About, *, internal: bool) -> tuple[str, str]:
    """The text and the HTML part of *message*."""
    sent = compose(Reply(message, "jo@council.example", internal), about, CONTEXT)
    mail = email.message_from_bytes(sent.content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    text, html = (leaf.get_content().replace("\r\n", "\n") for leaf in mail.iter_parts())
    return text, html


FULL = about(task="New laptop", key="A1", team="Service desk", marking="OFFICIAL", missing=("the floor", "the date"))
BARE = about(due_at=None)


@pytest.mark.parametrize("internal", [True, False])
@pytest.mark.parametrize("about", [FULL, BARE], ids=["full", "bare"])
@pytest.mark.parametrize("message", sorted(OWN.keys() - {LAYOUT, "more_needed"}))
def test_every_message_keeps_to_the_rules(message: str, about: About, internal: bool) -> None:
    text, html = sent_html(message, about, internal=internal)
    check_page(html)
    assert words_of(html) == words_of_text(text)


@pytest.mark.parametrize("internal", [True, False])
def test_a_question_keeps_to_the_rules(internal: bool) -> None:
    text, html = sent_html("more_needed", FULL, internal=internal)
    check_page(html)
    assert words_of(html) == words_of_text(text)


@pytest.mark.parametrize("message", sorted(SUMMARIES))
def test_E200_E204_a_summary_has_named_tables_buttons_and_less_than_100_KB(message: str) -> None:
    reply, told = sample(message, Audience.TEAM, CONTEXT.config)
    sent = compose(reply, told, CONTEXT)
    mail = email.message_from_bytes(sent.content, policy=policy.default)
    page = check_page(mail.get_body(("html",)).get_content())
    assert len(sent.content) < 100_000
    assert (mail["X-Mailgate-Id"], mail["Subject"].startswith("[")) == (None, False)
    if message == "weekly":
        assert page.texts("caption") == ["By category", "By unit"]
        assert {each["scope"] for each in page.all_attributes("th")} == {"row", "col"}
        assert "src=" not in sent.content.decode("ascii"), "nothing is fetched from elsewhere"


def test_a_row_of_a_table_names_its_columns_in_the_text() -> None:
    rows = "{% for each in x %}\n| {{ each.name }} | {{ each.new }} | ={{ each.bar }}= |\n{% endfor %}"
    table = "| By unit |\n| Name | New | |\n" + rows
    assert layout.to_text(table) == "By unit\n\n{% for each in x %}- {{ each.name }}: New {{ each.new }}\n{% endfor %}"


def test_E204_the_page_says_its_language_its_title_and_both_colour_schemes() -> None:
    page = check_page(sent_html("received", FULL, internal=True)[1])
    assert page.attributes("html")["lang"] == "en-GB"
    assert page.texts("title") == ["[MG-7K3F-99] We have received your request"]
    assert page.texts("h1") == ["We have received your request"]
    assert {"name": "color-scheme", "content": "light dark"} in page.all_attributes("meta")


def test_E204_every_text_stands_out_from_its_background() -> None:
    html = sent_html("received", FULL, internal=True)[1]
    colours = set(re.findall(r"[;\"]color:(#[0-9a-f]{6})", html)) | set(
        re.findall(r"color:(#[0-9a-f]{6})", layout.to_html("[a](https://b.example)"))
    )
    assert colours
    assert all(contrast(colour, "#fbfbfa") >= 4.5 for colour in colours)


def test_E100_the_marker_is_visible_in_both_forms() -> None:
    text, html = sent_html("received", FULL, internal=True)
    assert text.startswith(MARKER + "\n")
    assert f">{MARKER}</td>" in html


def test_E203_links_that_open_a_mail_are_buttons_that_a_finger_hits() -> None:
    html = layout.to_html(
        '- [Done](mailto:{{ done_mail }} "Done: {{ reference }}")\n- [Take & go](mailto:{{ take_mail }})'
    )
    page = check_fragment(html)
    assert [cell["height"] for cell in page.all_attributes("td")] == ["44", "44"]
    first, second = page.all_attributes("a")
    assert (first["aria-label"], first["href"]) == ("Done: {{ reference }}", "mailto:{{ done_mail }}")
    assert "line-height:44px" in str(first["style"])
    assert "border" not in str(first["style"]), "dark mode would turn it into a bright frame"
    assert "aria-label" not in second
    assert page.texts("a") == ["Done", "Take & go"]
    assert contrast("#fbfbfa", "#1f5fa6") >= 4.5


def test_headings_paragraphs_lists_and_links_become_html() -> None:
    html = layout.to_html(
        "# A & B\n\none\ntwo\n\n- first {{ key }}\n{% if key %}\n- second\n{% endif %}\n\n1. x\n2. y\n\n"
        "See [the {{ key }} page](https://x.example/?a=1&b={{ key }})."
    )
    bare = re.sub(r' style="[^"]*"', "", html)
    assert bare == (
        "<h1>A &amp; B</h1>\n<p>one two</p>\n"
        "<ul><li>first {{ key }}</li>\n{% if key %}\n<li>second</li>\n{% endif %}</ul>\n"
        "<ol><li>x</li>\n<li>y</li></ol>\n"
        '<p>See <a href="https://x.example/?a=1&amp;b={{ key }}">the {{ key }} page</a>.</p>'
    )
    check_fragment(html)


def test_links_stay_in_the_text() -> None:
    assert (
        layout.to_text("See [our page](https://x.example/{{ key }}).") == "See our page: https://x.example/{{ key }}.\n"
    )


@pytest.mark.parametrize(
    ("markdown", "line", "words"),
    [
        ("# A\n\n# B", 3, "exactly one main heading"),
        ("", 1, "exactly one main heading"),
        ("# A\n\nx {{ key\n}}", 3, "on one line"),
        ("# A\n\n{# secret #}", 3, "no comments"),
        ("# A\n\nintro\n- item", 3, "empty line"),
        ("# A\n\nsame\n\nsame\n- item", 5, "empty line"),
        ("# A\n\n[x](javascript:alert)", 3, "https://"),
    ],
)
def test_what_the_markdown_cannot_do_is_said_with_its_line(markdown: str, line: int, words: str) -> None:
    assert any(at == line and words in text for at, text in layout.mistakes(markdown))


def test_the_markdown_that_ships_has_no_mistakes() -> None:
    for name, source in SOURCES.items():
        assert check_template(name, source.text) == ()
