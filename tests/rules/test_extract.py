"""What a mail states: numbers, dates, rows and words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.rules.extract import Found, extract
from tests.rules.desk import MONDAY, make_config


def found(text: str, subject: str = "", old: bool = False, struck: tuple[str, ...] = ()) -> Found:
    return extract(subject, text, old, make_config(), MONDAY, struck)


@pytest.mark.parametrize("text", ["X372915", "crn is x 372 915.", "(X372915)", "CRN:X372915", "é X372915 é"])
def test_a_key_is_read_however_it_is_written(text: str) -> None:
    assert found(text).keys == ("X372915",)


@pytest.mark.parametrize("text", ["AX372915", "X3729155", "Staff no. X372915", "staff number: X372915"])
def test_what_only_holds_a_key_is_none(text: str) -> None:
    assert found(text).keys == ()


def test_keys_stand_in_order_the_subject_first() -> None:
    assert found("X471112, X118365 X471112", "HETE - D290754").keys == ("D290754", "X471112", "X118365")


def test_a_struck_number_is_withdrawn_everywhere() -> None:
    assert found("X372915 or rather X372916", "X372915", struck=("x 372 915",)).keys == ("X372916",)


def test_the_subject_of_an_earlier_mail_counts_only_where_the_text_has_none() -> None:
    assert found("about X372915 please", "RE: X118365 event 3", old=True).keys == ("X372915",)
    assert found("no number here", "RE: X118365", old=True).keys == ("X118365",)
    assert found("about X372915 please", "RE: X118365 event 3", old=True).fields["event-number"] == ("3",)


@pytest.mark.parametrize(
    "text", ["event 2", "ev 2", "E2", "event number: 2", "Event no. 2", "event #2", "Event number\t2"]
)
def test_a_number_behind_its_word(text: str) -> None:
    assert found(text).fields["event-number"] == ("2",)


def test_other_numbers_are_not_behind_the_word() -> None:
    assert "event-number" not in found("2 events, E117520, event 100").fields


def test_a_number_with_a_wrong_check_letter_is_none() -> None:
    assert found("PNC: 94/20318P").fields["pnc-number"] == ("1994/0020318P",)
    assert "pnc-number" not in found("PNC: 94/20318Q").fields


@pytest.mark.parametrize(
    ("text", "as_written", "suggestion"),
    [
        ("Pettifer X37291.", "X37291", None),
        ("Pettifer X3729155.", "X3729155", None),
        ("Pettifer x37O915.", "x37O915", "X370915"),
        ("prison number A1234BC", None, None),
        ("ring 07700 900114", None, None),
        ("Staff no P20451", None, None),
        ("CRN x 372 91556", "x 372 91556", None),
        ("CRN number is: X37 2915.", "X37 2915", "X372915"),
        ("crn 37 29155", "37 29155", None),
        ("CRN X-372915", "X-372915", "X372915"),
        ("CRN - X372-915", "X372-915", "X372915"),
        ("his CRN is 3X72915", "3X72915", None),
        ("the CRN is unknown, see A1234BC and room 372", None, None),
        ("CRN: A1234BC", None, None),
        ("a CRN or 2 of 372915", None, None),
        ("X372915, not X37291", None, None),
    ],
)
def test_a_slip_is_shown_and_only_a_look_alike_suggests(
    text: str, as_written: str | None, suggestion: str | None
) -> None:
    result = found(text)
    assert (result.as_written, result.suggestion) == (as_written, suggestion)


KEYS = st.from_regex(r"[A-Z][0-9]{6}", fullmatch=True)
WAYS = ("CRN {0}", "crn: {0}.", "({0})", "CRN-{0}", "{0}, event 2", "Smith {0}; Jones", "re {1} please", "CRN {2}")


@given(KEYS, st.sampled_from(WAYS))
def test_a_key_is_found_however_it_stands(key: str, way: str) -> None:
    assert found(way.format(key, key.lower(), f"{key[0]} {key[1:4]} {key[4:]}")).keys == (key,)


@given(KEYS, st.integers(1, 6), st.sampled_from("0123456789"), st.booleans(), st.sampled_from(["", "CRN ", "CRN no. "]))
def test_a_key_with_a_digit_too_many_or_too_few_is_never_used(
    key: str, place: int, digit: str, more: bool, before: str
) -> None:
    wrong = f"{key[:place]}{digit}{key[place:]}" if more else f"{key[:place]}{key[place + 1 :]}"
    result = found(f"{before}{wrong}")
    assert (result.keys, result.as_written, result.suggestion) == ((), wrong, None)


@given(KEYS, st.sampled_from(["Staff no. {}", "my staff number is {}", "(staff no: {})", "STAFF NO - {}"]))
def test_a_number_of_somebody_else_is_no_key_and_no_slip_of_one(key: str, way: str) -> None:
    assert found(way.format(key)) == found("")


@pytest.mark.parametrize(
    "text", ["failures on 3 and 5 December", "failures 30th Nov and 2nd Dec", "failures: 3-5 December"]
)
def test_both_days_of_one_place_are_for_its_lead(text: str) -> None:
    config = make_config(information={"failures": {"ask": "both", "date": True, "lead": ["failures"], "count": 2}})
    result = extract("", text, False, config, MONDAY)
    assert (len(result.fields["failures"]), result.dates) == (2, ())


def test_a_lead_claims_the_date_behind_it() -> None:
    result = found("Next hearing: Monday 21 December 2026, 10am. Please answer by Thursday.")
    assert result.fields["hearing-date"] == ("2026-12-21T10:00",)
    assert result.fields["deadline"] == ("2026-12-10",)
    assert result.dates == ()


def test_the_nearest_lead_claims_and_only_the_next_date() -> None:
    result = found("By the way the hearing is on 21 December and she was absent on 3 December")
    assert result.fields["hearing-date"] == ("2026-12-21",)
    assert "deadline" not in result.fields
    assert [date.value for date in result.dates] == ["2026-12-03"]


def test_dates_in_one_list_share_their_lead() -> None:
    assert found("listed on 21 December and 4 January").fields["hearing-date"] == ("2026-12-21", "2027-01-04")


def test_a_birth_is_known_by_its_age() -> None:
    result = found("Liam Ostrander, 02/09/1997, order made 3/12/2026")
    assert result.fields["date-of-birth"] == ("1997-09-02",)
    assert [date.value for date in result.dates] == ["2026-12-03"]


@pytest.mark.parametrize("row", ["D.O.B: 14/05/2020", "Date of birth\t14/05/2020", "- DATE-OF-BIRTH : 14/05/2020"])
def test_a_row_claims_the_date_in_it(row: str) -> None:
    config = make_config(information={"date-of-birth": {"ask": "it", "date": True, "lead": ["D.O.B"]}})
    assert extract("", row, False, config, MONDAY).fields["date-of-birth"] == ("2020-05-14",)


def test_rows_state_what_has_no_form_of_its_own() -> None:
    result = found(
        "Practitioner: Dara Whitlock\nReason\twork clash\nCourt / hearing: Crown Court, 21/12/2026\nCourt: ?"
    )
    assert result.fields["practitioner"] == ("Dara Whitlock",)
    assert result.fields["reason"] == ("work clash",)
    assert result.fields["hearing-date"] == ("2026-12-21",)


def test_a_date_in_a_header_line_is_none() -> None:
    forwarded = "From: Dara\nSent: 20 November 2026 10:00\nTo: Admin\nSubject: Missed\n\nMissed on 3 December"
    assert [date.value for date in found(forwarded).dates] == ["2026-12-03"]


def test_tomorrow_is_a_day_of_the_wall_clock() -> None:
    late = datetime(2027, 6, 1, 23, 30, tzinfo=UTC)  # already the 2nd in London
    assert [date.value for date in extract("", "tomorrow", False, make_config(), late).dates] == ["2027-06-03"]


def test_words_and_patterns_say_what_they_found() -> None:
    result = found("Northmere Magistrates; NO reason was given")
    assert result.fields["court"] == ("Magistrates",)
    assert "reason" in result.fields


def test_a_table_of_many_numbers_is_read_quickly() -> None:
    assert found("\n".join(f"{number}Q" for number in range(20_000))).keys == ()


@given(st.text(), st.text(), st.booleans())
def test_no_text_breaks_it(subject: str, text: str, old: bool) -> None:
    assert isinstance(found(text, subject, old), Found)


@given(st.sampled_from("ABXZ"), st.integers(0, 999_999), st.text("ab é,.;\n", max_size=20))
def test_a_key_is_found_in_any_surroundings(letter: str, number: int, around: str) -> None:
    key = f"{letter}{number:06}"
    assert found(f"{around} {key} {around}").keys == (key,)
