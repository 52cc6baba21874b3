"""S20-S28: mails made to take long, or much memory, or to be misread. Each is read in under a second of CPU (K8)."""

import base64
import hashlib
import json
import struct
import time
import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import pytest

from mailgate.cli.shown import message_as_json
from mailgate.ingest.parse import parse
from mailgate.model.message import Message

HEAD = b"From: a@x.example\r\nTo: b@x.example\r\nSubject: x\r\nMessage-ID: <1@x>\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
MIB = 1024**2
LIMIT = 40 * MIB  # what the door takes
NEARLY = 39 * MIB  # what fits with the fields of a mail
LONGEST_SECONDS = 1.0
R10 = (
    b"unlisted-recipients:; (no To-header on input)", b"<>", b"<[0123456789abcdef]@host>", b"<", b"=?utf-8?b?=?=",
    b"=?\0?q?a?=", b"alice@gov.example)bob@evil.example", b'"', b"\\", b"\xff\xfe", b"Mon, 99 Foo 99999 99:99:99 +9999",
)  # fmt: skip
FIELDS = (
    b"From", b"To", b"Cc", b"Bcc", b"Reply-To", b"Sender", b"Return-Path", b"Date", b"Subject", b"Message-ID",
    b"References", b"In-Reply-To", b"Received", b"Content-Type", b"Content-Disposition", b"Content-Transfer-Encoding",
    b"MIME-Version",
    b"Auto-Submitted", b"Precedence", b"List-Id", b"Authentication-Results", b"Delivered-To", b"Content-ID",
)  # fmt: skip


class Bomb(NamedTuple):
    """*made* is the mail, and *read* holds of what it is read as."""

    made: Callable[[], bytes]
    read: Callable[[Message], bool]


def defect(name: str) -> Callable[[Message], bool]:
    return lambda message: name in message.defects


def text(words: str) -> Callable[[Message], bool]:
    return lambda message: words in message.text


def files(*names: str) -> Callable[[Message], bool]:
    return lambda message: tuple(file.filename for file in message.attachments) == names


def anything(_: Message) -> bool:
    return True


def header(name: bytes, piece: bytes, size: int = NEARLY, after: bytes = b"") -> Callable[[], bytes]:
    """A mail whose field *name* is *piece* again and again."""
    return lambda: b"%b: %b%b\r\n%b\r\nbody" % (name, piece * (size // len(piece)), after, HEAD)


def field(name: bytes) -> Callable[[], bytes]:
    """A mail that has nothing but that field, with each value of R10."""
    return lambda: b"".join(name + b": " + value + b"\r\n" for value in R10) * 20 + b"\r\nbody"


def body(content_type: bytes, piece: bytes, size: int, end: bytes = b"") -> Callable[[], bytes]:
    kind = HEAD + b"Content-Type: " + content_type + b"\r\n\r\n"
    return lambda: kind + piece * (size // len(piece)) + end


def html(piece: bytes, size: int = NEARLY, end: bytes = b"") -> Callable[[], bytes]:
    return body(b"text/html; charset=utf-8", piece, size, end)


def attached(name: bytes, content: Callable[[], bytes]) -> Callable[[], bytes]:
    """A mail with one file."""
    kind = b"Content-Type: application/octet-stream; name=" + name + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return lambda: MIXED + b"--b\r\n" + kind + base64.encodebytes(content()) + b"\r\n--b--\r\n"


def encoded(encoding: bytes, content: bytes) -> Callable[[], bytes]:
    """A file that says it is in *encoding*, and is broken in it."""
    kind = b"Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: "
    return lambda: MIXED + b"--b\r\n" + kind + encoding + b"\r\n\r\n" + content + b"\r\n--b--\r\n"


def nested(depth: int) -> bytes:
    opening = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    return HEAD + b"".join(opening % (n, n) for n in range(depth)) + b"\r\ndeep"


def zipped(size: int) -> bytes:
    """A zip file with one entry that says it is *size* long, and packs as many NULs as fit into a few MiB."""
    packed = zlib.compress(bytes(min(size, 64 * MIB)), 9)
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 8, 0, 0, 0, len(packed), size & 0xFFFFFFFF, 1, 0) + b"0"
    return head + packed


def overlapping() -> bytes:
    """A zip file whose thousand entries are one and the same piece."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 8, 0, 0, 0, 100, 2**32 - 1, 1, 0, 0, 0, 0, 0, 0) + b"0"
    return zipped(2**32) + entry * 1000 + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1000, 1000, len(entry) * 1000, 0, 0)


def picture(side: int) -> bytes:
    """The beginning of a PNG of *side* x *side* points."""
    head = b"IHDR" + struct.pack(">2L5B", side, side, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">L", 13) + head + struct.pack(">L", zlib.crc32(head))


def charset(label: bytes, content: bytes) -> Callable[[], bytes]:
    return lambda: HEAD + b"Content-Type: text/plain; charset=" + label + b"\r\n\r\n" + content


BOMBS: dict[str, Bomb] = {
    **{f"S20 {name.decode()}": Bomb(field(name), anything) for name in FIELDS},
    "S21 semicolons in Content-Type": Bomb(header(b"Content-Type", b";", after=b"x"), defect("header-too-long")),
    "S21 quotation marks in Content-Type": Bomb(header(b"Content-Type", b';"a'), defect("header-too-long")),
    "S21 parameters in pieces": Bomb(header(b"Content-Type", b"; name*0=a"), defect("header-too-long")),
    "S21 semicolons in From": Bomb(header(b"From", b"; "), defect("header-too-long")),
    "S21 names in From": Bomb(header(b"From", b'"a" '), defect("header-too-long")),
    "S21 comments in From": Bomb(header(b"From", b"("), defect("header-too-long")),
    "S21 angles in From": Bomb(header(b"From", b"<"), defect("header-too-long")),
    "S21 dots in From": Bomb(header(b"From", b"a."), defect("header-too-long")),
    "S21 addresses in To": Bomb(header(b"To", b"a@x.example,"), defect("header-too-long")),
    "S21 comments in Date": Bomb(header(b"Date", b"("), defect("header-too-long")),
    "S21 comments in Received": Bomb(header(b"Received", b"("), defect("header-too-long")),
    "S21 comments in Authentication-Results": Bomb(header(b"Authentication-Results", b"("), defect("header-too-long")),
    "S21 touching encoded words": Bomb(header(b"X-A", b"=?utf-8?q?a?="), defect("header-too-long")),
    "S21 half encoded words": Bomb(header(b"Subject", b"=?a?q?"), defect("header-too-long")),
    "S21 folded lines": Bomb(header(b"Subject", b"\r\n y"), anything),
    "S21 a header as large as a mail": Bomb(header(b"X-A", b"x", LIMIT), defect("header-too-long")),
    "S21 100,000 fields": Bomb(lambda: b"X: y\r\n" * 100_000 + HEAD + b"\r\nx", defect("too-many-headers")),
    "S21 fields as large as a mail": Bomb(lambda: b"X: y\r\n" * (NEARLY // 6), defect("too-many-headers")),
    "S22 10,000 parts": Bomb(lambda: MIXED + b"--b\r\n\r\nx\r\n" * 10_000, defect("too-many-parts")),
    "S22 parts as large as a mail": Bomb(lambda: MIXED + b"--b\r\n\r\n" * (LIMIT // 7), defect("too-many-parts")),
    "S22 depth 5,000": Bomb(lambda: nested(5000), defect("too-deep")),
    "S22 depth 49 and many lines": Bomb(lambda: nested(49) + b"\n" * NEARLY, anything),
    "S22 mail in mail 2,000 times": Bomb(
        lambda: HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 2000, files("forwarded.eml")
    ),
    "S22 nothing but dashes": Bomb(lambda: MIXED + b"-" * NEARLY, anything),
    "S22 lines like boundaries": Bomb(lambda: MIXED + b"--bx\r\n" * (NEARLY // 6), defect("too-many-parts")),
    "S23 4 GB in a zip": Bomb(attached(b"a.zip", lambda: zipped(2**32)), files("a.zip")),
    "S23 a zip in a zip": Bomb(attached(b"a.zip", lambda: zlib.compress(zipped(2**32), 9)), files("a.zip")),
    "S23 overlapping entries": Bomb(attached(b"a.zip", overlapping), files("a.zip")),
    "S23 gzip": Bomb(attached(b"a.gz", lambda: b"\x1f\x8b\x08" + zlib.compress(bytes(64 * MIB), 9)), files("a.gz")),
    "S23 a picture of 50,000 x 50,000": Bomb(attached(b"a.png", lambda: picture(50_000)), files("a.png")),
    "S23 a file as large as a mail": Bomb(attached(b"a.bin", lambda: bytes(LIMIT * 7 // 10)), files("a.bin")),
    "S24 two boundaries": Bomb(
        lambda: HEAD + b"Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a\r\n\r\nx\r\n--b\r\n\r\ny",
        anything,
    ),
    "S24 two Content-Types": Bomb(
        lambda: HEAD + b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx", defect("ambiguous-mime")
    ),
    "S24 two Content-Transfer-Encodings": Bomb(
        lambda: HEAD + b"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\neA==",
        defect("ambiguous-mime"),
    ),
    "S25 UTF-7": Bomb(charset(b"utf-7", b"+" * NEARLY), anything),
    "S25 idna": Bomb(charset(b"idna", b"a." * (NEARLY // 2)), anything),
    "S25 UTF-16 without its mark": Bomb(charset(b"utf-16", b"h\0i\0" * (NEARLY // 4)), anything),
    "S25 overlong": Bomb(charset(b"utf-8", b"\xc0\x80\xe0\x80\xaf" * (NEARLY // 5)), anything),
    "S25 lone surrogates": Bomb(charset(b"utf-8", b"\xed\xa0\x80" * (NEARLY // 3)), anything),
    "S25 NUL": Bomb(charset(b"\0", b"a\0" * (NEARLY // 2)), anything),
    "S25 shifts of ISO-2022-JP": Bomb(charset(b"iso-2022-jp", b"\x1b$B\x1b(B" * (NEARLY // 6)), anything),
    "S25 no charset at all": Bomb(lambda: HEAD + b"\r\n" + bytes(range(128, 256)) * (NEARLY // 128), anything),
    "S26 open tags": Bomb(html(b"<a "), anything),
    "S26 open comments": Bomb(html(b"<!--"), anything),
    "S26 angles": Bomb(html(b"<"), anything),
    "S26 unclosed tags": Bomb(html(b"<b>x"), anything),
    "S26 200,000 nested blocks": Bomb(html(b"<div>", 200_000 * 5, b"the end"), text("the end")),
    "S26 nested tables": Bomb(html(b"<table><tr><td>"), anything),
    "S26 nested quotations": Bomb(html(b"<blockquote type=cite>"), anything),
    "S26 open styles": Bomb(html(b"<style>"), anything),
    "S26 lists in lists": Bomb(html(b"<ul><li>x"), anything),
    "S26 entities": Bomb(html(b"&#x110000;"), anything),
    "S26 attributes": Bomb(html(b'<p style="'), anything),
    "S26 much HTML": Bomb(html(b"<p>hello <b>x"), anything),
    "S27 100,000 References": Bomb(
        lambda: HEAD + b"References: " + b"\r\n ".join(b"<%d@x>" % n for n in range(100_000)) + b"\r\n\r\nx",
        lambda message: len(message.references) == 100,
    ),
    "S27 100,000 In-Reply-To": Bomb(
        header(b"In-Reply-To", b"<a@b> ", 600_000, b"<last@x>"), lambda message: len(message.in_reply_to) <= 100
    ),
    "S27 brackets in References": Bomb(header(b"References", b"<"), anything),
    "S28 uuencode that breaks off": Bomb(
        encoded(b"x-uuencode", b"begin 644 a.bin\r\n" + b"M" * NEARLY), files("a.bin")
    ),
    "S28 binhex": Bomb(
        encoded(b"binhex", b"(This file must be converted with BinHex 4.0)\r\n:" + b"!" * NEARLY), files("a.bin")
    ),
    "S28 winmail.dat that breaks off": Bomb(
        attached(b"winmail.dat", lambda: b"\x78\x9f\x3e\x22\x01\x00" + b"\x02\xff\xff\xff\xff" * (NEARLY // 7)),
        lambda message: "winmail.dat" in {file.filename for file in message.attachments},
    ),
    "S28 base64 that breaks off": Bomb(encoded(b"base64", b"QUJD" * (NEARLY // 4) + b"Q"), files("a.bin")),
    "S28 base64 of nothing but =": Bomb(encoded(b"base64", b"=" * NEARLY), files("a.bin")),
    "S28 quoted-printable of nothing but =": Bomb(encoded(b"quoted-printable", b"=" * NEARLY), files("a.bin")),
    "S28 an encoding nobody knows": Bomb(encoded(b"x-unknown", b"x" * NEARLY), files("a.bin")),
    "text of quotation marks": Bomb(body(b"text/plain", b">", NEARLY), anything),
    "text of short quotations": Bomb(body(b"text/plain", b"> a\nb\n", NEARLY), anything),
    "text of attributions": Bomb(body(b"text/plain", b"On 1 Jan wrote:\n", NEARLY), anything),
    "text of headers": Bomb(body(b"text/plain", b"From: a\nSent: 1\nTo: x\nx\n", NEARLY), anything),
    "text of empty lines": Bomb(body(b"text/plain", b"\n", NEARLY), anything),
    "much text": Bomb(body(b"text/plain", b"word and word\r\n", NEARLY), text("word")),
    "flowed text": Bomb(body(b"text/plain; format=flowed", b"> a \n>> a \n", NEARLY), anything),
    "a delivery report of recipients": Bomb(
        body(b"message/delivery-status", b"Final-Recipient: rfc822; a@b\n\n", NEARLY), anything
    ),
    "nothing but carriage returns": Bomb(lambda: HEAD.replace(b"\r\n", b"\r") + b"\ra" * (NEARLY // 2), anything),
}  # fmt: skip


@cache
def slowness() -> float:
    """How much slower than the machine of docs/performance.md this one is; 1 where it is not."""
    began = time.thread_time()
    for number in range(200_000):
        hashlib.sha256(str(number).encode())
    return max(1.0, (time.thread_time() - began) / 0.2)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_read_in_a_second(name: str) -> None:
    raw = BOMBS[name].made()
    began = time.thread_time()
    message = parse(raw)
    taken = time.thread_time() - began
    assert "unreadable" not in message.defects
    assert BOMBS[name].read(message)
    assert json.dumps(message_as_json(message)).isascii()
    assert taken < LONGEST_SECONDS * slowness()


def test_every_row_has_its_bombs() -> None:
    rows = {name.partition(" ")[0] for name in BOMBS if name.startswith("S")}
    assert rows == {f"S{number}" for number in range(20, 29)}
    assert len([name for name in BOMBS if not name.startswith("S20")]) >= 40
