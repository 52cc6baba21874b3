"""P6: reading a mail, against what mail-parser alone takes for the same mails; CPU time, each mail read once."""

import statistics
import time
from collections.abc import Callable, Sequence

import mailparser

from bench.mails import mails
from bench.peers import REPOSITORY, configured
from bench.table import Row
from mailgate.ingest.parse import parse

ROUNDS, COUNT = 3, 400


def measure() -> list[Row]:
    examples = [file.read_bytes() for file in sorted((REPOSITORY / "examples" / "mail").glob("*.eml"))]
    generated = [list(mails(COUNT, seed)) for seed in range(ROUNDS)]
    return [_row("mails of 11 KB", generated), _row("the example mails", [examples] * ROUNDS)]


def _row(what: str, rounds: Sequence[Sequence[bytes]]) -> Row:
    service = configured().service
    ours, theirs = [], []
    for raws in rounds:
        ours.append(_microseconds(lambda raw: parse(raw, service.text, service.markings), raws))
        theirs.append(_microseconds(mailparser.parse_from_bytes, raws))
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    compared = f"{statistics.median(ours):.0f} us CPU, mailparser.parse_from_bytes {statistics.median(theirs):.0f} us"
    return Row("P6", f"reading a mail: {what}", f"{ratio:.2f} x", "1.0 x", "0.6 x", compared)


def _microseconds(read: Callable[[bytes], object], raws: Sequence[bytes]) -> float:
    begun = time.process_time()
    for raw in raws:
        read(raw)
    return (time.process_time() - begun) / len(raws) * 1e6
