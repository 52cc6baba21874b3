"""What in a person's words counts for nothing: signature, mobile footer, banner, disclaimer, marking (E85, E108)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_SIGNATURE = 14

_TELEPHONE = re.compile(r"(?:\+?\(?\d[\d ()./-]{7,20}\d)")
_TELEPHONE_LABEL = re.compile(r"(?i)^(?:t|tel|m|mob|mobile|telephone|phone|direct|office|ext|fax)\b ?[.:]")
_POSTS = re.compile(
    r"(?i)\b(?:officer|manager|administrator|assistant|director|head of|team lead(?:er)?|adviser|advisor|analyst|clerk"
    r"|co-?ordinator|engineer|consultant|secretary|practitioner|supervisor|chief|president)\b"
)
_FOOTERS = (
    *(
        "sent from my ",
        "sent from mail for ",
        "sent from outlook",
        "sent from yahoo",
        "sent from samsung",
        "get outlook for ",
    ),
    *("sent via ", "von meinem ", "gesendet von ", "envoyé de ", "enviado desde ", "inviato da ", "verzonden vanaf "),
    *("skickat från ", "sendt fra ", "anfonwyd o ", "hol dir outlook ", "téléchargez outlook ", "obtener outlook "),
)


class Cut(NamedTuple):
    lines: list[str]
    signature: list[str]


def without_footers(lines: Sequence[str]) -> list[str]:
    """*lines* without "Sent from my phone"; people also write below it, so nothing else goes (E103)."""
    return [line for line in lines if not _is_footer(line)]


def _is_footer(line: str) -> bool:
    """A footer is short and one phrase: "Sent from my desk, which is easier" is somebody's words."""
    if len(line) > 160:
        return False
    text = line.strip(" *_<\t")
    if not text.casefold().startswith(_FOOTERS):
        return False
    words = text.partition("<")[0].rstrip(" .")
    return "," not in words and ". " not in words and len(words.split()) <= 9


def cut_signature(lines: Sequence[str], sender_name: str) -> Cut:
    """*lines* before the signature, and the signature."""
    at = _signature_at(lines, _own_names(sender_name))
    return Cut(list(lines), []) if at is None else Cut(list(lines[:at]), list(lines[at:]))


def _signature_at(lines: Sequence[str], names: frozenset[str]) -> int | None:
    dashes = next((i for i, line in enumerate(lines) if line.rstrip("\n") in ("-- ", "--", "—")), None)
    if dashes is not None:
        return dashes
    for i in range(_last_filled(lines, MAX_SIGNATURE), len(lines)):
        if i and not lines[i - 1].strip() and _opens_with_name(lines[i], names) and _describes(lines[i:]):
            return i
    return None


def _last_filled(lines: Sequence[str], count: int) -> int:
    """Where the last *count* lines with something on them begin: no signature is longer."""
    for i in range(len(lines) - 1, -1, -1):
        if lines[i].strip():
            count -= 1
            if not count:
                return i
    return 0


def _own_names(name: str) -> frozenset[str]:
    """The words of a display name: "Whitlock, Dara" and "Dara Whitlock (IT)" both have dara and whitlock."""
    plain = name.partition("(")[0].partition("[")[0].replace(",", " ").casefold()
    return frozenset(word for word in plain.split() if len(word) > 1)


def _opens_with_name(line: str, names: frozenset[str]) -> bool:
    words = line.strip(" *_\t").casefold().replace("|", " ").replace(",", " ").split(maxsplit=2)
    return len(line) <= 120 and bool(words) and words[0] in names


def _describes(lines: Sequence[str]) -> bool:
    """Whether a name is followed by what stands in signatures: a bar, a post, a telephone."""
    head = [line for line in lines if line.strip()][:6]
    return any(
        "|" in line or _TELEPHONE_LABEL.match(line.strip()) or (i and (_POSTS.search(line) or _TELEPHONE.search(line)))
        for i, line in enumerate(head)
    )


def without_paragraphs(lines: Sequence[str], openings: Sequence[str], one_line_each: bool) -> list[str]:
    """*lines* without the paragraphs that begin as one of *openings* says (the keys of ``text``)."""
    if not openings:
        return list(lines)
    begins = tuple(" ".join(opening.casefold().split()) for opening in openings)
    kept: list[str] = []
    dropping = False
    for line in lines:
        if dropping and line.strip() and not one_line_each:
            continue
        text = line.strip(" \t*_|>")
        dropping = bool(text) and " ".join(text[:300].casefold().split()).startswith(begins)
        if not dropping:
            kept.append(line)
    return kept


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

    def taken_from(self, lines: Sequence[str]) -> tuple[list[str], list[str]]:
        """The markings on the first and last lines, as written, and the lines without them (E85)."""
        if not self._rank:
            return [], list(lines)
        filled = [i for i, line in enumerate(lines) if line.strip()]
        found = {}
        for i in {*filled[:2], *filled[-2:]}:
            match = self._line.match(lines[i]) if len(lines[i]) < 150 else None
            if match:
                found[i] = match[1] + match[2]
        return list(found.values()), [line for i, line in enumerate(lines) if i not in found]

    def highest(self, found: Sequence[str]) -> str:
        """The highest of some markings as written; of equals the one that says most."""
        return " ".join(max(found, key=lambda marking: (self._rank_of(marking), len(marking)), default="").split())

    def _rank_of(self, marking: str) -> int:
        return max((rank for name, rank in self._rank.items() if marking.startswith(name)), default=-1)
