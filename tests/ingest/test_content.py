import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.ingest.attached import content_type
from mailgate.ingest.content import unflow
from mailgate.ingest.leaf import clean_name


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("../../x", "x"),
        ("/etc/passwd", "passwd"),
        ("C:\\x.doc", "x.doc"),
        ("..%2f..%2fx", "x"),
        ("con", "_con"),
        ("nul.txt", "_nul.txt"),
        (".ht\u200baccess", "htaccess"),
        ("a.pdf\0.exe", "a.pdf .exe"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("$(id)", "$(id)"),
        ("-rf", "rf"),
        ("Brief; Vg. 069.pdf", "Brief; Vg. 069.pdf"),
    ],
)
def test_S55_names_of_files_are_data_without_a_path(written: str, kept: str) -> None:
    assert clean_name(written) == kept


@given(st.text(max_size=400))
def test_E76_a_name_is_at_most_150_bytes_and_has_no_path(name: str) -> None:
    kept = clean_name(name)
    assert len(kept.encode()) <= 151
    assert "/" not in kept
    assert "\\" not in kept


def test_E87_the_first_bytes_say_what_a_file_is() -> None:
    assert content_type("text/plain", b"MZ\x90") == "application/x-msdownload"
    assert content_type("application/octet-stream", b"%PDF-1.7") == "application/pdf"
    docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert content_type(docx, b"PK\x03\x04") == docx


@pytest.mark.parametrize(
    ("flowed", "delete_space", "text"),
    [
        ("one \ntwo\nthree", False, "one two\nthree"),
        ("one \ntwo", True, "onetwo"),
        ("> a \n> b\nc", False, "> a b\nc"),
        ("end \n-- \nAnn", False, "end \n-- \nAnn"),
        (" From here", False, "From here"),
    ],
)
def test_E83_flowed_paragraphs_become_lines(flowed: str, delete_space: bool, text: str) -> None:
    assert unflow(flowed, delete_space) == text
