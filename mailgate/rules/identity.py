"""Check letters of identity numbers, by the name of the scheme in the configuration.

The letter is the remainder, by 23, of the two-digit year followed by the serial (docs/domain.md
section 5). A scheme returns the number as it is kept, or None where the letter is wrong.
"""

import re
from collections.abc import Callable, Mapping

_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_PNC = re.compile(r"(\d\d)?(\d\d)/(\d{1,7})([A-Z])")
_CRO = re.compile(r"(\d{1,6})/(\d\d)([A-Z])")
_OLD_CRO = re.compile(r"SF(\d\d)/(\d{1,6})([A-Z])")
_FIRST_YEAR = 50  # two digits from here on are a year of the last century


def pnc(text: str) -> str | None:
    """ "94/20318P" as "1994/0020318P": the century and a serial of seven digits are filled in."""
    found = _PNC.fullmatch(text)
    if found is None:
        return None
    century = found[1] or ("19" if int(found[2]) >= _FIRST_YEAR else "20")
    serial = found[3].zfill(7)
    return f"{century}{found[2]}/{serial}{found[4]}" if _fits(found[2] + serial, found[4]) else None


def cro(text: str) -> str | None:
    """ "5416/21G" with a serial of six digits; the older form "SF05/482703J" is never filled up."""
    if found := _OLD_CRO.fullmatch(text):
        return text if _fits(found[1] + found[2], found[3]) else None
    found = _CRO.fullmatch(text)
    if found is None:
        return None
    serial = found[1].zfill(6)
    return f"{serial}/{found[2]}{found[3]}" if _fits(found[2] + serial, found[3]) else None


def _fits(digits: str, letter: str) -> bool:
    return _LETTERS[int(digits) % len(_LETTERS)] == letter


SCHEMES: Mapping[str, Callable[[str], str | None]] = {"pnc": pnc, "cro": cro}
