"""The small Markdown of our templates, turned into text and HTML before any value is in it.

Headings, paragraphs, lists and links; a list of nothing but `mailto:` links becomes a row of
buttons (E203), whose titles tell them apart for a screen reader. Lines of cells between "|" are a table:
its caption, the names of its columns, its rows; "={{ field }}=" is a bar of so many pixels.

What stands in ``{{ }}`` and ``{% %}`` passes untouched, so that Jinja fills both forms later and a value is never read
as Markdown. The HTML keeps to what Outlook's Word engine and screen readers understand (E201, E202,
E204): no padding but on cells, sizes in pixels, styles inline.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby

_JINJA = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})")
_STATEMENTS = re.compile(r"\s*(?:\{%.*?%\}\s*)+")
_HEADING = re.compile(r"(#{1,3}) +(.+)")
_ITEM = re.compile(r"([-*]|\d{1,2}\.) +(.+)")
_LINK = re.compile(r'\[([^\]]+)\]\(((?:\{\{.*?\}\}|[^)\s])+)(?: +"[^"]+")?\)')
_BUTTON = re.compile(r'[-*] +\[([^\]]+)\]\((mailto:(?:\{\{.*?\}\}|[^)\s"])+)(?: +"([^"]+)")?\)')
_ROW = re.compile(r"\|(.+)\|")
_BAR = re.compile(r"=(\{\{.*?\}\})=")
_SAFE_LINK = re.compile(r"https?://|mailto:")

_FONT = "font-family:Arial,Helvetica,sans-serif;color:#2b2f33;mso-line-height-rule:exactly"
_STYLES = {
    "h1": f"{_FONT};font-size:24px;line-height:30px;font-weight:bold;margin:0 0 16px 0",
    "h2": f"{_FONT};font-size:19px;line-height:26px;font-weight:bold;margin:24px 0 8px 0",
    "h3": f"{_FONT};font-size:16px;line-height:24px;font-weight:bold;margin:16px 0 8px 0",
    "p": f"{_FONT};font-size:16px;line-height:24px;margin:0 0 16px 0",
    "ul": f"{_FONT};font-size:16px;line-height:24px;margin:0 0 16px 0",
    "ol": f"{_FONT};font-size:16px;line-height:24px;margin:0 0 16px 0",
    "li": "margin:0 0 4px 0",
    "caption": f"{_FONT};font-size:16px;line-height:24px;font-weight:bold;text-align:left",
    "th": f"{_FONT};font-size:14px;line-height:20px;font-weight:bold;padding:4px 12px 4px 0",
    "td": f"{_FONT};font-size:14px;line-height:20px;padding:4px 12px 4px 0",
}
_TABLE = '<table cellpadding="0" cellspacing="0" border="0" width="100%" style="margin:0 0 16px 0">'
# Word leaves out a cell without any text: the space has no width.
_BAR_HTML = (
    '<td aria-hidden="true" align="left" width="72" style="padding:4px 12px 4px 0">'
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>'
    '<td width="{}" height="16" bgcolor="#1f5fa6" style="background-color:#1f5fa6;padding:0">&#8203;</td>'
    "</tr></table></td>"
)
_BUTTONS = '<table role="presentation" cellpadding="0" cellspacing="8" border="0">'
_CELL = '<td height="44" bgcolor="#1f5fa6" style="background-color:#1f5fa6;padding:0 16px 0 16px">'
# The line is what can be touched, all 44 pixels of it. No border, which dark mode would turn into a bright frame.
_BUTTON_STYLE = (
    "font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:44px;mso-line-height-rule:exactly;"
    "display:inline-block;color:#fbfbfa;background-color:#1f5fa6;text-decoration:none"
)
_LINK_STYLE = "color:#1f5fa6;text-decoration:underline"


def to_text(markdown: str) -> str:
    """The template of the text part: headings lose their marks, links show where they lead.

    A line of nothing but statements leaves no line behind. Each row of a table is an item that names its columns.
    """
    return "".join(_text_lines(markdown))


def _text_lines(markdown: str) -> Iterator[str]:
    columns: list[str] = []
    for line in markdown.splitlines():
        if _kind(line) != "row":
            columns = columns if _kind(line) == "statement" else []
            yield _text_line(line)
            continue
        first, *others = _cells(line)
        if not others:
            yield f"{first}\n\n"
        elif not columns:
            columns = others
        else:
            told = (f"{name} {cell}" for name, cell in zip(columns, others, strict=True) if not _BAR.fullmatch(cell))
            yield f"- {first}: {', '.join(told)}\n"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _text_line(line: str) -> str:
    if _STATEMENTS.fullmatch(line):
        return line.strip()
    return _LINK.sub(r"\1: \2", re.sub(r"^#{1,3} +", "", line)) + "\n"


def to_html(markdown: str, language: str = "", below: int = 0) -> str:
    """The template of the HTML part's content; *language* is its tag where it is not that of the page.

    Its headings are *below* as many levels of others, so that a page has one main heading (E204).
    """
    write = _Writer(f' lang="{language}"' if language else "", below)
    return "\n".join(html for _, block in _blocks(markdown) for html in write.block(block))


def mistakes(markdown: str) -> Iterator[tuple[int, str]]:
    """What this Markdown cannot do or a mail must not have, as (line, sentence)."""
    lines = markdown.splitlines()
    headings = [number for number, line in enumerate(lines, 1) if re.match(r"# ", line)]
    if len(headings) != 1:
        yield (headings or [1, 1])[-1], 'a message has exactly one main heading, a line that begins with "# "'
    for number, line in enumerate(lines, 1):
        rest = _JINJA.sub("", line)
        if any(mark in rest for mark in ("{{", "}}", "{%", "%}", "{#", "#}")):
            yield number, "{{ … }} and {% … %} begin and end on one line, and there are no comments"
        for link in _LINK.finditer(line):
            if not _SAFE_LINK.match(link[2]):
                yield number, f'the link "{link[2]}" must begin with https://, http:// or mailto:'
    for number, block in _blocks(markdown):
        if len({_kind(line) for line in block} - {"statement"}) > 1:
            yield number, "leave an empty line between headings, paragraphs and lists"


def _blocks(markdown: str) -> Iterator[tuple[int, list[str]]]:
    """What stands between empty lines, with the number of its first line."""
    numbered = enumerate(markdown.splitlines(), 1)
    for filled, group in groupby(numbered, key=lambda pair: bool(pair[1].strip())):
        lines = list(group)
        if filled:
            yield lines[0][0], [line for _, line in lines]


def _kind(line: str) -> str:
    if _STATEMENTS.fullmatch(line):
        return "statement"
    if _HEADING.fullmatch(line):
        return "heading"
    if _ROW.fullmatch(line.strip()):
        return "row"
    return "item" if _ITEM.fullmatch(line) else "text"


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes elements with *attributes*, headings *below* so many levels."""

    attributes: str
    below: int

    def block(self, block: list[str]) -> Iterator[str]:
        """A list keeps the statements between its items; elsewhere they stand around the elements."""
        if any(_kind(line) == "row" for line in block):
            yield from (_TABLE, *self._rows(block), "</table>")
            return
        first_item = next((found for line in block if (found := _ITEM.fullmatch(line))), None)
        if first_item and all(_BUTTON.fullmatch(line) for line in block if _kind(line) == "item"):
            yield "\n".join((f"{_BUTTONS}<tr>", *map(_button_html, block), "</tr></table>"))
            return
        if first_item:
            tag = "ol" if first_item[1][0].isdigit() else "ul"
            yield self._element(tag, "\n".join(map(_item_html, block)))
            return
        for kind, group in groupby(block, key=_kind):
            lines = list(group)
            if kind == "statement":
                yield from lines
            elif kind == "heading":
                yield from map(self._heading, lines)
            else:
                yield self._element("p", _inline(" ".join(lines)))

    def _rows(self, block: list[str]) -> Iterator[str]:
        """The caption, the row that names the columns, the others with the statements between them."""
        begun = False
        for line in block:
            if _kind(line) == "statement":
                yield line
                continue
            cells = _cells(line)
            if len(cells) == 1:
                yield f'<caption align="left" style="{_STYLES["caption"]}">{_inline(cells[0])}</caption>'
            elif not begun:
                begun = True
                yield f"<tr>{''.join(_header(cell, 'col') for cell in cells)}</tr>"
            else:
                yield f"<tr>{_header(cells[0], 'row')}{''.join(map(_cell_html, cells[1:]))}</tr>"

    def _heading(self, line: str) -> str:
        """It looks as its marks say, whatever its level."""
        marks, _, words = line.partition(" ")
        return self._element(f"h{len(marks) + self.below}", _inline(words.strip()), f"h{len(marks)}")

    def _element(self, tag: str, inner: str, looks: str = "") -> str:
        return f'<{tag}{self.attributes} style="{_STYLES[looks or tag]}">{inner}</{tag}>'


def _header(cell: str, scope: str) -> str:
    if not cell:
        return '<td aria-hidden="true" style="padding:0"></td>'
    return f'<th scope="{scope}" align="left" style="{_STYLES["th"]}">{_inline(cell)}</th>'


def _cell_html(cell: str) -> str:
    bar = _BAR.fullmatch(cell)
    return _BAR_HTML.format(bar[1]) if bar else f'<td align="left" style="{_STYLES["td"]}">{_inline(cell)}</td>'


def _item_html(line: str) -> str:
    found = _ITEM.fullmatch(line)
    return f'<li style="{_STYLES["li"]}">{_inline(found[2])}</li>' if found else line


def _button_html(line: str) -> str:
    found = _BUTTON.fullmatch(line)
    if found is None:
        return line
    words, link, title = (_escaped(part or "") for part in found.groups())
    label = f' aria-label="{title}"' if title else ""
    return f'{_CELL}<a href="{link}"{label} style="{_BUTTON_STYLE}">{words}</a></td>'


def _inline(line: str) -> str:
    return _LINK.sub(rf'<a href="\2" style="{_LINK_STYLE}">\1</a>', _escaped(line))


def _escaped(line: str) -> str:
    pieces = (piece if _JINJA.fullmatch(piece) else escape(piece) for piece in _JINJA.split(line))
    return "".join(pieces)
