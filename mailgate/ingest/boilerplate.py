"""What counts for nothing in a person's words: banners, markings, footers, signatures (E85, E103, E108)."""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from mailgate.ingest.phrases import CHECKED, DEVICES, EXCUSES, MY, OUTLOOK, SENT, SENT_AT_END
from mailgate.ingest.signature import signature_at
from mailgate.model.message import Fate
from mailgate.model.work import TextKeys

MAX_FOOTER = 160
MAX_FOOTER_WORDS = 10
MAX_UNOWNED_WORDS = 7
MAX_UNNAMED_WORDS = 5

_SENT_BEGINS = frozenset(opening[:3] for opening in SENT)
_SHELL = " \t*_<>()[]|"
_LINK = re.compile(r"<?\(?https?://[^\s<>()]*[>)]?")
_STOPS = re.compile(r"[,.;!]\s|[,;]")
_FROM_A_PHONE = re.compile(
    r"(?:[^\W\d]{1,20} )?from (?:my |a )?(?:mobile|phone|i-?phone|ipad|android|tablet|blackberry|galaxy)(?: \w{1,4})?"
)


def footers(lines: Sequence[str]) -> list[int]:
    """The lines that a mail program added, as "Sent from my phone"; people write below them too (E103)."""
    return [i for i, line in enumerate(lines) if len(line) <= MAX_FOOTER and _is_footer(line.strip(_SHELL).casefold())]


def _is_footer(text: str) -> bool:
    """One short phrase that names a device, a program or whose it is; "Sent from court today" is somebody's words."""
    if (text[:3] in _SENT_BEGINS and text.startswith(SENT)) or text.endswith(SENT_AT_END):
        return _names_device(text)
    if "outlook" in text:
        return text.startswith(OUTLOOK) and ("ios" in text or "android" in text or "aka.ms/" in text)
    return text.startswith(CHECKED) or ("from " in text and _FROM_A_PHONE.fullmatch(text) is not None)


def _names_device(text: str) -> bool:
    said = _LINK.sub("", text)
    has_link = len(said) < len(text)
    stop = _STOPS.search(said)
    if stop:
        rest = said[stop.end() :].strip()
        if rest and not any(excuse in rest for excuse in EXCUSES):
            return False
        said = said[: stop.start()]
    words = said.split()
    if any(device in said for device in DEVICES):
        return len(words) <= (MAX_FOOTER_WORDS if not MY.isdisjoint(words) else MAX_UNOWNED_WORDS)
    return len(words) <= MAX_UNNAMED_WORDS and (has_link or not MY.isdisjoint(words))


def paragraphs(lines: Sequence[str], openings: tuple[str, ...], one_line_each: bool) -> list[int]:
    """The lines of paragraphs that begin as one of *openings* says (the keys of ``text``)."""
    if not openings:
        return []
    begins = _plain(openings)
    found: list[int] = []
    dropping = False
    for i, line in enumerate(lines):
        if not (dropping and line.strip() and not one_line_each):
            text = line.strip(" \t*_|>")
            dropping = bool(text) and " ".join(text[:300].casefold().split()).startswith(begins)
        if dropping:
            found.append(i)
    return found


@lru_cache(maxsize=16)
def _plain(openings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(" ".join(opening.casefold().split()) for opening in openings)


class Markings:
    """The protective markings of the service, lowest first."""

    def __init__(self, markings: Sequence[str]) -> None:
        self._rank = {marking: rank for rank, marking in enumerate(markings)}
        longest_first = sorted(map(re.escape, markings), key=len, reverse=True)
        names = "|".join(longest_first)
        self._line = re.compile(rf"^[\s*_#]*({names})((?:\s*(?:\[[^\[\]]{{1,60}}\]|[:\-–][^.]{{1,60}}))?)[\s*_#.]*$")
        self._subject = re.compile(rf"(?<![\w-])({names})(?![\w-])(\s*\[[^\[\]]{{1,60}}\])?")

    def in_subject(self, subject: str) -> list[str]:
        """The markings that *subject* names, as written."""
        return [match[0] for match in self._subject.finditer(subject)] if self._rank else []

    def on_lines(self, lines: Sequence[str]) -> dict[int, str]:
        """The markings on the first and last lines, as written, by line (E85)."""
        if not self._rank:
            return {}
        filled = [i for i, line in enumerate(lines) if line.strip()]
        found = {}
        for i in sorted({*filled[:2], *filled[-2:]}):
            match = self._line.match(lines[i]) if len(lines[i]) < 150 else None
            if match:
                found[i] = match[1] + match[2]
        return found

    def highest(self, found: Sequence[str]) -> str:
        """The highest of some markings as written; of equals the one that says most."""
        return " ".join(max(found, key=lambda marking: (self._rank_of(marking), len(marking)), default="").split())

    def _rank_of(self, marking: str) -> int:
        return max((rank for name, rank in self._rank.items() if marking.startswith(name)), default=-1)


@lru_cache(maxsize=16)
def _markings(markings: tuple[str, ...]) -> Markings:
    return Markings(markings)


class Sweep:
    """Finds what counts for nothing, and remembers the highest marking it found."""

    def __init__(self, keys: TextKeys, markings: tuple[str, ...], subject: str, *, one_line_each: bool) -> None:
        self._openings = (*keys.banners, *keys.disclaimers)
        self._markings = _markings(markings)
        self._one_line_each = one_line_each
        self._found = self._markings.in_subject(subject)

    @property
    def marking(self) -> str:
        return self._markings.highest(self._found)

    def fates(self, lines: Sequence[str], sender_name: str) -> list[Fate]:
        """What becomes of each of *lines*, the words of one person."""
        swept = _Swept(lines)
        swept.drop(paragraphs(lines, self._openings, self._one_line_each), Fate.DISCLAIMER)
        marked = self._markings.on_lines(swept.lines)
        self._found += marked.values()
        swept.drop(marked, Fate.MARKING)
        swept.drop(footers(swept.lines), Fate.FOOTER)
        signed = signature_at(swept.lines, sender_name)
        if signed is not None:
            swept.drop(range(signed, len(swept.lines)), Fate.SIGNATURE)
        return swept.fates


class _Swept:
    """Lines of which fewer and fewer are left."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.fates = [Fate.REPLY] * len(lines)
        self.lines = list(lines)
        self._numbers = list(range(len(lines)))

    def drop(self, positions: Collection[int], fate: Fate) -> None:
        """Give the lines at *positions* among those left their *fate*."""
        if positions:
            dropped = set(positions)
            for i in dropped:
                self.fates[self._numbers[i]] = fate
            self.lines = [line for i, line in enumerate(self.lines) if i not in dropped]
            self._numbers = [number for i, number in enumerate(self._numbers) if i not in dropped]
