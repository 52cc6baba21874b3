import pytest

from mailgate.ingest.headers import Headers, decode_words
from mailgate.ingest.tree import read_tree


def headers(raw: bytes) -> Headers:
    return Headers(read_tree(raw + b"\r\n\r\nx").root)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("=?iso-8859-1?Q?Form_=93B12=94_fails?=", "Form “B12” fails"),
        ("=?utf-8?B?w4Q=?= =?utf-8?B?w5Y=?=", "ÄÖ"),
        ("=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "€"),  # one character split between two words
        ("=?utf-8?Q?two words?=", "two words"),
        ("=?utf-8?B?YWJj?", "=?utf-8?B?YWJj?"),
        ("=?utf-8?B?YWI?=", "ab"),  # padding left out
        ("=?idna?Q?plain?= text", "plain text"),
        ("a =?utf-8?Q?b?= c", "a b c"),
    ],
)
def test_E75_encoded_words(written: str, read: str) -> None:
    assert decode_words(written) == read


def test_E74_a_raw_latin_1_header_is_read() -> None:
    assert headers("Subject: Größe".encode("latin-1")).text("subject") == "Größe"


def test_E76_an_encoded_line_end_does_not_survive() -> None:
    assert headers(b"Subject: a =?utf-8?Q?=0D=0ABcc:_x?=").text("subject") == "a Bcc: x"


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        (b"Message-ID:\r\n <a@b>", ("<a@b>",)),
        (b"Message-ID: <[abc]@x>", ("<[abc]@x>",)),
        (b"Message-ID: <a@b>, <c@d>", ("<a@b>", "<c@d>")),
        (b"Message-ID: a@b", ("<a@b>",)),
        (b"Message-ID: =?utf-8?q?=3CLO2P265@x=3E?=", ("<LO2P265@x>",)),
        (b"Message-ID: <>", ()),
    ],
)
def test_E72_ids_come_from_the_raw_header(line: bytes, ids: tuple[str, ...]) -> None:
    assert headers(line).ids("message-id") == ids


def test_S27_of_a_hundred_thousand_references_the_first_and_last_fifty_are_used() -> None:
    ids = headers(b"References: " + b"\r\n ".join(b"<%d@x>" % n for n in range(100_000))).ids("references")
    assert len(ids) == 100
    assert ids[0] == "<0@x>"


@pytest.mark.parametrize(
    "line",
    [
        b"From: alice@good.example)<bob@bad.example>",
        b"From: Other, Ann (IT) <ann@x.example>",
        b"From: a@x.example, b@x.example",
        b"From: a@",
        b"From: <",
        b"From: " + b"(" * 2000,
        b"From: unlisted-recipients:; (no To-header on input)",
    ],
)
def test_S20_a_doubtful_from_is_never_sure(line: bytes) -> None:
    found, sure = headers(line).addresses("from")
    assert not (sure and len(found) == 1)


def test_E77_a_plain_from_is_sure() -> None:
    found, sure = headers(b'From: "Other, Ann (Benefits)" <Ann@Council.example>').addresses("from")
    assert (found[0].address, found[0].name, sure) == ("ann@council.example", "Other, Ann (Benefits)", True)


def test_E75_an_encoded_name_in_quotation_marks_is_read() -> None:
    found, _ = headers(b'From: "=?utf-8?Q?J=C3=B6rg?=" <j@x.example>').addresses("from")
    assert found[0].name == "Jörg"


def test_E79_groups_are_flattened_and_undisclosed_recipients_are_nobody() -> None:
    assert headers(b"To: undisclosed-recipients:;").addresses("to")[0] == ()
    assert [a.address for a in headers(b"To: Us: a@x.example, b@x.example;").addresses("to")[0]] == [
        "a@x.example",
        "b@x.example",
    ]


@pytest.mark.parametrize(
    ("lines", "day", "defect"),
    [
        (b"Date: Sat, 21 Nov 2026 10:15:00 +0100", "2026-11-21T09:15:00+00:00", ""),
        (b"Date: 21 Nov 2026 9:15:00 +0000", "2026-11-21T09:15:00+00:00", ""),
        (b"Date: x\r\nReceived: from a by b; Sat, 21 Nov 2026 10:15:00 +0000", "2026-11-21T10:15:00+00:00", "bad-date"),
    ],
)
def test_E80_the_date_is_the_senders_else_the_first_servers(lines: bytes, day: str, defect: str) -> None:
    date, found = headers(lines).date()
    assert date is not None
    assert (date.isoformat(), found) == (day, defect)


@pytest.mark.parametrize("word", ["ab!c", "=41A=", "a!bcde", "a", "", "YQ", "YWI", "YWJj\xe4"])
def test_E75_an_encoded_word_of_broken_base64_is_read_as_far_as_it_goes(word: str) -> None:
    assert decode_words(f"=?utf-8?B?{word}?=") is not None


def test_E75_what_is_no_base64_in_an_encoded_word_is_left_out() -> None:
    assert decode_words("=?utf-8?B?SG=Vs!bG8?=") == "Hello"
