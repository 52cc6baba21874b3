"""What a person newly wrote, apart from the history, the signature and the boilerplate (E100-E110)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.ingest import history
from mailgate.ingest.history import is_quoted
from mailgate.ingest.signature import Cut, Markings, cut_signature, without_footers, without_paragraphs
from mailgate.model.config import TextKeys

_TAGS = re.compile(r"^\s*\[[^\]]{1,40}\]\s*")
_FORWARD = re.compile(r"(?i)^(?:fw|fwd|wg|vs|tr|doorst|enc|i|vb|vl|转发)(?:\[\d{1,3}\]|\(\d{1,3}\))?\s{0,3}[:：]")


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a body; *layer* names what found the history, *confidence* how sure that is."""

    reply: str
    quoted: str = ""
    signature: str = ""
    marking: str = ""
    is_forward: bool = False
    layer: str = "none"
    confidence: str = "high"


@dataclass(frozen=True, slots=True)
class Source:
    """A body to split. *history_at*: where its HTML marked the history; *from_html*: a line is a paragraph."""

    text: str
    subject: str = ""
    sender_name: str = ""
    is_answer: bool = False
    history_at: int | None = None
    from_html: bool = False


@dataclass(frozen=True, slots=True)
class _Cut:
    new: list[str]
    old: list[str]
    layer: str
    confidence: str = "high"
    is_forward: bool = False


def split(source: Source, keys: TextKeys, markings: tuple[str, ...]) -> Split:
    """The parts of *source*; where nothing new is found, all of it counts as new (E110)."""
    lines = source.text.split("\n")
    cut = _cut(source, lines, says_forward(source.subject))
    sweep = _Sweep(keys, markings, source)
    new = sweep.clean(cut.new, source.sender_name)
    kept = new.lines
    if cut.is_forward:
        kept = [*kept, "", *sweep.forwarded(cut.old)]
    reply = _joined(kept)
    if not reply and cut.old and _joined(lines):
        cut = _Cut(lines, [], cut.layer, "low", cut.is_forward)
        new = sweep.clean(lines, source.sender_name)
        reply = _joined(new.lines)
    return Split(
        reply, _joined(cut.old), _joined(new.signature), sweep.marking, cut.is_forward, cut.layer, cut.confidence
    )


@lru_cache(maxsize=16)
def _markings(markings: tuple[str, ...]) -> Markings:
    return Markings(markings)


def says_forward(subject: str) -> bool:
    """Whether the subject's first prefix is that of a forward (E107)."""
    for _ in range(4):
        subject, changed = _TAGS.subn("", subject)
        if not changed:
            break
    return _FORWARD.match(subject.lstrip()) is not None


def _joined(lines: Sequence[str]) -> str:
    out: list[str] = []
    for line in lines:
        line = line.rstrip()
        if line or (out and out[-1]):
            out.append(line)
    return "\n".join(out).strip("\n")


# ------------------------------------------------------------------ the layers


def _cut(source: Source, lines: list[str], is_forward: bool) -> _Cut:
    found = history.find(lines)
    if found and found.layer == "marker" and not source.is_answer:
        found = None  # a new mail that quotes our marker is no answer to us (E100)
    marked = _line_of(source, lines)
    if marked is not None and (found is None or marked <= found.line):
        found = history.Found(marked, history.header_block_end(lines, marked), "html", bool(found and found.forward))
    if found is None:
        return _cut_quotes(lines, is_forward)
    is_forward |= found.forward
    new, old = lines[: found.line], lines[found.line :]
    while new and (history.is_rule(new[-1]) or not new[-1].strip()):
        new.pop()
    if is_forward:
        return _Cut(new, old, found.layer, is_forward=True)
    if found.layer == "attribution":
        return _cut_attributed(lines, found)
    if any(is_quoted(line) for line in new):
        inner = _cut_quotes(new, False)
        return _Cut(inner.new, inner.old + old, inner.layer, inner.confidence)
    if not any(line.strip() for line in new):
        return _bottom_posted(lines, found) or _Cut(lines, [], found.layer, "low")
    return _Cut(new, old, found.layer)


def _line_of(source: Source, lines: Sequence[str]) -> int | None:
    """The line at which the HTML marked the history."""
    return None if source.history_at is None else source.text.count("\n", 0, source.history_at)


def _cut_attributed(lines: list[str], found: history.Found) -> _Cut:
    """Below an attribution line: a quotation to the end, answers between, or an answer below."""
    new, rest = lines[: found.line], lines[found.content :]
    if not any(is_quoted(line) for line in rest):
        return (
            _Cut(new, lines[found.line :], "attribution", "medium") if _filled(new) else _Cut(lines, [], "none", "low")
        )
    inner = _cut_quotes(rest, False)
    if inner.layer == "interleaved":
        return _Cut(lines, [], "interleaved", "low")
    if not _filled(inner.new):
        return _Cut(new, lines[found.line :], "attribution") if _filled(new) else _Cut(lines, [], "attribution", "low")
    if not _filled(new):
        return _Cut(inner.new, [*lines[: found.content], *inner.old], "attribution", "medium")
    if _only_signature(inner.new):
        return _Cut(new, [*lines[found.line : found.content], *inner.old], "attribution")
    return _Cut(lines, [], "interleaved", "low")


def _bottom_posted(lines: list[str], found: history.Found) -> _Cut | None:
    rest = lines[found.content :]
    if not any(is_quoted(line) for line in rest):
        return None
    inner = _cut_quotes(rest, False)
    return _Cut(inner.new, inner.old, found.layer, "medium") if _filled(inner.new) and inner.layer == "quotes" else None


def _cut_quotes(lines: list[str], is_forward: bool) -> _Cut:
    """Lines behind ">": one block of them is history, text between several is an answer point by point (E106)."""
    quoted = [i for i, line in enumerate(lines) if is_quoted(line)]
    if not quoted:
        return _Cut(lines, [], "none", is_forward=is_forward)
    before, after = lines[: quoted[0]], lines[quoted[-1] + 1 :]
    blocks = _blocks(lines, quoted[0], quoted[-1])
    if blocks > 1 or (_filled(before) and _filled(after) and not _only_signature(after)):
        return _Cut(lines, [], "interleaved", "low", is_forward)
    said_who = _attribution_at(before)
    before, old = before[:said_who], lines[said_who : quoted[-1] + 1]
    if _filled(before):
        return _Cut([*before, *after], old, "quotes", is_forward=is_forward)
    return _Cut(after, old, "quotes", "high" if not _filled(after) else "medium", is_forward)


def _attribution_at(before: Sequence[str]) -> int:
    """Where the attribution in any language begins that ends *before*, or its end (E105).

    It is the last paragraph: short, with a date in it, and a colon before the quotation.
    """
    end = len(before)
    while end and not before[end - 1].strip():
        end -= 1
    start = end
    while start and end - start < 3 and before[start - 1].strip():
        start -= 1
    said = " ".join(before[start:end])
    dated = sum(letter.isdigit() for letter in said) >= 3
    is_one = said.rstrip().endswith(":") and dated and len(said) <= history.MAX_ATTRIBUTION
    return start if is_one and (not start or not before[start - 1].strip()) else len(before)


def _blocks(lines: Sequence[str], first: int, last: int) -> int:
    """How many runs of quoted lines there are, where other words stand between."""
    count, inside = 0, False
    for line in lines[first : last + 1]:
        if is_quoted(line):
            count += not inside
            inside = True
        elif line.strip():
            inside = False
    return count


def _filled(lines: Sequence[str]) -> bool:
    return any(line.strip() for line in lines)


def _only_signature(lines: Sequence[str]) -> bool:
    first = next((line for line in lines if line.strip()), "")
    return first.rstrip("\n") in ("-- ", "--") or not _filled(without_footers(lines))


# -------------------------------------------------------------- the boilerplate


class _Sweep:
    """Takes out what counts for nothing, and remembers the highest marking it took."""

    def __init__(self, keys: TextKeys, markings: tuple[str, ...], source: Source) -> None:
        self._openings = (*keys.banners, *keys.disclaimers)
        self._markings = _markings(markings)
        self._paragraph_is_line = source.from_html
        self._found = self._markings.in_subject(source.subject)

    @property
    def marking(self) -> str:
        return self._markings.highest(self._found)

    def clean(self, lines: Sequence[str], sender_name: str) -> Cut:
        kept = without_paragraphs(lines, self._openings, self._paragraph_is_line)
        found, kept = self._markings.taken_from(kept)
        self._found += found
        return cut_signature(without_footers(kept), sender_name)

    def forwarded(self, lines: Sequence[str]) -> list[str]:
        """The contents of a forwarded chain: its header blocks, rules and signatures dropped (E107)."""
        out: list[str] = []
        piece: list[str] = []
        sender = ""
        i = 0
        while i < len(lines):
            end, name = _heading(lines, i)
            if end > i:
                out += self.clean(piece, sender).lines
                piece, sender, i = [""], name, end
            else:
                piece.append(lines[i])
                i += 1
        return out + self.clean(piece, sender).lines


def _heading(lines: Sequence[str], i: int) -> tuple[int, str]:
    """Where the heading of a forwarded mail that begins at *i* ends, and its sender's name."""
    found, _ = history.at(lines, i)
    if found is None or found.layer not in ("header-block", "separator"):
        return i, ""
    end = max(found.content, i + 1)
    sender = next((history.bare(line) for line in lines[i:end] if history.bare(line).casefold().startswith("from")), "")
    return end, sender.partition(":")[2].partition("<")[0].strip()
