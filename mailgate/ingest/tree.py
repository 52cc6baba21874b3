"""Raw bytes to the tree of MIME parts, inside limits (E70, E92, R10-R12).

The standard library's parser reads each block of headers, under ``compat32``; what lies between
the boundaries is cut here, because the library walks line by line and keeps every line. It is quadratic
or recursive in what a header holds, so the limits are kept while it reads: nothing is
handed to it that it could not do in time.
"""

import re
from collections.abc import Iterator, Sequence
from email.errors import StartBoundaryNotFoundDefect
from email.message import Message
from email.parser import HeaderParser
from email.policy import Compat32
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
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))[ \t]*(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(r"\r\n|\n|\r")
_EMPTY_LINE = re.compile(r"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
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
        super().__init__(policy=CAPPED)
        self.limits = limits
        self.depth = depth
        self._room = MAX_HEADERS
        self._declared: str | None = None

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

    def set_raw(self, name: str, value: Any) -> None:
        if self._room <= 0 or len(self) >= MAX_FIELDS:
            self.limits.defects["too-many-headers"] = None
            return
        lower = name.lower()
        if lower in _MIME_FIELDS and (lower in self or value.lower().count("boundary=") > 1):
            self.limits.defects["ambiguous-mime"] = None  # two programs may read two mails (S24)
        capped = _capped(lower, value[: self._room])
        if len(capped) < len(value):
            self.limits.defects["header-too-long"] = None
        self._room -= len(name) + len(capped) + 2
        super().set_raw(name, capped)

    def get_boundary(self, failobj: Any = None) -> Any:
        """The boundary, without the line ends of a header that was folded within it."""
        boundary = super().get_boundary(failobj)
        return _LINE_END.sub("", boundary) if isinstance(boundary, str) else boundary

    @property
    def written(self) -> str:
        """What stands in a leaf, as it was written: bytes beyond ASCII are surrogates."""
        return self._payload if isinstance(self._payload, str) else ""

    def taken(self) -> str:
        """What the standard parser left as the body, which it loses."""
        body = self.written
        self._payload = None
        return body

    def leaves(self) -> Iterator["Part"]:
        """The parts that hold something, in the order of the mail."""
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


class _Capped(Compat32):
    """compat32 that never joins more lines of one header than any header may have."""

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return value  # bytes beyond ASCII stay as surrogates: E74 decodes them

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, _, first = sourcelines[0].partition(":")
        room = MAX_HEADER + 1 - len(first)
        kept = [first.lstrip(" \t")]
        for line in sourcelines[1:]:
            if room <= 0:
                break
            kept.append(line[:room])
            room -= len(line)
        return name.rstrip(" \t"), "".join(kept).rstrip("\r\n")


CAPPED = _Capped()


def _capped(name: str, value: str) -> str:
    """*value* cut to what a header of this name may hold (R11)."""
    if name.startswith("content-"):
        pieces = value[:MAX_STRUCTURED].split(";", MAX_PARAMETERS)
        return ";".join(pieces[:MAX_PARAMETERS]) if len(pieces) > MAX_PARAMETERS else value[:MAX_STRUCTURED]
    if name in _PLAIN_HEADERS or name.startswith("x-"):
        return value[:MAX_HEADER]
    if len(value) <= MAX_STRUCTURED:
        return value
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
        """A part with its headers, and where its body begins: behind an empty line, or a line that is no header."""
        line_end = _LINE_END.match(self._text, start, end)
        found = line_end or _EMPTY_LINE.search(self._text, start, end)
        head_end = found.end() if found else end

        depth = parent.depth + 1 if parent is not None else 0
        in_digest = parent is not None and parent.declared_type == "multipart/digest"
        default = "message/rfc822" if in_digest else "text/plain"

        def made(policy: object = None) -> Part:
            part = Part(self._limits, depth)
            part.set_default_type(default)
            return part

        part = HeaderParser(made, policy=CAPPED).parsestr(self._text[start:head_end])
        assert isinstance(part, Part)
        return part, head_end - len(part.taken())

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
        at = start
        while (at := self._text.find(sought, at, end)) >= 0:
            self._limits.tries += 1
            if self._limits.tries > MAX_TRIES:
                self._limits.defects["too-many-parts"] = None
                return
            tail = _DELIMITER_END.match(self._text, at + len(sought), end)
            if tail and (at == start or self._text[at - 1] in "\r\n"):
                yield at, tail.end(), bool(tail[1])
                if tail[1]:
                    return
            at += len(sought)

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
