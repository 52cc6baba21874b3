"""P6: reading a mail, against what mail-parser alone takes for the same mails; CPU time, each mail read once.

Its last row says where the time goes.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import mailparser

from bench.mails import mails
from bench.peers import REPOSITORY, configured
from bench.table import Row
from mailgate.ingest import attached, content
from mailgate.ingest.body import Source, split
from mailgate.ingest.headers import Headers
from mailgate.ingest.parse import parse
from mailgate.ingest.tree import Part, read_tree

ROUNDS, COUNT = 3, 400


def measure() -> list[Row]:
    examples = [file.read_bytes() for file in sorted((REPOSITORY / "examples" / "mail").glob("*.eml"))]
    generated = [list(mails(COUNT, seed)) for seed in range(ROUNDS)]
    return [
        _row("mails of 11 KB", generated),
        _row("the example mails", [examples] * ROUNDS),
        _steps([raw for raws in generated for raw in raws]),
    ]


def _row(what: str, rounds: Sequence[Sequence[bytes]]) -> Row:
    service = configured().service
    ours, theirs = [], []
    for raws in rounds:
        ours.append(_microseconds(lambda raw: parse(raw, service.text, service.markings), raws))
        theirs.append(_microseconds(mailparser.parse_from_bytes, raws))
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    compared = f"{statistics.median(ours):.0f} us CPU, mailparser.parse_from_bytes {statistics.median(theirs):.0f} us"
    return Row("P6", f"reading a mail: {what}", f"{ratio:.2f} x", "1.0 x", "0.6 x", compared)


def _steps(raws: Sequence[bytes]) -> Row:
    """What each step of reading costs; each is handed what the one before it made."""
    service = configured().service
    taken: dict[str, float] = {}

    def step(name: str, act: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        made: list[Any] = []
        taken[name] = _microseconds(lambda item: made.append(act(item)), items)
        return made

    roots = step("parts", lambda raw: read_tree(raw).root, raws)
    step("headers", lambda root: (Headers(root).decoded, Headers(root).date()), roots)
    pieces = step("choice of the body", content.segments, roots)
    bodies = step("text", content.read_body, pieces)
    step("reply", lambda found: split(Source(found.text), service.text, service.markings), bodies)
    step("attachments", _attachments, list(zip(roots, pieces, strict=True)))
    whole = _microseconds(lambda raw: parse(raw, service.text, service.markings), raws)
    taken["kind and the rest"] = whole - sum(taken.values())
    compared = ", ".join(f"{name} {cost:.0f}" for name, cost in taken.items())
    return Row("P6", "where the time goes: mails of 11 KB", f"{whole:.0f} us", "", "", f"us CPU: {compared}")


def _attachments(mail: tuple[Part, list[content.Segment]]) -> object:
    root, pieces = mail
    return attached.attachments(root, content.leaves(pieces), attached.unpack(root))


def _microseconds(read: Callable[[bytes], object], raws: Sequence[bytes]) -> float:
    begun = time.process_time()
    for raw in raws:
        read(raw)
    return (time.process_time() - begun) / len(raws) * 1e6
