"""A consolidated return: the table in the mail, the workbook, and the files of all units in one folder.

Nothing that a unit wrote is taken for a formula (S63), and no file of theirs is named so that it leads anywhere (S55).
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mailgate.notify.dates import in_table
from mailgate.notify.spreadsheet import Cell, Sheet

NOTHING = "-"  # no cell of a mail is empty: what reads it aloud would leave it out
LONGEST_IN_MAIL = 300  # characters of what a unit wrote; the workbook has all of it
LONGEST_IN_CELL = 32_000  # a spreadsheet has room for 767 more, and leaves out what is longer
MOST_COLUMNS = 200
MOST_IN_MAIL = 20 * 1024**2  # bytes of files: relays refuse more, which base64 makes a third larger
_NEVER_CHANGES = (1980, 1, 1, 0, 0, 0)  # so that the same files make the same folder


class Piece(NamedTuple):
    """A file of a return; *name* is that in the folder."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Return:
    """What one unit sent, and how far it is: *rows* are "Name: value" and *tables* the rows of larger tables."""

    unit: str
    state: str
    at: datetime | None = None
    sender: str = ""
    words: str = ""
    rows: Sequence[tuple[str, str]] = ()
    tables: Sequence[Sequence[str]] = ()
    files: Sequence[Piece] = ()
    held: int = 0


def lines(returns: Sequence[Return], zone: ZoneInfo) -> list[Mapping[str, str]]:
    """The rows of the table in the mail."""
    return [{name: said or NOTHING for name, said in _line(each, zone).items()} for each in returns]


def _line(each: Return, zone: ZoneInfo) -> Mapping[str, str]:
    held = (f"{each.held} held back",) if each.held else ()
    return {
        "unit": each.unit,
        "state": each.state,
        "when": in_table(each.at, zone) if each.at else "",
        "words": _shortened(" ".join(each.words.split())),
        "files": "; ".join((*(file.name for file in each.files), *held)),
    }


def workbook(returns: Sequence[Return], history: Sequence[Return], zone: ZoneInfo) -> list[Sheet]:
    """The whole return: one row for each unit, what larger tables say, and every return that came, changed ones too."""
    names = list(dict.fromkeys(name for each in returns for name, _ in each.rows))[:MOST_COLUMNS]
    columns = ("Unit", "State", "Received", "From", *names, "Answer", "Files")
    sheets = [Sheet("Returns", columns, [_row(each, names, zone) for each in returns])]
    tables = [(each.unit, *row) for each in returns for row in each.tables]
    if tables:
        width = max(map(len, tables))
        filled = [(*row, *("",) * (width - len(row))) for row in tables]
        sheets.append(Sheet("Tables", ("Unit", *(f"Column {number}" for number in range(1, width))), filled))
    told = ("Unit", "State", "Received", "From", "Answer", "Files")
    return [*sheets, Sheet("History", told, [_row(each, (), zone) for each in history])]


def folder(returns: Sequence[Return]) -> bytes | None:
    """The files of all units in one archive; None where there are none, or more than a mail can carry."""
    pieces = [file for each in returns for file in each.files]
    if not pieces or sum(len(file.content) for file in pieces) > MOST_IN_MAIL:
        return None
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in pieces:
            archive.writestr(zipfile.ZipInfo(file.name, _NEVER_CHANGES), file.content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def named(unit: str, names: Sequence[str]) -> list[str]:
    """What files that were called *names* are called in the folder: their unit first, none twice."""
    given: list[str] = []
    for name in names:
        own, number = f"{unit} - {name or 'file'}", 1
        while own.casefold() in {each.casefold() for each in given}:
            number += 1
            own = f"{unit} - {number} {name or 'file'}"
        given.append(own)
    return given


def _row(each: Return, names: Sequence[str], zone: ZoneInfo) -> Sequence[Cell]:
    said: dict[str, str] = {}
    for name, value in each.rows:
        said[name] = f"{said[name]}; {value}" if name in said else value
    at = in_table(each.at, zone) if each.at else None
    files = "; ".join(file.name for file in each.files) or None
    return (
        each.unit,
        each.state,
        at,
        each.sender or None,
        *(said.get(name) for name in names),
        each.words[:LONGEST_IN_CELL] or None,
        files,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_IN_MAIL else text[: LONGEST_IN_MAIL - 1].rstrip() + "…"
