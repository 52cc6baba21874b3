"""Files that stand uuencoded in the text of old mail programs: ``begin 644 name``, lines, ``end`` (S28)."""

import binascii
import re
from typing import NamedTuple

MAX_FILES = 100

_BEGIN = re.compile(r"(?m)^begin [0-7]{3,4} ([^\r\n]{1,255}?)[ \t]*\r?\n(?=[ -`]{2,90}\r?$)")
_LINE = re.compile(r"([ -`]{1,90}?)[ \t]*(?:\r?\n|\Z)")
_END = re.compile(r"end[ \t]*(?:\r?\n|\Z)")


class Packed(NamedTuple):
    """*whole*: whether its end was there."""

    name: str
    data: bytes
    whole: bool


def take_out(text: str) -> tuple[str, list[Packed]]:
    """*text* without the files in it, and these; prose that only looks like one stays prose."""
    kept: list[str] = []
    files: list[Packed] = []
    at = 0
    if "begin " in text:
        while len(files) < MAX_FILES and (begin := _BEGIN.search(text, at)):
            data, end = _lines(text, begin.end())
            closing = _END.match(text, end)
            if data or closing:
                kept.append(text[at : begin.start()])
                files.append(Packed(begin[1], data, closing is not None))
                at = closing.end() if closing else end
            else:
                kept.append(text[at : begin.end()])
                at = begin.end()
    return "".join(kept) + text[at:], files


def _lines(text: str, at: int) -> tuple[bytes, int]:
    """What the lines from *at* hold, and where the first one stands that holds nothing or is none."""
    data: list[bytes] = []
    while line := _LINE.match(text, at):
        if line[1] == "end" or not (decoded := _decoded(line[1])):
            if line[1] in ("`", " "):  # nothing: the last line
                at = line.end()
            break
        data.append(decoded)
        at = line.end()
    return b"".join(data), at


def _decoded(line: str) -> bytes:
    """The bytes of one line; b"" where it is no line of a file: its first character says how many there are."""
    size = (ord(line[0]) - 32) % 64
    characters = (size + 2) // 3 * 4
    if not characters - 3 <= len(line) - 1 <= characters + 1:  # spaces at the end get lost, a checksum may follow
        return b""
    try:
        return binascii.a2b_uu(line[: characters + 1])
    except binascii.Error:
        return b""
