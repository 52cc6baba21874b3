"""Distinct mails of the usual size: the examples' generator, with the style sheet that Outlook adds."""

import argparse
import base64
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
from generate_mail import Maker

_RULE = "p.MsoNormal{0}, li.MsoNormal{0}, div.MsoNormal{0} {{margin:0cm; font-size:11.0pt;}}\r\n"
STYLE = ("<style><!--\r\n" + "".join(_RULE.format(number) for number in range(105)) + "--></style>\r\n").encode()


def mails(count: int, seed: int) -> Iterator[bytes]:
    """*count* new requests of about 11 KB with CRLF line endings; the same seed gives the same mails."""
    shares = {"redelivered": 0, "near_duplicates": 0, "chasers": 0, "thanks": 0, "auto_replies": 0, "commands": 0}
    body = {"incomplete": 15, "attachments": 20, "chains": 10, "html_only": 10}
    options = argparse.Namespace(count=count, seed=seed, start="2026-11-30T08:00:00", days=14, **shares, **body)
    for _, mail in Maker(options):
        yield mail.as_bytes().replace(b"<body", STYLE + b"<body", 1)


def padded(made: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Each mail with an attachment that makes it *size* bytes large, of which no two are alike."""
    for number, mail in enumerate(made):
        missing = size - len(mail)
        yield _with_attachment(mail, missing, number) if missing > 0 else mail


def _with_attachment(mail: bytes, size: int, number: int) -> bytes:
    """*mail* as the first part of a larger one."""
    header, _, body = mail.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", header)
    inner = [field for field in fields if field.lower().startswith(b"content-")]
    outer = [field for field in fields if field not in inner and not field.lower().startswith(b"mime-version")]
    lines = base64.encodebytes(
        random.Random(number).randbytes(  # noqa: S311 (repeatable chance)
            size * 54 // 74
        )
    ).replace(b"\n", b"\r\n")
    return b"\r\n".join(
        (
            *outer,
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/mixed; boundary="outermost"',
            b"",
            b"--outermost",
            *inner,
            b"",
            body,
            b"--outermost",
            b'Content-Type: application/octet-stream; name="scan.bin"',
            b'Content-Disposition: attachment; filename="scan.bin"',
            b"Content-Transfer-Encoding: base64",
            b"",
            lines + b"--outermost--",
            b"",
        )
    )
