"""HTML to the text that a reader sees (E84, E101-E103, R25).

libxml2 reads it; what it refuses (too deep, too large) is stripped of its tags instead. Text
that the page hides is left out, and so is text that it strikes out, which is remembered.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from mailgate.ingest.markup import strip_tags, unwrap_safe_links

MAX_HTML = 2 * 1024**2
MAX_STRUCK = 200

# Stands alone on a line where a mail client puts the history; no cleaned text can hold it.
_HISTORY = "\x01"
_SKIPPED = frozenset({"head", "style", "script", "xml", "title", "template", "noscript", "svg", "object"})
_STRUCK = frozenset({"s", "strike", "del"})
_BLOCKS = frozenset(
    """address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr
    html li main nav ol p pre section table tbody tfoot thead ul""".split()  # noqa: SIM905 - a list of words reads better as words
)
_HIDDEN = (
    "display:none",
    "visibility:hidden",
    "mso-hide:all",
    "font-size:0;",
    "font-size:0p",
    "max-height:0;",
    "max-height:0p",
)
_WHITE = re.compile(r"(?:^|;)color:(?:#fff(?:fff)?|white)(?:;|$)")
_WHITE_BEHIND = re.compile(r"(?:^|;)background(?:-color)?:(?:#fff(?:fff)?|white)(?:;|$)")
_HISTORY_IDS = frozenset({"divrplyfwdmsg", "mail-editor-reference-message-container"})
_HISTORY_CLASSES = frozenset({"ms-outlook-mobile-reference-message", "yahoo_quoted", "protonmail_quote"})
_QUOTED_CLASSES = frozenset({"gmail_attr", "moz-cite-prefix"})
_SPACES = re.compile(r"[ \t\n\r\f]+")


@dataclass(frozen=True, slots=True)
class Rendered:
    """*history_at*: the offset in *text* where a mail client marked the history, or None."""

    text: str
    struck: tuple[str, ...] = ()
    history_at: int | None = None


def render(html: str) -> Rendered:
    """*html* as text; never raises."""
    if len(html) <= MAX_HTML:
        parser = etree.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=True, encoding="utf-8")
        try:
            root = etree.fromstring(html.encode("utf-8", "replace"), parser)
        except (etree.XMLSyntaxError, ValueError):
            root = None
        if root is not None and not _gave_up(parser):
            return _Renderer().run(root)
    lines = (" ".join(line.split()) for line in strip_tags(html).splitlines())
    return Rendered("\n".join(line for line in lines if line))


def _gave_up(parser: Any) -> bool:
    return any(entry.level == etree.ErrorLevels.FATAL for entry in parser.error_log)


@dataclass(slots=True)
class _Block:
    """Lines being collected: of the page, of one table cell, or of one quotation."""

    lines: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    keeps_indent: bool = False

    def add(self, text: str) -> None:
        self.pieces.append(text)

    def end_line(self, always: bool = False) -> None:
        if self.pieces:
            line = "".join(self.pieces)
            self.pieces.clear()
            if line != " " or always:
                line = line.replace("\xa0", " ").rstrip()
                self.lines.append(line if self.keeps_indent else line.lstrip())
        elif always:
            self.lines.append("")

    def blank_line(self) -> None:
        self.end_line()
        if self.lines and self.lines[-1]:
            self.lines.append("")


class _Renderer:
    """One walk over a tree, in document order."""

    def __init__(self) -> None:
        self.blocks = [_Block()]
        self.rows: list[list[list[str]]] = []
        self.items: list[int | None] = []  # for each open list: the next number, None for bullets
        self.struck: list[str] = []

    def run(self, root: Any) -> Rendered:
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, node in walk:
            if event == "start":
                if self._left_out(node):
                    walk.skip_subtree()
                    continue
                self._open(node)
                if node.text:
                    self._text(node.text)
            else:
                if not self._left_out(node, remember=False):
                    self._close(node)
                if node.tail:
                    self._text(node.tail)
        self.blocks[0].end_line()
        return self._result(self.blocks[0].lines)

    def _result(self, lines: list[str]) -> Rendered:
        text = "\n".join(lines)
        history = text.find(_HISTORY)
        text = text.replace(_HISTORY + "\n", "").replace(_HISTORY, "")
        return Rendered(text, tuple(self.struck[:MAX_STRUCK]), history if history >= 0 else None)

    def _left_out(self, node: Any, remember: bool = True) -> bool:
        tag = node.tag
        if not isinstance(tag, str) or tag in _SKIPPED:
            return True
        style = node.get("style")
        style = style.lower().replace(" ", "") if style else ""
        if tag in _STRUCK or "line-through" in style:
            if remember:
                self.struck.append(" ".join("".join(node.itertext()).split())[:1000])
            return True
        if not style:
            return "hidden" in node.attrib
        return any(word in style + ";" for word in _HIDDEN) or bool(
            _WHITE.search(style) and _WHITE_BEHIND.search(style)
        )

    def _text(self, text: str) -> None:
        block = self.blocks[-1]
        if block.keeps_indent:
            first, *rest = text.replace("\r", "").split("\n")
            block.add(first)
            for line in rest:
                block.end_line(always=True)
                block.add(line)
            return
        text = _SPACES.sub(" ", text)
        if text == " " and not block.pieces:
            return
        if text[0] == " " and (not block.pieces or block.pieces[-1].endswith(" ")):
            text = text[1:]
        block.add(text)

    def _open(self, node: Any) -> None:
        tag = node.tag
        block = self.blocks[-1]
        if tag == "br":
            block.end_line(always=True)
        elif tag == "p":
            block.end_line() if "mso" in node.get("class", "").lower() else block.blank_line()
        elif tag == "tr":
            block.end_line()
            self.rows.append([])
        elif tag in ("td", "th"):
            self.blocks.append(_Block())
        elif tag in _BLOCKS:
            block.end_line()
        if tag in ("ul", "ol"):
            self.items.append(1 if tag == "ol" else None)
        elif tag == "li":
            self._bullet(block)
        elif tag == "pre":
            block.keeps_indent = True
        self._open_history(node, tag)

    def _bullet(self, block: _Block) -> None:
        number = self.items[-1] if self.items else None
        block.add("- " if number is None else f"{number}. ")
        if number is not None:
            self.items[-1] = number + 1

    def _open_history(self, node: Any, tag: str) -> None:
        if _is_quotation(node, tag):
            self.blocks[-1].end_line()
            self.blocks.append(_Block())
        elif _is_history(node):
            self.blocks[-1].end_line()
            self.blocks[-1].lines.append(_HISTORY)

    def _close(self, node: Any) -> None:
        tag = node.tag
        if tag == "a":
            self._link(node)
        if _is_quotation(node, tag):
            self._close_quotation()
        if tag in ("td", "th"):
            self._close_cell()
        elif tag == "tr":
            self._close_row()
        elif tag == "p" and "mso" not in node.get("class", "").lower():
            self.blocks[-1].blank_line()
        elif tag in _BLOCKS:
            self.blocks[-1].end_line()
        if tag in ("ul", "ol") and self.items:
            self.items.pop()
        elif tag == "pre":
            self.blocks[-1].keeps_indent = False

    def _link(self, node: Any) -> None:
        target = node.get("href", "").strip()
        if not target.lower().startswith(("http://", "https://")):
            return
        target = unwrap_safe_links(target)[:2000]
        written = "".join(node.itertext()).strip()
        if written and target.partition("://")[2].rstrip("/") not in written:
            self.blocks[-1].add(f" <{target}>")

    def _close_quotation(self) -> None:
        inner = self._pop_block()
        self.blocks[-1].end_line()
        self.blocks[-1].lines += [f"> {line}" if line else ">" for line in inner]

    def _close_cell(self) -> None:
        cell = self._pop_block()
        if self.rows:
            self.rows[-1].append(cell)
        else:
            self.blocks[-1].lines += cell

    def _close_row(self) -> None:
        cells = self.rows.pop() if self.rows else []
        self.blocks[-1].lines += _row(cells)

    def _pop_block(self) -> list[str]:
        if len(self.blocks) == 1:  # a closing cell or quotation without its opening one
            return []
        block = self.blocks.pop()
        block.end_line()
        return block.lines


def _row(cells: list[list[str]]) -> list[str]:
    """The lines of one table row: short cells side by side (E84), a page's layout one below the other."""
    filled = [[line for line in cell if line] for cell in cells]
    if len(cells) > 1 and all(len(cell) <= 3 and _HISTORY not in cell for cell in filled) and any(filled):
        return ["\t".join(" ".join(cell) for cell in filled).strip("\t") if len(cells) > 2 else _pair(filled)]
    return [line for cell in cells for line in cell]


def _pair(filled: list[list[str]]) -> str:
    return "\t".join(" ".join(cell) for cell in filled)


def _names(node: Any) -> Iterator[str]:
    for name in (node.get("id") or "", *(node.get("class") or "").split()):
        name = name.lower()
        while name.startswith("x_"):  # what Outlook on the web puts before the names of others
            name = name[2:]
        yield name


def _is_quotation(node: Any, tag: str) -> bool:
    if tag == "blockquote":
        return node.get("type", "").lower() == "cite" or "gmail_quote" in _names(node)
    return tag == "div" and not _QUOTED_CLASSES.isdisjoint(_names(node))


def _is_history(node: Any) -> bool:
    if not node.attrib:
        return False
    names = set(_names(node))
    return (
        not names.isdisjoint(_HISTORY_IDS)
        or not names.isdisjoint(_HISTORY_CLASSES)
        or any(name.startswith("olk_src_body_section") for name in names)
        or node.get("name", "").lower() == "messagereplysection"
    )
