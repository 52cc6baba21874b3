"""Distinct mails of the usual size: the examples' generator, with the style sheet that Outlook adds."""

import argparse
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
