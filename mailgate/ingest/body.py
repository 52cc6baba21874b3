"""What a person newly wrote, apart from the history, the signature and the boilerplate (E100-E110)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailgate.ingest import history
from mailgate.ingest.attribution import bare
from mailgate.ingest.boilerplate import Sweep
from mailgate.ingest.lines import Lines
from mailgate.ingest.quoting import cut_quotes, mark_attributions
from mailgate.model.message import Fate, Span
from mailgate.model.work import TextKeys

_TAGS = re.compile(r"^\s*\[[^\]]{1,40}\]\s*")
_COUNT_AND_COLON = r"(?:\[\d{1,3}\]|\(\d{1,3}\))?\s{0,3}[:：]"
_FORWARD = re.compile(r"(?i)^(?:fw|fwd|wg|vs|tr|doorst|enc|i|vb|vl|rv|pd|转发)" + _COUNT_AND_COLON)
_ANSWER = re.compile(r"(?i)^(?:re|r|aw|sv|antw|odp|rif|ref|res|ynt|atb|回复|答复)" + _COUNT_AND_COLON)


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
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A body to split. *history_at*: where its HTML marked the history; *from_html*: a line is a paragraph."""

    text: str
    subject: str = ""
    sender_name: str = ""
    is_answer: bool = False
    history_at: int | None = None
    from_html: bool = False


def split(source: Source, keys: TextKeys, markings: tuple[str, ...]) -> Split:
    """The parts of *source*; where nothing new is found, all of it counts as new (E110)."""
    sweep = Sweep(keys, markings, source.subject, one_line_each=source.from_html)
    reading = _Reading(source, sweep)
    reading.cut()
    lines = reading.lines
    reply = lines.joined(Fate.REPLY)
    quoted = lines.joined(Fate.HISTORY)
    if not reply and quoted:
        reading.take_all()
        reply, quoted = lines.joined(Fate.REPLY), ""
    return Split(
        reply,
        quoted,
        lines.joined(Fate.SIGNATURE),
        sweep.marking,
        reading.is_forward,
        reading.layer,
        reading.confidence,
        lines.spans(),
    )


def says_forward(subject: str) -> bool:
    """Whether the subject's first prefix is that of a forward (E107)."""
    return _FORWARD.match(_untagged(subject)) is not None


def _untagged(subject: str) -> str:
    for _ in range(4):
        subject, changed = _TAGS.subn("", subject)
        if not changed:
            break
    return subject.lstrip()


class _Reading:
    """One pass over a body: the layers, then the boilerplate."""

    def __init__(self, source: Source, sweep: Sweep) -> None:
        self.source = source
        self.sweep = sweep
        self.lines = Lines(source.text)
        self.is_forward = says_forward(source.subject)
        self.layer = "none"
        self.confidence = "high"

    def cut(self) -> None:
        """Find the history by the first layer that does, and the boilerplate in what is left."""
        found = self._found()
        if found:
            self.layer = found.layer
            self.is_forward = self.is_forward or (found.forward and not self._answers(found))
        if self.is_forward:
            self._forward(found.line if found else len(self.lines))
            return
        if found is None:
            self._cut_quotes(len(self.lines))
        elif found.layer == "attribution":
            self._cut_attributed(found)
        else:
            self._cut_at(found)
        self._sweep(self.lines.left(), self.source.sender_name)

    def take_all(self) -> None:
        """All of it is the reply but what no person wrote (E110)."""
        lines, everything = self.lines, range(len(self.lines))
        self.confidence = "low"
        lines.mark(everything, Fate.REPLY)
        mark_attributions(lines, everything)
        if not any(bare(lines.texts[i]) for i in lines.left()):
            lines.mark(everything, Fate.HISTORY)  # marks of quotation around nothing
        self._sweep(lines.left(), self.source.sender_name)

    # ------------------------------------------------------------- the layers

    def _found(self) -> history.Found | None:
        found = history.find(self.lines.texts)
        if found and found.layer == "marker" and not self.source.is_answer:
            found = None  # a new mail that quotes our marker is no answer to us (E100)
        if self.source.history_at is None:
            return found
        marked = self.source.text.count("\n", 0, self.source.history_at)
        if found and found.line < marked:
            return found
        end = history.header_block_end(self.lines.texts, marked)
        return history.Found(marked, end, "html", bool(found and found.forward))

    def _answers(self, found: history.Found) -> bool:
        """Whether words above what was forwarded answer a mail, by the subject too: it is history then (E107)."""
        by_subject = _ANSWER.match(_untagged(self.source.subject)) is not None
        return self.source.is_answer and by_subject and self.lines.filled(range(found.line))

    def _cut_at(self, found: history.Found) -> None:
        """Below a header block, a separator or our marker all is history, unless the answer stands below it."""
        lines, rest = self.lines, range(found.content, len(self.lines))
        lines.mark(range(found.line, len(lines)), Fate.HISTORY)
        if lines.filled(range(found.line)):
            self._drop_rules_above(found.line)
            self._cut_quotes(found.line)
        elif lines.opens_quoted(rest):
            lines.mark(rest, Fate.REPLY)
            self._cut_quotes(len(lines), begin=rest.start, is_announced=True)

    def _cut_attributed(self, found: history.Found) -> None:
        """Below an attribution: a quotation to the end, answers between, or an answer below (E105, E106)."""
        lines, rest = self.lines, range(found.content, len(self.lines))
        if lines.filled(range(found.line)) and not lines.opens_quoted(rest):
            lines.mark(range(found.line, len(lines)), Fate.HISTORY)
            self.confidence = "medium" if lines.filled(rest) else "high"
        elif lines.quoted(rest):
            self._cut_quotes(len(lines), is_announced=True)
        else:  # an answer below what it answers, or all of it is history: nobody can tell
            lines.mark(range(found.line, found.content), Fate.ATTRIBUTION)
            self.layer, self.confidence = "none", "low"

    def _cut_quotes(self, end: int, *, begin: int = 0, is_announced: bool = False) -> None:
        found = cut_quotes(self.lines, end, self._says_something, begin=begin, is_announced=is_announced)
        if found:
            self.confidence = found.confidence
            if self.layer == "none" or found.layer == "interleaved":
                self.layer = found.layer

    def _says_something(self, beside: range) -> bool:
        """Whether words stand above or below a quotation; a signature and a footer there are recorded as such."""
        swept = self.sweep.fates([self.lines.texts[i] for i in beside], self.source.sender_name)
        kept = [i for i, fate in zip(beside, swept, strict=True) if fate is Fate.REPLY]
        if self.lines.filled(kept):
            return True
        self.lines.fates[beside.start : beside.stop] = swept
        return False

    def _forward(self, begin: int) -> None:
        """Keep the contents of a forwarded chain: its header blocks, rules and signatures dropped (E107)."""
        self._drop_rules_above(begin)
        piece = [i for i in self.lines.left() if i < begin]
        sender = self.source.sender_name
        i = begin
        while i < len(self.lines):
            end, name = self._heading(i)
            if end > i:
                self.lines.mark(range(i, end), Fate.HEADING)
                self._sweep(piece, sender)
                piece, sender, i = [], name, end
            else:
                piece.append(i)
                i += 1
        self._sweep(piece, sender)

    def _heading(self, i: int) -> tuple[int, str]:
        """Where the heading of a forwarded mail that begins at line *i* ends, and its sender's name."""
        found, _ = history.at(self.lines.texts, i)
        if found is None or found.layer not in ("header-block", "separator"):
            return i, ""
        end = max(found.content, i + 1)
        heads = (bare(line) for line in self.lines.texts[i:end])
        sender = next((head for head in heads if head.casefold().startswith("from")), "")
        return end, sender.partition(":")[2].partition("<")[0].strip()

    def _drop_rules_above(self, line: int) -> None:
        for i in range(line - 1, -1, -1):
            if self.lines.texts[i].strip() and not history.is_rule(self.lines.texts[i]):
                return
            self.lines.fates[i] = Fate.HISTORY

    def _sweep(self, numbers: Sequence[int], sender_name: str) -> None:
        swept = self.sweep.fates([self.lines.texts[i] for i in numbers], sender_name)
        for i, fate in zip(numbers, swept, strict=True):
            self.lines.fates[i] = fate
