import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.cli.shown import message_as_json
from mailgate.ingest.leaf import payload
from mailgate.ingest.parse import attachment_bytes, parse
from mailgate.ingest.tree import read_tree
from mailgate.model.message import Kind

MAILS = sorted((Path(__file__).parent.parent / "mail").glob("*.eml"))
HEAD = b"From: a@x.example\r\nTo: b@x.example\r\nSubject: x\r\nMessage-ID: <1@x>\r\n"


def test_a_mail_without_an_id_gets_the_same_one_by_every_road() -> None:
    mail = b"From: a@x.example\r\nSubject: x\r\n\r\nhello"
    first, second = parse(mail), parse(b"Received: by other\r\n" + mail.replace(b"\r\n", b"\n"))
    assert first.message_id == second.message_id
    assert first.message_id.endswith("@missing.mailgate.invalid>")
    assert "no-message-id" in first.defects


def test_E90_an_attached_mail_is_one_file_and_its_words_are_not_this_mails() -> None:
    inner = b"From: b@x.example\r\nSubject: y\r\n\r\nDone\r\n"
    mail = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee attached\r\n"
    mail += b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    message = parse(mail)
    assert message.reply_text == "see attached"
    assert [file.filename for file in message.attachments] == ["forwarded.eml"]
    assert attachment_bytes(mail, message.attachments[0].part) == inner


def test_E93_a_journal_report_is_read_as_the_mail_within_once() -> None:
    report = (Path(__file__).parent.parent / "mail" / "77-journal-report.eml").read_bytes()
    message = parse(report)
    assert (message.message_id, message.subject, "journalled" in message.defects) == (
        "<1@mail.example>",
        "Form B12",
        True,
    )
    assert message.delivered_to == ("helpdesk+7k3f99-1-amac@council.example", "ben@council.example")
    assert attachment_bytes(report, message.attachments[0].part) == b"%PDF-1.4"
    again = HEAD + b"X-MS-Journal-Report:\r\nContent-Type: message/rfc822\r\n\r\n" + report
    assert parse(again).kind is Kind.JOURNAL


def test_a_part_that_does_not_exist_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        attachment_bytes(HEAD + b"\r\nx", 7)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_any_line_end_is_read(end: bytes) -> None:
    mail = (HEAD + b"\r\nDone\r\n\r\n> old\r\n").replace(b"\r\n", end)
    assert (parse(mail).subject, parse(mail).reply_text) == ("x", "Done")


def test_E93_garbage_between_the_headers_is_passed_over() -> None:
    message = parse(b"From: a@x.example\r\ngarbage\r\nSubject: x\r\n\r\nbody")
    assert (message.subject, message.text) == ("x", "body")
    assert "broken-headers" in message.defects


def test_E93_a_header_with_a_space_before_its_colon_is_read() -> None:
    message = parse(b"Fro :uA <b@x.example>\r\nSubject\t: x\r\nMessage-ID : <1@x>\r\n\r\nnot : a header")
    assert (message.subject, message.message_id, message.text) == ("x", "<1@x>", "not : a header")


def test_E93_a_boundary_that_is_folded_is_a_boundary() -> None:
    mail = HEAD + b'Content-Type: multipart/mixed;\r\n boundary="b\r\n c"\r\n\r\nno\r\n--b c\r\n\r\nx\r\n--b c--\r\n'
    assert parse(mail).text == "x"


def test_E93_a_multipart_without_a_boundary_is_text() -> None:
    assert "hello" in parse(HEAD + b"Content-Type: multipart/mixed\r\n\r\nhello").text


def test_E77_two_from_headers_are_ambiguous() -> None:
    message = parse(b"From: evil@x.example\r\n" + HEAD + b"\r\nx")
    assert not message.from_ok
    assert {"ambiguous-from", "duplicate-header"} <= set(message.defects)


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Type: text/plain\r\nContent-Type: text/html",
        b"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64",
        b"Content-Type: multipart/mixed; boundary=a; boundary=b",
        b'Content-Type: multipart/mixed; boundary="a";\r\n\tBoundary="b"',
    ],
)
def test_S24_what_two_programs_may_read_as_two_mails_is_ambiguous(fields: bytes) -> None:
    inner = b"--a\r\n" + fields + b"\r\n\r\nx\r\n--a--"
    assert "ambiguous-mime" in parse(HEAD + fields + b"\r\n\r\nx").defects
    assert "ambiguous-mime" in parse(HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + inner).defects
    assert "ambiguous-mime" not in parse(HEAD + fields.partition(b"\r\n")[0].partition(b"; ")[0]).defects


def test_E82_html_is_the_body_where_the_plain_text_says_nothing() -> None:
    parts = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nView this email in your browser\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>CRN X1</p>\r\n--b--"
    )
    assert parse(HEAD + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + parts).text.strip() == "CRN X1"


def test_what_the_html_strikes_out_is_in_no_text_even_where_the_plain_text_has_it() -> None:
    parts = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nCRN X111111 X222222 please\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>CRN <s>X111111</s> X222222 please</p>\r\n--b--"
    )
    message = parse(HEAD + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + parts)
    assert "X111111" not in message.text + message.reply_text
    assert message.struck == ("X111111",)


def _nested(depth: int) -> bytes:
    opening = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    return HEAD + b"".join(opening % (n, n) for n in range(depth)) + b"\r\ndeep"


# The bombs of S21 and S22, each at or above the size where the standard library takes minutes.
BOMBS = {
    "parameters": (HEAD + b"Content-Type: text/plain" + b";" * 200_000 + b"\r\n\r\nx", "header-too-long"),
    "semicolons in From": (b"From: " + b"; " * 64_000 + b"\r\n\r\nx", "header-too-long"),
    "names in From": (b"From: " + b'"a" ' * 64_000 + b"\r\n\r\nx", "header-too-long"),
    "comments in From": (b"From: " + b"(" * 100_000 + b"\r\n\r\nx", "header-too-long"),
    "touching encoded words": (HEAD + b"X: " + b"=?utf-8?q?a?=" * 16_000 + b"\r\n\r\nx", "header-too-long"),
    "a header of 5 MB": (HEAD + b"X: " + b"x" * 5_000_000 + b"\r\n\r\nx", "header-too-long"),
    "100,000 fields": (HEAD + b"X: y\r\n" * 100_000 + b"\r\nx", "too-many-headers"),
    "a million continuations": (b" x\r\n" * 1_000_000 + b"\r\nx", "too-many-headers"),
    "a million empty names": (HEAD + b":\r\n" * 1_000_000 + b"\r\nx", "too-many-headers"),
    "10,000 parts": (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 10_000,
        "too-many-parts",
    ),
    "depth 5,000": (_nested(5000), "too-deep"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_S21_S22_a_bomb_is_cut_and_the_rest_is_read(name: str) -> None:
    raw, defect = BOMBS[name]
    message = parse(raw)
    assert defect in message.defects
    assert "unreadable" not in message.defects
    assert len(message.attachments) <= 1000


def test_S22_mail_in_mail_2000_times_is_one_file() -> None:
    message = parse(HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 2000)
    assert [file.filename for file in message.attachments] == ["forwarded.eml"]


@pytest.mark.parametrize("encoding", [b"x-uuencode", b"base64", b"quoted-printable", b"x-unknown"])
def test_S28_a_broken_encoding_keeps_the_attachment(encoding: bytes) -> None:
    mail = (
        HEAD
        + b"Content-Type: application/x; name=a.bin\r\nContent-Transfer-Encoding: "
        + encoding
        + b"\r\n\r\nbegin 644 x\r\nM!\r\n"
    )
    assert [file.filename for file in parse(mail).attachments] == ["a.bin"]


@given(st.binary(max_size=500))
def test_any_bytes_are_a_message(raw: bytes) -> None:
    json.dumps(message_as_json(parse(raw))).encode()


@given(st.sampled_from(MAILS), st.data())
def test_T3_a_broken_mail_is_a_message_and_always_the_same(path: Path, data: st.DataObject) -> None:
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    message = parse(bytes(raw))
    assert "unreadable" not in message.defects
    assert message == parse(bytes(raw))


@given(
    st.lists(st.sampled_from([b"QUJD", b"QQ==", b"QUI=", b"A", b"\r\n", b"\n", b"=", b"!", b"\xe9", b" "]), max_size=12)
)
def test_base64_is_decoded_as_the_library_does_it(pieces):
    part = read_tree(b"Content-Transfer-Encoding: Base64\r\n\r\n" + b"".join(pieces)).root
    assert payload(part) == part.get_payload(decode=True)
