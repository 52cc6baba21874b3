import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.ingest.charset import clean, codec, decode, one_line


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("iso-8859-1", "cp1252"),
        ("US-ASCII", "cp1252"),
        ("ks_c_5601-1987", "cp949"),
        ("gb2312", "gb18030"),
        ("Shift_JIS", "cp932"),
        ("cp-850", "cp850"),
        ("windows-1251", "cp1251"),
        ("utf8", "utf_8"),
        ("unknown-8bit", ""),
        ("default", ""),
        ("idna", None),
        ("undefined", None),
        ("punycode", None),
        ("\0", None),
        ("base64", None),
    ],
)
def test_E73_a_label_means_what_senders_mean_by_it(label: str, expected: str | None) -> None:
    assert codec(label) == expected


def test_E73_windows_text_labelled_latin_1_keeps_its_quotation_marks() -> None:
    assert decode("“B12”".encode("cp1252"), "iso-8859-1") == ("“B12”", "")


def test_E73_declared_utf_8_that_is_none_is_windows_1252() -> None:
    assert decode("Größe".encode("cp1252"), "utf-8") == ("Größe", "charset-mismatch")


def test_E73_undeclared_text_is_utf_8_where_it_can_be() -> None:
    assert decode("Größe".encode()) == ("Größe", "undeclared-charset")


def test_S25_an_unknown_charset_is_a_defect_and_the_text_stays() -> None:
    assert decode(b"hello", "idna") == ("hello", "unknown-charset")


@given(
    st.binary(max_size=300), st.sampled_from(["", "utf-7", "utf-16", "iso-2022-jp", "hz", "idna", "gb2312", "cp949"])
)
def test_S25_any_bytes_under_any_label_become_text_that_can_be_stored(data: bytes, label: str) -> None:
    clean(decode(data, label)[0]).encode("utf-8")


@given(st.text(max_size=200))
def test_E76_a_cleaned_body_has_no_control_characters_but_line_ends_and_tabs(text: str) -> None:
    assert not any(ord(letter) < 32 and letter not in "\n\t" for letter in clean(text))


def test_E76_one_line_has_nothing_invisible_in_it() -> None:
    assert one_line("a\r\n\tb\u202ec\u200bd\0e", 100) == "a bcd e"
