"""Outlook's compressed rich text as plain text (E89), for mails that have their words nowhere else.

Own code, because what there is on PyPI raises bare exceptions and searches in quadratic time.
"""

import re

from mailgate.ingest.charset import decode

MAX_COMPRESSED = 512 * 1024  # a byte becomes at most nine
MAX_GROUPS = 200

_DICTIONARY = 4096
_HEADER = 16
_KNOWN = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_NOT_SHOWN = frozenset({b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer"})
_SHOWN_AS = {b"par": "\n", b"line": "\n", b"row": "\n", b"sect": "\n\n", b"page": "\n\n", b"tab": "\t", b"cell": "\t"}
_SYMBOLS = {b"~": " ", b"_": "-", b"{": "{", b"}": "}", b"\\": "\\", b"\n": "\n", b"\r": "\n"}


def rtf_text(compressed: bytes) -> str:
    """The text in *compressed*, the value of PidTagRtfCompressed; "" where it cannot be read."""
    return _shown(_decompressed(compressed[:MAX_COMPRESSED]))


def _decompressed(data: bytes) -> bytes:
    """MS-OXRTFCP: bytes, or places in the last 4096 bytes, eight of them behind each byte of flags."""
    if data[8:12] == b"MELA":
        return data[_HEADER:]
    if data[8:12] != b"LZFu":
        return b""
    out = bytearray(_KNOWN)
    at = _HEADER
    while at < len(data):
        flags = data[at]
        at += 1
        for bit in range(8):
            if not flags >> bit & 1:
                out += data[at : at + 1]
                at += 1
                continue
            token = int.from_bytes(data[at : at + 2], "big")
            at += 2
            back = (len(out) - (token >> 4)) % _DICTIONARY
            if back == 0 or at > len(data):
                return bytes(out[len(_KNOWN) :])
            _copy(out, len(out) - back, (token & 15) + 2)
    return bytes(out[len(_KNOWN) :])


def _copy(out: bytearray, start: int, count: int) -> None:
    """Append *count* bytes from *start*, which may run into what is being appended; before the first is blank."""
    for at in range(start, start + count):
        out.append(out[at] if at >= 0 else 0x20)


def _shown(rtf: bytes) -> str:
    out: list[str] = []
    hidden = [False]  # for each open group
    codepage = "cp1252"
    skip = 0  # what follows a character in Unicode, for programs that cannot show it
    for token in _TOKEN.finditer(rtf):
        word, number, hexadecimal, symbol, brace, text = token.groups()
        if brace:
            _step(hidden, brace == b"{")
        elif symbol == b"*" or word in _NOT_SHOWN:
            hidden[-1] = True
        elif word == b"ansicpg" and number:
            codepage = f"cp{int(number)}"
        elif hidden[-1]:
            continue
        elif word == b"u" and number:
            out.append(chr(int(number) % 0x10000))
            skip = 1
        elif word:
            out.append(_SHOWN_AS.get(word, ""))
        elif hexadecimal or text:
            data = bytes.fromhex(hexadecimal.decode()) if hexadecimal else text
            out.append(decode(data[skip:], codepage)[0])
            skip = 0
        elif symbol:
            out.append(_SYMBOLS.get(symbol, ""))
    return "".join(out).replace("\x00", "").strip()


def _step(hidden: list[bool], inwards: bool) -> None:
    if inwards and len(hidden) < MAX_GROUPS:
        hidden.append(hidden[-1])
    elif not inwards and len(hidden) > 1:
        hidden.pop()
