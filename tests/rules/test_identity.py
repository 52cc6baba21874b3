"""Check letters: the valid numbers of docs/domain.md section 5, and that no other letter does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.rules.identity import cro, pnc


@pytest.mark.parametrize(
    ("written", "kept"),
    [("2012/0052494Q", "2012/0052494Q"), ("2003/0011985X", "2003/0011985X"), ("94/20318P", "1994/0020318P")],
)
def test_a_pnc_number_is_filled_up(written: str, kept: str) -> None:
    assert pnc(written) == kept


def test_a_cro_number_is_filled_up_and_the_old_form_is_not() -> None:
    assert cro("265416/21G") == "265416/21G"
    assert cro("SF05/482703J") == "SF05/482703J"
    assert cro("SF05/482703K") is None


@given(st.integers(0, 99), st.integers(1, 9_999_999))
def test_one_letter_in_twenty_three_is_right(year: int, serial: int) -> None:
    letters = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if pnc(f"{year:02}/{serial}{letter}")]
    assert len(letters) == 1
    assert letters[0] not in "IOS"


@given(st.integers(0, 99), st.integers(1, 999_999))
def test_padding_changes_no_letter(year: int, serial: int) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert [cro(f"{serial}/{year:02}{letter}") for letter in letters] == [
        cro(f"{serial:06}/{year:02}{letter}") for letter in letters
    ]
