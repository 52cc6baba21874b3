"""Where the signature of a person, or the footer of a mailing list, begins (E108)."""

import re
import unicodedata
from collections.abc import Sequence

from mailgate.ingest.phrases import CLOSINGS, LISTS

MAX_SIGNATURE = 14
MAX_DASHED = 24
MAX_BELOW_CLOSING = 12

_TELEPHONE = re.compile(r"(?:\+?\(?\d[\d ()./-]{7,20}\d)")
_TELEPHONE_LABEL = re.compile(r"(?i)^(?:t|tel|m|mob|mobile|telephone|phone|direct|office|ext|fax)\b ?[.:]")
_POSTS = re.compile(
    r"(?i)\b(?:officer|manager|administrator|assistant|director|head of|team lead(?:er)?|adviser|advisor|analyst|clerk"
    r"|co-?ordinator|engineer|consultant|secretary|practitioner|supervisor|chief|president)\b"
)
_RULES = "_—–-=~*"
_SLASHED_NAME = re.compile(r"//? ?[^\W\d_][\w'’-]{1,20}(?: [^\W\d_][\w'’-]{0,20})?")
_POSTSCRIPT = re.compile(r"(?i)p\.?\s?s\.?\b")


def signature_at(lines: Sequence[str], sender_name: str) -> int | None:
    """The first line of the signature, or None."""
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    begin = _last_filled(lines, MAX_SIGNATURE)
    found = [_dashes_at(lines), _slashed_name_at(lines, last)]
    names = _own_names(sender_name)
    for i in range(begin, last):
        line = lines[i]
        after_blank = i and not lines[i - 1].strip()
        if (
            (after_blank and names and _opens_with_name(line, names) and _describes(lines[i:]))
            or (0 < len(line) <= 40 and _is_closing(lines, i, last))
            or (after_blank and line[:1] in _RULES and _is_ruled_off(lines, i, last))
        ):
            found.append(i)
            break
    return min((at for at in found if at is not None), default=None)


def _dashes_at(lines: Sequence[str]) -> int | None:
    """The line "-- " (RFC 3676), or the one that lacks the space; two of those divide what a person wrote."""
    plain: list[int] = []
    for i, line in enumerate(lines):
        if line[:1] in ("-", "—"):
            if line == "-- ":
                return i
            if line.rstrip() in ("--", "—", "—-"):
                plain.append(i)
    return plain[0] if len(plain) == 1 and plain[0] >= _last_filled(lines, MAX_DASHED) else None


def _slashed_name_at(lines: Sequence[str], last: int) -> int | None:
    """A last paragraph of nothing but "/John", as Swedes and Danes sign; a formula above keeps its name."""
    at = last - 1
    if at < 2 or lines[at - 1].strip() or not _SLASHED_NAME.fullmatch(lines[at].strip()):
        return None
    above = next((line for line in reversed(lines[: at - 1]) if line.strip()), ",")
    return None if above.rstrip().endswith(",") else at


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


def _is_closing(lines: Sequence[str], i: int, last: int) -> bool:
    """A closing formula, with a name and a few more short lines below it, none of which states a fact."""
    if _folded(lines[i]) not in CLOSINGS:
        return False
    below = [line for line in lines[i + 1 : last] if line.strip()]
    return 0 < len(below) <= MAX_BELOW_CLOSING and all(_is_brief(line) and not _states_fact(line) for line in below)


def _states_fact(line: str) -> bool:
    """A row "Name: value", unless it is a telephone number or an address."""
    _, colon, value = line.partition(":")
    return bool(colon) and bool(value.strip()) and not (_TELEPHONE.search(value) or "@" in value or "//" in value)


def _folded(text: str) -> str:
    """*text* without accents, capitals and the comma at its end."""
    text = text.strip(" \t*_,.!-–").casefold()
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("ø", "o").replace("æ", "ae"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _is_brief(line: str) -> bool:
    return len(line) <= 80 and len(line.split()) <= 9 and not _POSTSCRIPT.match(line.strip())


def _is_ruled_off(lines: Sequence[str], i: int, last: int) -> bool:
    """A ruled line with the footer of a list or contact details below it; of underscores, with two lines of words."""
    rule = lines[i].strip()
    if len(rule) < 2 or rule.strip(_RULES):
        return False
    below = [line for line in lines[i + 1 : last] if line.strip()]
    if not below:
        return False
    said = "\n".join(below)
    if ("@" in said or "http" in said) and any(word in said.casefold() for word in LISTS):
        return True
    if not all(_is_brief(line) for line in below):
        return False
    is_short = (
        rule[0] in "_—–"
        and len(below) <= 2
        and bool(lines[i + 1].strip())
        and not any(letter.isdigit() for letter in said)
    )
    return is_short or _describes(below)
