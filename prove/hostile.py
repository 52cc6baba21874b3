"""F9: mails as they come, and then broken: the same bytes for the same chance.

``made`` takes its decisions from a Random, so that a number names a mail for ever, and hypothesis, which has a Random
of its own, can make the mail that breaks something smaller (tests/ingest/test_hostile.py).
"""

import base64
import os
import quopri
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from prove.words import ADDRESSES, CHARSETS, ENCODINGS, FIELDS, HISTORY, IDS, LINES, TAGS, TOKENS, TYPES

HERE = Path(__file__).parent.parent
LONGEST_SEED = 64 * 1024
LARGE_EVERY = 500  # such a mail has up to LARGEST bytes; the others are as long as mails are
LARGEST = 4 * 1024**2
DEEPEST = 6
LINE_ENDS = (b"\r\n", b"\n", b"\r")

Chance = random.Random


def seeds() -> list[bytes]:
    """Whole mails to break: the project's own, and what lies in the folder MAILGATE_CORPUS."""
    folders = [HERE / "tests" / "mail", HERE / "examples" / "mail"]
    files = [file for folder in folders for file in sorted(folder.glob("*.eml"))]
    corpus = os.environ.get("MAILGATE_CORPUS")
    if corpus:
        files += sorted(file for file in Path(corpus).rglob("*") if file.is_file())
    return [file.read_bytes() for file in files if 0 < file.stat().st_size <= LONGEST_SEED]


def made(chance: Chance, known: Sequence[bytes], *, large: bool = False) -> bytes:
    """A mail of *known* or a new one, broken in up to eight places; seldom whole."""
    origin = chance.random()
    if origin < 0.45:
        raw = chance.choice(known)
    elif origin < 0.95:
        raw = built(chance, known)
    else:
        raw = b"".join(chance.choice(TOKENS) for _ in range(chance.randint(1, 200)))
    for _ in range(min(chance.randint(0, 8), chance.randint(0, 8))):
        raw = chance.choice(BREAKS)(chance, raw, known)
    return swollen(chance, raw) if large else raw[:LONGEST_SEED]


def built(chance: Chance, known: Sequence[bytes]) -> bytes:
    """A mail of ours: fields that may hold anything, and a body of any kind."""
    names = chance.sample(sorted(FIELDS), chance.randint(2, len(FIELDS)))
    fields = [name + b": " + _value(chance, FIELDS[name]) for name in names]
    return b"\r\n".join([*fields, part(chance, known, 0)])


def part(chance: Chance, known: Sequence[bytes], depth: int) -> bytes:
    """A MIME part with its fields; multiparts hold others."""
    kind = chance.choice(TYPES)
    if kind.startswith(b"multipart/") and depth < DEEPEST:
        return _multipart(chance, known, kind, depth)
    body, encoding = _body(chance, kind, known), chance.choice(ENCODINGS)
    fields = [b"Content-Type: " + kind + b"; charset=" + chance.choice(CHARSETS)]
    if chance.random() < 0.3:
        fields.append(b"Content-Disposition: attachment; filename=" + _value(chance, IDS))
    if chance.random() < 0.6:
        fields.append(b"Content-Transfer-Encoding: " + encoding)
        body = _encoded(body, encoding)
    return b"\r\n".join([b"MIME-Version: 1.0", *fields, b"", body])


def swollen(chance: Chance, raw: bytes) -> bytes:
    """*raw* with one of its places repeated until it is large."""
    start = chance.randrange(len(raw) + 1)
    piece = raw[start : start + chance.choice((1, 2, 10, 80, 1000))] or b"\r\n"
    size = chance.choice((100_000, 500_000, LARGEST))
    return (raw[:start] + piece * (size // len(piece)) + raw[start:])[:LARGEST]


def _multipart(chance: Chance, known: Sequence[bytes], kind: bytes, depth: int) -> bytes:
    boundary = chance.choice((b"b", b"=_b", b"bb", b"----=_Part_1.2"))
    written = chance.choice((b'"%s"', b"%s", b'"%s', b"%s; boundary=other")) % boundary
    inside = [part(chance, known, depth + 1) for _ in range(chance.randint(0, 4))]
    begin = b"Content-Type: " + kind + b"; boundary=" + written
    ends = chance.choice((b"--", b"--", b"--", b"", b"-- and more"))
    return b"\r\n".join(
        [begin, b"", *(b"--" + boundary + b"\r\n" + each for each in inside), b"--" + boundary + ends, b""]
    )


def _value(chance: Chance, values: Sequence[bytes]) -> bytes:
    """One of *values*, or several, or one with something foreign in it."""
    glue = chance.choice((b"", b" ", b", ", b"\r\n ", b";"))
    several = glue.join(chance.choice(values) for _ in range(chance.choice((1, 1, 1, 2, 5))))
    return several if chance.random() < 0.8 else several + chance.choice(TOKENS)


def _body(chance: Chance, kind: bytes, known: Sequence[bytes]) -> bytes:
    if kind.startswith(b"message/"):
        return chance.choice(known)[:4000]
    pool = TAGS if kind == b"text/html" else LINES
    words = [chance.choice(pool) for _ in range(chance.randint(0, 30))]
    if chance.random() < 0.5:
        words += [chance.choice(HISTORY), *(b"> " + chance.choice(LINES) for _ in range(chance.randint(0, 10)))]
    if kind not in (b"text/plain", b"text/html") and chance.random() < 0.5:
        words.append(chance.randbytes(chance.randint(1, 3000)))
    return chance.choice(LINE_ENDS[:2]).join(words)


def _encoded(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"base64":
        return base64.encodebytes(body)
    return quopri.encodestring(body) if encoding == b"quoted-printable" else body


# ---- what goes wrong on the way


def _place(chance: Chance, raw: bytes) -> int:
    """Anywhere; every second time in the first kilobyte, where the headers are."""
    longest = min(len(raw), 1024) if chance.random() < 0.5 else len(raw)
    return chance.randint(0, longest)


def change_bytes(chance: Chance, raw: bytes, known: Sequence[bytes]) -> bytes:
    changed = bytearray(raw or b" ")
    for _ in range(chance.randint(1, 10)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def insert_token(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    return raw[:at] + chance.choice(TOKENS) * chance.choice((1, 1, 2, 50)) + raw[at:]


def cut_out(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    return raw[:at] + raw[at + chance.choice((1, 2, 20, 500)) :]


def cut_off(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    return raw[: _place(chance, raw)]


def repeat(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    piece = raw[at : at + chance.choice((1, 10, 80, 400))]
    return raw[:at] + piece * chance.choice((2, 3, 30)) + raw[at:]


def repeat_line(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    lines = raw.splitlines(keepends=True) or [b"\n"]
    at = chance.randrange(min(len(lines), chance.choice((20, 1000))))
    return b"".join([*lines[:at], *lines[at : at + 1] * chance.choice((2, 10)), *lines[at:]])


def swap_lines(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    lines = raw.splitlines(keepends=True) or [b"\n"]
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def other_line_ends(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", chance.choice(LINE_ENDS))


def graft(chance: Chance, raw: bytes, known: Sequence[bytes]) -> bytes:
    """The beginning of one mail, and the end of another."""
    other = chance.choice(known)
    return raw[: _place(chance, raw)] + other[_place(chance, other) :]


def wrap(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    """The mail as a part of another."""
    kind = chance.choice((b"multipart/mixed", b"multipart/report", b"message/rfc822", b"multipart/digest"))
    begin = b"From: " + chance.choice(ADDRESSES) + b"\r\nContent-Type: " + kind
    if kind == b"message/rfc822":
        return begin + b"\r\n\r\n" + raw
    return begin + b"; boundary=w\r\n\r\n--w\r\n" + raw + b"\r\n--w--\r\n"


def other_charset(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    """Another charset is named than the mail is written in."""
    was, now = chance.choice(CHARSETS), chance.choice(CHARSETS)
    return raw.replace(was, now) if was in raw else raw.replace(b"utf-8", now)


def high_bit(chance: Chance, raw: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, raw)
    return raw[:at] + bytes(byte | 0x80 for byte in raw[at : at + 40]) + raw[at + 40 :]


BREAKS: tuple[Callable[[Chance, bytes, Sequence[bytes]], bytes], ...] = (
    change_bytes, insert_token, insert_token, insert_token, cut_out, cut_off, repeat, repeat_line, swap_lines,
    other_line_ends, graft, graft, wrap, other_charset, high_bit,
)  # fmt: skip
