"""The line that says who wrote what is quoted below it, in any language: layer 4 (E105)."""

import re
from collections.abc import Sequence

from mailgate.ingest.phrases import OPENINGS, QUOTING, WROTE, WROTE_INSIDE

MAX_LENGTH = 300
MAX_LINES = 4
MAX_DATE = 32

_MARKS = " \t>|*\xa0\u200b\u200e\u200f\u202a\u202b\u202c\ufeff"
_ADDRESS = re.compile(r"<?[^\s<>()\[\]\"']{1,100}@[^\s<>()\[\]\"']{1,200}>?")
_CLOCK = re.compile(r"\d{1,2} ?[:.hH點点时時시] ?\d{2}")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_WHOLE_DATE = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|(?<!\d)\d{1,2}\D{1,20}(?:19|20)\d\d|[^\W\d]{3,} \d{1,2}, ?\d{4}"
)
_DATE_FIRST = re.compile(r"(?:[^\W\d]{2,13}[.,]{0,2} )?(?:[^\W\d]{3,13}\.? )?\d")
_YEAR_OR_CLOCK = re.compile(f"{_YEAR.pattern}|{_CLOCK.pattern}")
_REST_OF_ADDRESS = re.compile(r"[^\s<>()\[\]]*(?:<mailto:[^\s<>]*>)?[>)\]]*")
_DIGIT = re.compile(r"\d")
_DATE_OR_ADDRESS = re.compile(f"@|{_YEAR.pattern}|{_CLOCK.pattern}")
_INITIALS = re.compile(r"[A-Z]{1,3}>(?:[> ]|$)")
_ENDS_IN_ADDRESS = re.compile(r"@[^\s<>]{1,200}[>)\]]+[^\w<>]{0,3}$")
_GMAIL_ALONE = re.compile(r"\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d\d:\d\d \S")


def is_quoted(line: str) -> bool:
    """Whether *line* is quoted: ">" before it, or the initials of its writer and ">"."""
    if ">" not in line:
        return False
    line = line.lstrip(" ")
    return line.startswith(">") or (">" in line[1:4] and _INITIALS.match(line) is not None)


def bare(line: str) -> str:
    """*line* without the marks of quoting and of bold type, and the invisible ones, around it."""
    return line.strip(_MARKS)


def ending_at(lines: Sequence[str], i: int, text: str) -> int | None:
    """Where the attribution begins whose last line is line *i*, which is bare *text*; or None.

    It may be broken over four lines. One that opens as a mail program's does is preferred, so that the
    words above it stay a person's.
    """
    if text[-1] not in ":：":
        return i if _stands_alone(lines, i, text) else None
    quoted = is_quoted(lines[i])
    over_quote = _stands_over_quote(lines, i + 1)
    joined, found = "", None
    for start in range(i, max(i - MAX_LINES, -1), -1):
        line = bare(lines[start])
        if not line or is_quoted(lines[start]) != quoted or len(line) + len(joined) > MAX_LENGTH:
            break
        if start < i and line[-1] in ":：":  # a line of its own
            break
        joined = f"{line} {joined}" if joined else line
        if not over_quote and not _DATE_OR_ADDRESS.search(joined):
            continue
        said = _Said(" ".join(joined.casefold().split()))
        if said.introduces_quote() if over_quote else said.introduces_words(_is_paragraph(lines, start, i)):
            if said.opens:
                return start
            found = start if found is None else found
    return found


def _stands_over_quote(lines: Sequence[str], start: int) -> bool:
    following = next((line for line in lines[start : start + 4] if line.strip()), "")
    return is_quoted(following)


def _is_paragraph(lines: Sequence[str], start: int, end: int) -> bool:
    above = start == 0 or not bare(lines[start - 1])
    return above and (end + 1 == len(lines) or not bare(lines[end + 1]))


def _stands_alone(lines: Sequence[str], i: int, text: str) -> bool:
    """The forms that end in no colon: "wrote" between dashes, and Gmail's date with nothing but a name behind it."""
    if text.endswith("---"):
        return text.startswith("---") and text.strip("-: ").casefold().endswith(WROTE)
    return _GMAIL_ALONE.match(text) is not None and len(text) <= 100 and _is_paragraph(lines, i, i)


class _Said:
    """What a line that ends in a colon says: a date, an address, that somebody wrote."""

    def __init__(self, text: str) -> None:
        core = text.rstrip(":： \t\u202c\u200f")
        self.core, self.plain = core, _ADDRESS.sub("", core)
        self.address = len(self.plain) < len(core)
        self.digit = _DIGIT.search(self.plain) is not None
        self.timed = self.digit and _CLOCK.search(self.plain) is not None
        self.dated = self.timed or (self.digit and _YEAR.search(self.plain) is not None)
        self.says_wrote = (
            core.endswith(WROTE)
            or (self.address and core.startswith(QUOTING))
            or (self.dated and any(verb in core for verb in WROTE_INSIDE))
        )
        self.opens = self.dated and self._opens(text)

    def _opens(self, text: str) -> bool:
        """Whether it begins as a mail program's line does: with a word for "on" or a date, and the date at once."""
        if text.startswith(OPENINGS):
            return _YEAR_OR_CLOCK.search(self.plain[:64]) is not None
        before_address = text.partition("@")[0][:MAX_DATE]
        return _DATE_FIRST.match(text) is not None and _YEAR_OR_CLOCK.search(before_address) is not None

    def introduces_quote(self) -> bool:
        """Whether a mail program wrote it above a quotation."""
        if self.says_wrote:
            return self.digit or self.address or len(self.core.split(maxsplit=5)) <= 5
        return self.dated and self.address and (self.opens or self._ends_in_address())

    def introduces_words(self, stands_apart: bool) -> bool:
        """The same where nothing quotes what follows: it must say more, for people write such lines too."""
        if self.opens and self.says_wrote:
            return self.timed or self.address or (stands_apart and _WHOLE_DATE.search(self.plain) is not None)
        if not self.address:
            return False
        return self._ends_in_address() if self.opens else self._names_writer_first()

    def _ends_in_address(self) -> bool:
        return _ENDS_IN_ADDRESS.search(self.core) is not None

    def _names_writer_first(self) -> bool:
        """ "Ann Other <ann@mail.example> wrote", and the same with a date behind it."""
        name, _, rest = self.core.partition("@")
        after = rest[len(_REST_OF_ADDRESS.match(rest)[0]) :].strip(" ,")  # type: ignore[index]  # it matches anything
        is_name = len(name.split(maxsplit=8)) <= 7
        return is_name and (after in WROTE or (self.dated and (after.startswith(WROTE) or after.endswith(WROTE))))
