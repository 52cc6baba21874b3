"""Header fields, written and read back."""

import email
from datetime import UTC, date, datetime
from email import policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.notify import headers
from mailgate.notify.dates import in_table, in_words

LONDON = ZoneInfo("Europe/London")


def read_back(field: str) -> email.message.EmailMessage:
    return email.message_from_bytes(f"{field}\r\nX-Last: 1\r\n\r\n".encode("ascii"), policy=policy.default)  # type: ignore[return-value]


@given(st.text(max_size=120))
def test_R14_any_text_comes_back_as_one_field(value: str) -> None:
    field = headers.unstructured("Subject", value)
    assert read_back(field).keys() == ["Subject", "X-Last"]
    assert read_back(field)["Subject"].split() == headers.clean(value).split()


@given(st.text(max_size=60))
def test_R14_any_display_name_comes_back_as_one_address(value: str) -> None:
    field = headers.mailbox("From", headers.display_name(value), "desk@council.example")
    assert read_back(field).keys() == ["From", "X-Last"]
    name, address = parseaddr(email.message_from_string(field)["From"])
    assert address == "desk@council.example"
    assert str(make_header(decode_header(name))).split() == headers.clean(value).split()


@given(st.text())
def test_E76_a_clean_value_is_one_line_and_stays_as_it_is(value: str) -> None:
    cleaned = headers.clean(value)
    assert len(cleaned.splitlines()) <= 1
    assert headers.clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize("value", ["<a@b>", "<" + "x" * 400 + "@b.example>", "<no-at-sign>", "<a=?utf-8?q?b?=@c>"])
def test_E125_an_id_in_printable_ascii_is_repeated_whatever_it_looks_like(value: str) -> None:
    assert headers.is_message_id(value)


@pytest.mark.parametrize("value", ["", "a@b", "<a b@c>", "<a@b", "<a@b>\r\nBcc: x", "<a@b>\n", "<ü@b>", "<a><b>", "<>"])
def test_S46_nothing_else_is_an_id(value: str) -> None:
    assert not headers.is_message_id(value)


@pytest.mark.parametrize("address", ["jo@council.example", "o'neil+x@a.example", '"jo smith"@a.example'])
def test_an_address_that_can_be_written(address: str) -> None:
    assert headers.can_be_written(address)


@pytest.mark.parametrize("address", ["", "jo", "jo@", "a@b\n", "a@b, c@d", '"a\r\nb"@c', "a@b>", "jo@" + "x" * 260])
def test_an_address_that_cannot(address: str) -> None:
    assert not headers.can_be_written(address)


@pytest.mark.parametrize(
    ("instant", "words", "table"),
    [
        (datetime(2027, 1, 14, 17, 0, tzinfo=UTC), "14 January 2027 at 5pm", "14/1/2027 5pm"),
        (datetime(2026, 7, 1, 13, 30, tzinfo=UTC), "1 July 2026 at 2.30pm", "1/7/2026 2.30pm"),
        (datetime(2026, 11, 24, 12, 0, tzinfo=UTC), "24 November 2026 at midday", "24/11/2026 midday"),
        (datetime(2026, 11, 24, 0, 5, tzinfo=UTC), "24 November 2026 at 12.05am", "24/11/2026 12.05am"),
        (datetime(2026, 11, 24, 0, 0, tzinfo=UTC), "24 November 2026 at midnight", "24/11/2026 midnight"),
    ],
)
def test_dates_read_as_people_say_them(instant: datetime, words: str, table: str) -> None:
    assert in_words(instant, LONDON) == words
    assert in_table(instant, LONDON) == table


def test_a_day_has_no_time() -> None:
    assert in_words(date(2026, 12, 1), LONDON) == "1 December 2026"
    assert in_table(None, LONDON) == ""
