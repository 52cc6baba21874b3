"""What the words of a return say: its lines and tables, that there is nothing to report, that more time is wanted."""

import re
from datetime import date

from mailgate.model.config import Config
from mailgate.rules.dates import find_dates, plain
from mailgate.tickets.phrases import Word, phrase, places, words_of

_UNSAYS = frozenset({"not", "no", "never", "without"})
_HOLDS_BACK = frozenset({"but", "except", "apart", "however", "although"})
_MOST_WORDS = 5  # that name a value: more are a sentence
_OF_A_SIGNATURE = frozenset({"tel", "telephone", "phone", "mobile", "mob", "fax", "email", "e-mail", "web", "website"})
_ROW = re.compile(r"[ \t>*•-]*([^\W\d_][^:\t\n]{0,39}?)[ ]*(?::|\t)[ \t]*(\S[^\t\n]*)")
_CORRECTS = re.compile(r"(?is)\A\s*(?:#return|correct(?:ion|ed)?(?: return)?(?: (?:for|of))?)\s+(?P<rest>\S.*)\Z")


def says_nil(text: str, config: Config, today: date) -> bool:
    """Whether it reports nothing, in plain words and nothing else: no line, no number but of a date, no "but"."""
    asked = config.service.commissions
    if asked is None or rows_of(text) or _counts(text, today):
        return False
    words = words_of(text)
    if any(word.text in _HOLDS_BACK for word in words):
        return False
    return any(_is_meant(place.first, words) for each in asked.nil_return for place in places(phrase(each), words))


def _is_meant(first: int, words: tuple[Word, ...]) -> bool:
    return not any(word.text in _UNSAYS or word.text.endswith("n't") for word in words[max(0, first - 3) : first])


def _counts(text: str, today: date) -> bool:
    """Whether it has a number that is not of a date."""
    said = plain(text)
    for found in reversed(find_dates(said, today)):
        said = said[: found.start] + said[found.end :]
    return re.search(r"[1-9]", said) is not None


def wants_time(text: str, config: Config) -> bool:
    """Whether it asks for another day."""
    asked, words = config.service.commissions, words_of(text)
    return any(next(places(phrase(each), words), None) for each in asked.more_time) if asked else False


def only_asks(text: str) -> bool:
    """Whether it is a question: nothing in it could be what was asked for."""
    return text.rstrip().endswith("?") and not any(char.isdigit() for char in text)


def rows_of(text: str) -> tuple[tuple[str, str], ...]:
    """The lines "Name: value" of a return, the rows of a table of two columns too."""
    found = (_ROW.fullmatch(line) for line in text.splitlines())
    rows = ((row[1].strip(), row[2].strip()) for row in found if row)
    return tuple(row for row in rows if len(row[0].split()) <= _MOST_WORDS and row[0].casefold() not in _OF_A_SIGNATURE)


def tables_of(text: str) -> tuple[tuple[str, ...], ...]:
    """The rows of tables of more than two columns."""
    cells = (tuple(cell.strip() for cell in line.split("\t")) for line in text.splitlines() if line.count("\t") > 1)
    return tuple(row for row in cells if any(row))


def corrects(text: str, unit: str) -> bool:
    """Whether it is a correction of the return of *unit*: "Correct North: Sessions: 12"."""
    found = _CORRECTS.match(text)
    return found is not None and re.match(re.escape(unit) + r"\b", found["rest"], re.IGNORECASE) is not None


def words_of_return(text: str, unit: str) -> str:
    """What a return says: of a correction what follows the name of the unit."""
    found = _CORRECTS.match(text) if corrects(text, unit) else None
    return found["rest"][len(unit) :].lstrip(" :,;-–—\n").strip() if found else text.strip()
