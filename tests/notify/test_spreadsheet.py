"""Tables as CSV and .xlsx: what somebody wrote is never calculated (S63)."""

import csv
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.notify.spreadsheet import Sheet, as_csv, as_xlsx, safe

HOSTILE = ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", 'x"=1', "x;=1", "x,=1", "  =1", "x\n=1"]


@pytest.mark.parametrize("cell", HOSTILE)
def test_S63_what_a_spreadsheet_would_calculate_begins_with_an_apostrophe(cell: str):
    assert safe(cell) == "'" + cell
    (row,) = csv.reader(io.StringIO(as_csv(Sheet("s", (cell,), []))))
    assert row == ["'" + cell]


@pytest.mark.parametrize("cell", ["court", "Smith-Jones", "a=b", "", 12, -3.5, None])
def test_everything_else_stays_as_it_is(cell):
    assert safe(cell) == cell


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=4))
def test_S63_no_cell_of_csv_begins_as_a_formula(cells):
    (row,) = csv.reader(io.StringIO(as_csv(Sheet("s", cells, [])), newline=""))
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)


@pytest.mark.parametrize("cell", HOSTILE)
def test_S63_a_workbook_has_no_formula_and_no_link(cell: str):
    with zipfile.ZipFile(io.BytesIO(as_xlsx([Sheet("s", (cell,), [(cell,), ("https://example.org",)])]))) as book:
        page, words = book.read("xl/worksheets/sheet1.xml"), book.read("xl/sharedStrings.xml").decode()
    assert b"<f>" not in page
    assert b"hyperlink" not in page
    assert words.count("'") >= 1


def test_numbers_are_numbers():
    sheet = Sheet("s", ("name", "new", "share"), [("court", 3, 66.7), ("custody", 0, None)])
    assert as_csv(sheet) == "name,new,share\r\ncourt,3,66.7\r\ncustody,0,\r\n"
    with zipfile.ZipFile(io.BytesIO(as_xlsx([sheet]))) as book:
        assert b'<c r="B2"><v>3</v></c><c r="C2"><v>66.7</v></c>' in book.read("xl/worksheets/sheet1.xml")
