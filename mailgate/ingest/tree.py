"""Raw bytes to the tree of MIME parts, inside limits (E70, E92, R10-R12).

Fields and parts are cut as the standard library's parser cuts them, which the tests compare; it walks line by
line and keeps every line. Its ``Message``, under ``compat32``, reads what a part's fields hold. That is quadratic
or recursive in how much they hold, so the limits are kept here: nothing is handed to it that it could not do in time.
"""

import re
from collections.abc import Iterator, Sequence
from email.errors import MissingHeaderBodySeparatorDefect, StartBoundaryNotFoundDefect
from email.message import Message
from typing import Any, NamedTuple

MAX_FIELDS = 1000
MAX_HEADERS = 256 * 1024
MAX_STRUCTURED = 8 * 1024
MAX_HEADER = 64 * 1024
MAX_PARAMETERS = 100
MAX_DEPTH = 50
MAX_PARTS = 1000
MAX_TRIES = 100_000  # places that look like a boundary

_PLAIN_HEADERS = frozenset(
    {"subject", "comments", "references", "in-reply-to", "thread-topic", "x-ms-exchange-organization"}
)
_MIME_FIELDS = frozenset({"content-type", "content-transfer-encoding"})
_KNOWN_FIELD = re.compile(
    rb"(?i)(?:x-[\w-]{1,60}|from|to|cc|subject|date|message-id|mime-version|content-[\w-]{1,40}|received|return-path"
    rb"|reply-to|sender|in-reply-to|references|auto-submitted|precedence|delivered-to)[ \t]*:"
)
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}(?=[\s;,]|\Z)", re.ASCII)
_BOUNDARY_ALONE = re.compile(
    r"""(?ai)[\w.+-]+/[\w.+-]+;\s*boundary=(?P<quote>"?)(?P<boundary>[\w'()+,./:=?-]+)(?P=quote)"""
)
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))[ \t]*(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(r"\r\n|\n|\r")
_EMPTY_LINE = re.compile(r"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_HEADER = re.compile(r"([!-9;-~]*+):[ \t]*+([^\r\n]*+(?:(?:\r\n|\n|\r)[ \t][^\r\n]*+)*+)(?:\r\n|\n|\r|\Z)")
_STRAY = re.compile(r"(?:From |[ \t])[^\r\n]*+(?:\r\n|\n|\r|\Z)")
_DELIMITER_END = re.compile(r"(--)?[ \t]*(?:\r\n|\n|\r|\Z)")


class Tree(NamedTuple):
    root: "Part"
    defects: tuple[str, ...]


class _Limits:
    """What one mail has used up, shared by all of its parts."""

    def __init__(self) -> None:
        self.parts = 0
        self.tries = 0
        self.defects: dict[str, None] = {}


class Part(Message):
    """A part that keeps the limits; attached mails, and what lies too deep, are leaves."""

    _payload: Any

    def __init__(self, limits: _Limits, depth: int) -> None:
        super().__init__()
        self.limits = limits
        self.depth = depth
        self._room = MAX_HEADERS
        self._declared: str | None = None
        self._first: dict[str, str] = {}  # by lower-case name
        self._leaves: tuple[Part, ...] | None = None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._first

    def get(self, name: str, failobj: Any = "") -> Any:
        """The first value of a field as it was written, bytes beyond ASCII as surrogates (E74), or *failobj*."""
        return self._first.get(name.lower(), failobj)

    @property
    def declared_type(self) -> str:
        """Content type as the sender wrote it, in lower case; "text/plain" where it wrote none."""
        if self._declared is None:
            written = _TYPE.match(super().get_content_type())
            self._declared = written[0] if written else "application/octet-stream"
        return self._declared

    def get_content_type(self) -> str:
        """What is opened: multiparts only, none too deep."""
        declared = self.declared_type
        if declared.startswith("message/"):
            return "application/octet-stream"
        if self.depth >= MAX_DEPTH and declared.startswith("multipart/"):
            self.limits.defects["too-deep"] = None
            return "application/octet-stream"
        return declared

    @property
    def is_full(self) -> bool:
        """Whether it may hold no further field (R11)."""
        return self._room <= 0 or len(self) >= MAX_FIELDS

    def set_raw(self, name: str, value: Any) -> None:
        lower = name.lower()
        if lower in _MIME_FIELDS and (lower in self._first or value.lower().count("boundary=") > 1):
            self.limits.defects["ambiguous-mime"] = None  # two programs may read two mails (S24)
        capped = _capped(lower, value[: self._room])
        if len(capped) < len(value):
            self.limits.defects["header-too-long"] = None
        self._room -= len(name) + len(capped) + 2
        self._first.setdefault(lower, capped)
        super().set_raw(name, capped)

    def get_boundary(self, failobj: Any = None) -> Any:
        """The boundary, without the line ends of a header that was folded within it."""
        if alone := _BOUNDARY_ALONE.fullmatch(self.get("content-type")):  # as in most mails
            return alone["boundary"]
        try:
            boundary = super().get_boundary(failobj)
        except ValueError:  # its charset (RFC 2231) has a name of which no charset can be, with a NUL for instance
            said = self.get_param("boundary")
            boundary = said[2] if isinstance(said, tuple) else failobj
        return _LINE_END.sub("", boundary) if isinstance(boundary, str) else boundary

    @property
    def written(self) -> str:
        """What stands in a leaf, as it was written: bytes beyond ASCII are surrogates."""
        return self._payload if isinstance(self._payload, str) else ""

    def leaves(self) -> tuple["Part", ...]:
        """The parts that hold something, in the order of the mail."""
        if self._leaves is None:
            self._leaves = tuple(self._walked())
        return self._leaves

    def _walked(self) -> Iterator["Part"]:
        waiting = [self]
        while waiting:
            part = waiting.pop()
            if part.is_multipart():
                waiting.extend(reversed(part.children))
            else:
                yield part

    @property
    def children(self) -> Sequence["Part"]:
        return self.get_payload() if self.is_multipart() else []  # type: ignore[return-value]


def _capped(name: str, value: str) -> str:
    """*value* cut to what a header of this name may hold (R11)."""
    of_parameters = name.startswith("content-")
    if len(value) <= MAX_STRUCTURED and not (of_parameters and value.count(";") >= MAX_PARAMETERS):
        return value
    if of_parameters:
        pieces = value[:MAX_STRUCTURED].split(";", MAX_PARAMETERS)
        return ";".join(pieces[:MAX_PARAMETERS]) if len(pieces) > MAX_PARAMETERS else value[:MAX_STRUCTURED]
    if name in _PLAIN_HEADERS or name.startswith("x-"):
        return value[:MAX_HEADER]
    head = value[:MAX_STRUCTURED]
    return head[: head.rfind(",")] if "," in head else head  # no half address


def read_tree(raw: bytes) -> Tree:
    """The parts of *raw* and the names of what was wrong; never raises on any bytes."""
    root = _parsed(raw)
    if root.defects or not len(root):
        mended = _mended(raw)
        if mended != raw:
            root = _parsed(mended)
            root.limits.defects["broken-headers"] = None
    return Tree(root, tuple(root.limits.defects))


def _parsed(raw: bytes) -> Part:
    return _Cutter(raw.decode("ascii", "surrogateescape")).part()


class _Cutter:
    """Cuts the *text* of one mail into parts. Each lies between two places of it; only leaves are copied."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last_dashes = text.rfind("--")  # behind these no level has to look for its boundary
        self._limits = _Limits()

    def part(self, start: int = 0, end: int | None = None, parent: Part | None = None) -> Part:
        """The part that stands from *start* to *end*, in its *parent* where it has one."""
        end = len(self._text) if end is None else end
        part, body = self._head(start, end, parent)
        self._limits.parts += 1
        if parent is not None:
            parent.attach(part)
        if part.get_content_maintype() == "multipart":
            end = self._cut(part, body, end)
        if not part.is_multipart():
            part.set_payload(self._text[body : end if parent is None else self._before_line_end(body, end)])
        return part

    def _head(self, start: int, end: int, parent: Part | None) -> tuple[Part, int]:
        """A part with its fields, and where its body begins: behind an empty line, or at a line that is no field."""
        part = Part(self._limits, parent.depth + 1 if parent is not None else 0)
        if parent is not None and parent.declared_type == "multipart/digest":
            part.set_default_type("message/rfc822")
        at = start
        for _ in range(2 * MAX_FIELDS):
            if at >= end or part.is_full:
                break
            if field := _HEADER.match(self._text, at, end):
                if field[1]:
                    part.set_raw(field[1], field[2])
                at = field.end()
            elif empty := _LINE_END.match(self._text, at, end):
                return part, empty.end()
            elif stray := _STRAY.match(self._text, at, end):
                at = stray.end()
            else:
                part.defects.append(MissingHeaderBodySeparatorDefect())
                return part, at
        return part, self._behind_head(at, end)

    def _behind_head(self, at: int, end: int) -> int:
        """Where the body begins behind fields that are not read any more."""
        if _HEADER.match(self._text, at, end) or _STRAY.match(self._text, at, end):
            self._limits.defects["too-many-headers"] = None
        empty = _EMPTY_LINE.search(self._text, max(at - 1, 0), end)
        return empty.end() if empty else end

    def _cut(self, part: Part, start: int, end: int) -> int:
        """Attach the parts of a multipart; where there are none: where its text ends."""
        boundary = part.get_boundary()
        begun: int | None = None
        if boundary is not None:
            for at, after, closes in self._delimiters(boundary, start, end):
                if begun is not None and (begun < at or closes):
                    self._attach(part, begun, at)
                elif closes:
                    end = at
                begun = None if closes else after
        if begun is not None:  # the last boundary is missing (E93)
            self._attach(part, begun, end)
        if not part.is_multipart():
            part.defects.append(StartBoundaryNotFoundDefect())
        return end

    def _attach(self, parent: Part, start: int, end: int) -> None:
        if self._limits.parts < MAX_PARTS:
            self.part(start, end, parent)
        else:
            self._limits.defects["too-many-parts"] = None

    def _delimiters(self, boundary: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """Where the lines with *boundary* begin and end, and whether the line is the closing one, which is the last."""
        sought = f"--{boundary}"
        last = min(end, self._last_dashes + len(sought))
        at = self._text.find(sought, start, last)
        while at >= 0:
            self._limits.tries += 1
            if self._limits.tries > MAX_TRIES:
                self._limits.defects["too-many-parts"] = None
                return
            tail = _DELIMITER_END.match(self._text, at + len(sought), end)
            if tail and (at == start or self._text[at - 1] in "\r\n"):
                yield at, tail.end(), bool(tail[1])
                if tail[1]:
                    return
            at = self._text.find(sought, at + len(sought), last)

    def _before_line_end(self, start: int, end: int) -> int:
        """*end* without the line end before it: that belongs to the boundary."""
        if end > start and self._text[end - 1] in "\r\n":
            return end - 2 if self._text[max(start, end - 2) : end] == "\r\n" else end - 1
        return end


def _mended(raw: bytes) -> bytes:
    """*raw* without blank lines before its headers, garbage lines between them, or spaces before their colons (E93)."""
    raw = raw.lstrip(b"\r\n\x00\xef\xbb\xbf \t")
    end = _BLANK_LINE.search(raw, 0, MAX_HEADERS)
    block = raw[: end.start()] if end else raw[:MAX_HEADERS]
    lines = block.splitlines(keepends=True)
    last = max((i for i, line in enumerate(lines) if _KNOWN_FIELD.match(line)), default=0)
    kept = [
        _FIELD.sub(rb"\1:", line, count=1) if _FIELD.match(line) else line
        for i, line in enumerate(lines)
        if i > last or line[:1] in b" \t" or _FIELD.match(line) or (i == 0 and line.startswith(b"From "))
    ]
    return b"".join(kept) + raw[len(block) :]
