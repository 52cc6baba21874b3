"""Raw bytes to the tree of MIME parts, inside limits (E70, E92, R10-R12).

The standard library's parser builds the tree under ``compat32``. It is quadratic or
recursive in what a header holds, how deep parts are nested and how many there are, so the
limits are kept while it reads: nothing is handed to it that it could not do in time.
"""

import re
from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32
from typing import Any, NamedTuple

MAX_FIELDS = 1000
MAX_HEADERS = 256 * 1024
MAX_STRUCTURED = 8 * 1024
MAX_HEADER = 64 * 1024
MAX_PARAMETERS = 100
MAX_DEPTH = 50
MAX_PARTS = 1000

_PLAIN_HEADERS = frozenset(
    {"subject", "comments", "references", "in-reply-to", "thread-topic", "x-ms-exchange-organization"}
)
_MIME_FIELDS = frozenset({"content-type", "content-transfer-encoding"})
_KNOWN_FIELD = re.compile(
    rb"(?i)(?:x-[\w-]{1,60}|from|to|cc|subject|date|message-id|mime-version|content-[\w-]{1,40}|received|return-path"
    rb"|reply-to|sender|in-reply-to|references|auto-submitted|precedence|delivered-to)[ \t]*:"
)
_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))[ \t]*(?:\r\n|\n|\r(?!\n))")


class Tree(NamedTuple):
    root: "Part"
    defects: tuple[str, ...]


class TooManyPartsError(Exception):
    """Inside this file only: stops the parser; what it has built so far stays."""


class _Limits:
    """What one mail has used up, shared by all of its parts."""

    def __init__(self) -> None:
        self.parts = 1
        self.defects: dict[str, None] = {}


class Part(Message):
    """A part that keeps the limits; attached mails, and what lies too deep, are leaves."""

    def __init__(self, policy: Any = None) -> None:
        super().__init__(policy=policy or CAPPED)
        self.limits = _Limits()
        self.depth = 0
        self._room = MAX_HEADERS
        self._declared: str | None = None

    @property
    def declared_type(self) -> str:
        """Content type as the sender wrote it, in lower case; "text/plain" where it wrote none."""
        if self._declared is None:
            self._declared = super().get_content_type()
        return self._declared

    def get_content_type(self) -> str:
        """What the standard parser may know: it opens multiparts only, none too deep."""
        declared = self.declared_type
        if declared.startswith("message/"):
            return "application/octet-stream"
        if self.depth >= MAX_DEPTH and declared.startswith("multipart/"):
            self.limits.defects["too-deep"] = None
            return "application/octet-stream"
        return declared

    def attach(self, payload: Any) -> None:
        payload.limits = self.limits
        payload.depth = self.depth + 1
        self.limits.parts += 1
        if self.limits.parts > MAX_PARTS:
            raise TooManyPartsError
        super().attach(payload)

    def set_raw(self, name: str, value: Any) -> None:
        if self._room <= 0 or len(self) >= MAX_FIELDS:
            self.limits.defects["too-many-headers"] = None
            return
        lower = name.lower()
        if lower in _MIME_FIELDS and lower in self:
            self.limits.defects["ambiguous-mime"] = None
        capped = _capped(lower, value[: self._room])
        if len(capped) < len(value):
            self.limits.defects["header-too-long"] = None
        self._room -= len(name) + len(capped) + 2
        super().set_raw(name, capped)

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
    first: list[Part] = []

    def factory(policy: Any = None) -> Part:
        part = Part(policy)
        if policy is not None:
            first.append(part) if not first else None
        return part

    parser = BytesFeedParser(factory, policy=CAPPED)
    first.clear()  # the parser makes one to try the factory
    try:
        parser.feed(raw)
        parser.close()
    except TooManyPartsError:
        first[0].limits.defects["too-many-parts"] = None
    return first[0]


def _mended(raw: bytes) -> bytes:
    """*raw* without blank lines before its headers and without garbage lines between them (E93)."""
    raw = raw.lstrip(b"\r\n\x00\xef\xbb\xbf \t")
    end = _BLANK_LINE.search(raw, 0, MAX_HEADERS)
    block = raw[: end.start()] if end else raw[:MAX_HEADERS]
    lines = block.splitlines(keepends=True)
    last = max((i for i, line in enumerate(lines) if _KNOWN_FIELD.match(line)), default=0)
    kept = [
        line
        for i, line in enumerate(lines)
        if i > last or line[:1] in b" \t" or _FIELD.match(line) or (i == 0 and line.startswith(b"From "))
    ]
    return b"".join(kept) + raw[len(block) :]
