"""Tables as CSV and as .xlsx, in which no cell is ever taken for a formula (S63)."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | float | None

_STARTS = re.compile(r"\s*[=+@-]|\t")
_WIDEST, _NARROWEST = 60, 8  # characters


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table; numbers stay numbers, None is an empty cell. *name* has at most 31 characters, letters and spaces."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def safe(cell: Cell) -> Cell:
    """*cell* with an apostrophe before it where a spreadsheet might calculate any part of it (S63)."""
    if not isinstance(cell, str):
        return cell
    return "'" + cell if any(_STARTS.match(piece) for piece in re.split(r'[\r\n;,"]', cell)) else cell


def as_csv(sheet: Sheet) -> str:
    """*sheet* as CSV with CRLF (RFC 4180)."""
    written = StringIO()
    csv.writer(written).writerows([safe(cell) for cell in row] for row in (sheet.columns, *sheet.rows))
    return written.getvalue()


def as_xlsx(sheets: Sequence[Sheet]) -> bytes:
    """*sheets* as one workbook, each with its column names in bold and in sight."""
    import xlsxwriter  # 2 MiB, and most processes never make a workbook

    written = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(written, options) as book:
        bold = book.add_format({"bold": True})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            page.freeze_panes(1, 0)
            for column, name in enumerate(sheet.columns):
                page.write_string(0, column, str(safe(name)), bold)
                longest = max((len(str(row[column])) for row in sheet.rows), default=0)
                page.set_column(column, column, min(_WIDEST, max(_NARROWEST, len(name), longest) + 1))
            for number, row in enumerate(sheet.rows, start=1):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        page.write_string(number, column, str(safe(cell)))
                    elif cell is not None:
                        page.write_number(number, column, cell)
    return written.getvalue()
