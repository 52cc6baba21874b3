"""What is an attachment and what is not, and files that are packed in a part (E87-E91, S23, S28, S55)."""

import base64
import binascii
import hashlib

import pytest

from mailgate.ingest.parse import attachment_bytes, parse
from mailgate.ingest.uuencode import take_out
from tests.ingest.packed import attribute, binary, file, properties, text, tnef

HEAD = b"From: a@x.example\r\nTo: b@x.example\r\nSubject: x\r\nMessage-ID: <1@x>\r\n"
WORDS = b"\r\n\r\nwords\r\n"


def multipart(kind: bytes, *parts: bytes) -> bytes:
    """A mail of *parts*: what follows each boundary, its headers first."""
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return HEAD + b"Content-Type: multipart/" + kind + b"; boundary=b\r\n\r\n" + body + b"--b--\r\n"


def coded(kind: bytes, data: bytes, more: bytes = b"") -> bytes:
    head = b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: base64\r\n" + more
    return head + b"\r\n" + base64.encodebytes(data)


def names(mail: bytes) -> list[str]:
    return [each.filename for each in parse(mail).attachments]


WINMAIL = tnef(file(b"one", "../a.txt"), file(b"\x89PNG\r\n\x1a\n", "b.png", text(0x3712, "<cid>")))


def test_E89_what_is_in_a_winmail_dat_stands_in_its_place() -> None:
    mail = multipart(b"mixed", WORDS, coded(b"application/ms-tnef; name=winmail.dat", WINMAIL))
    message = parse(mail)
    assert [(each.filename, each.content_type, each.inline) for each in message.attachments] == [
        ("a.txt", "application/octet-stream", False),
        ("b.png", "image/png", True),
    ]
    assert attachment_bytes(mail, message.attachments[0].part) == b"one"
    assert message.attachments[0].sha256 == hashlib.sha256(b"one").hexdigest()
    assert message.text.strip() == "words"


def test_E89_a_mail_whose_words_are_in_the_winmail_dat_alone_has_them() -> None:
    value = attribute(0x69003, properties(text(0x1000, "CRN X1"), binary(0x1013, b"<p>CRN <b>X1</b></p>")))
    for kind in (b"application/ms-tnef", b"application/octet-stream; name=winmail.dat"):
        assert parse(HEAD + coded(kind, tnef(value))).reply_text == "CRN X1"
    assert parse(HEAD + coded(b"application/ms-tnef", tnef(attribute(0x2800C, b"plain\0")))).text == "plain"


def test_S28_a_broken_winmail_dat_is_kept_beside_what_could_be_read() -> None:
    mail = multipart(b"mixed", WORDS, coded(b"application/ms-tnef; name=winmail.dat", WINMAIL[:-50]))
    message = parse(mail)
    assert [each.filename for each in message.attachments] == ["winmail.dat", "a.txt"]
    assert "broken-tnef" in message.defects
    assert attachment_bytes(mail, message.attachments[1].part) == b"one"


def uuencoded(data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return b"begin 644 ../r\xc3\xa9sum\xc3\xa9.doc\n" + b"".join(lines) + b"`\nend\n"


def test_S28_a_file_uuencoded_in_the_text_is_an_attachment_and_no_text() -> None:
    data = bytes(range(256))
    mail = HEAD + b"\r\nbefore\n" + uuencoded(data) + b"after\n"
    message = parse(mail)
    assert message.text == "before\nafter\n"
    [attachment] = message.attachments
    assert (attachment.size, attachment.sha256) == (256, hashlib.sha256(data).hexdigest())
    assert attachment_bytes(mail, attachment.part) == data


def test_S28_a_truncated_uuencoded_file_is_kept_as_far_as_it_goes() -> None:
    mail = HEAD + b"\r\nbefore\n" + uuencoded(b"x" * 200)[:-80]
    message = parse(mail)
    assert message.attachments[0].size >= 90
    assert "broken-uuencode" in message.defects


@pytest.mark.parametrize("prose", ["begin 644 at once\nwe do", "begin 644 x\nEND\n", "> begin 644 x\nend"])
def test_prose_that_looks_like_a_file_stays_prose(prose: str) -> None:
    assert take_out(prose) == (prose, [])


def test_a_thousand_beginnings_are_no_bomb() -> None:
    for line in ("begin 644 x\nM\n", "begin 644 x\n" + "M" * 60 + "\n", "begin 644 "):
        assert len(take_out(line * 20_000)[1]) <= 100


@pytest.mark.parametrize("kind", [b"application/pgp-signature", b"application/pkcs7-signature"])
def test_E91_the_signature_of_a_signed_mail_is_no_attachment(kind: bytes) -> None:
    signature = b"Content-Type: " + kind
    mail = multipart(b"signed", WORDS, signature + b"\r\n\r\nxyz")
    assert names(mail) == []
    assert parse(mail).text.strip() == "words"
    assert names(multipart(b"signed", WORDS, signature + b"; name=smime.p7s\r\n\r\nxyz")) == ["smime.p7s"]
    assert names(multipart(b"mixed", WORDS, signature + b"\r\n\r\nxyz")) == ["noname1"]


@pytest.mark.parametrize(
    "mail",
    [
        multipart(b"encrypted", coded(b"application/pgp-encrypted", b"Version: 1"), coded(b"application/x", b"?")),
        HEAD + coded(b"application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", b"\x30\x03\x06\x01\x01"),
        multipart(b"mixed", WORDS, coded(b"application/x-microsoft-rpmsg-message; name=message.rpmsg", b"x")),
    ],
)
def test_E91_what_only_the_readers_own_program_can_open_is_protected(mail: bytes) -> None:
    message = parse(mail)
    assert "protected" in message.defects
    assert message.attachments


def ber(tag: int, value: bytes, endless: bool = False) -> bytes:
    if endless:
        return bytes([tag, 0x80]) + value + b"\0\0"
    return bytes([tag, 0x82]) + len(value).to_bytes(2, "big") + value


def sealed(inner: bytes, endless: bool) -> bytes:
    data, signed = bytes.fromhex("06092a864886f70d010701"), bytes.fromhex("06092a864886f70d010702")
    octets = ber(0x24, ber(4, inner[:9]) + ber(4, inner[9:]), endless) if endless else ber(4, inner)
    content = ber(0x30, data + ber(0xA0, octets, endless), endless)
    return ber(0x30, signed + ber(0xA0, ber(0x30, b"\2\1\1" + b"\x31\0" + content, endless), endless), endless)


@pytest.mark.parametrize("endless", [False, True])
def test_E91_an_opaque_signed_mail_is_opened(endless: bool) -> None:
    inner = multipart(b"mixed", WORDS, coded(b"text/csv; name=a.csv", b"1,2")).partition(b"<1@x>\r\n")[2]
    mail = HEAD + coded(b"application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", sealed(inner, endless))
    message = parse(mail)
    assert (message.subject, message.reply_text) == ("x", "words")
    assert [each.filename for each in message.attachments] == ["a.csv"]
    assert attachment_bytes(mail, message.attachments[0].part) == b"1,2"
    assert "protected" not in message.defects


def test_E91_a_broken_opaque_signed_mail_is_protected() -> None:
    whole = sealed(b"\r\nwords", True)
    for broken in (whole[: len(whole) // 2], b"\x30\x80" * 5000, b""):
        message = parse(HEAD + coded(b"application/pkcs7-mime; name=smime.p7m", broken))
        assert "protected" in message.defects
        assert "unreadable" not in message.defects


def test_an_unnamed_file_gets_a_name() -> None:
    parts = [coded(b"application/octet-stream", b"x"), coded(b"message/rfc822", b"y"), coded(b"image/png", b"z")]
    assert names(multipart(b"mixed", WORDS, *parts)) == ["noname1", "forwarded.eml", "noname2"]


def test_E89_an_outlook_mail_is_kept_as_it_is() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 x"
    mail = multipart(b"mixed", WORDS, coded(b"application/vnd.ms-outlook; name=item.msg", data))
    assert names(mail) == ["item.msg"]
    assert attachment_bytes(mail, 1) == data


@pytest.mark.parametrize("data", [b"PK\x03\x04" + b"\0" * 40_000, b"\x1f\x8b" + b"\0" * 100, b"Rar!\x1a\x07\0"])
def test_S23_an_archive_is_one_attachment_and_stays_shut(data: bytes) -> None:
    [attachment] = parse(multipart(b"mixed", WORDS, coded(b"application/zip; name=a.zip", data))).attachments
    assert (attachment.filename, attachment.size) == ("a.zip", len(data))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (b'filename="../../etc/cron.d/x"', "x"),
        (b'filename="C:\\\\Temp\\\\x.doc"', "x.doc"),
        (b"filename*=utf-8''..%2F..%2F%E2%80%AEfdp.exe", "fdp.exe"),
        (b'filename="=?utf-8?q?a=00=2E=2E=2Fb=2Epdf?="', "b.pdf"),
        (b'filename="' + b"x" * 5000 + b'.pdf"', "x" * 146 + ".pdf"),
        (b'filename="$(id).sh"', "$(id).sh"),
    ],
)
def test_S55_a_hostile_name_is_a_harmless_name(written: bytes, kept: str) -> None:
    disposition = b"Content-Disposition: attachment; " + written + b"\r\n"
    assert names(multipart(b"mixed", WORDS, coded(b"application/x-thing", b"x", disposition))) == [kept]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"Text/CSV charset=utf-8", "text/csv"),
        (b"application/pdf\r\n x@y.example\0", "application/pdf"),
        (b"text/cs\xef", "application/octet-stream"),
        (b"a/" + b"b" * 500, "application/octet-stream"),
    ],
)
def test_a_type_is_a_type_whatever_stands_behind_it(written: bytes, read: str) -> None:
    mail = multipart(b"mixed", WORDS, coded(written, b"x", b"Content-Disposition: attachment\r\n"))
    assert [each.content_type for each in parse(mail).attachments] == [read]


def test_ids_and_recipients_hold_no_control_characters() -> None:
    head = b"Message-ID: <a\1@x> <b@x>\r\nReferences: <c\0@x>\r\nX-Failed-Recipients: a\1@x.example, c@x.example\r\n"
    message = parse(b"From: mailer-daemon@x.example\r\nSubject: failure notice\r\n" + head + b"\r\nx")
    assert (message.message_id, message.references, message.bounce_recipients) == ("<b@x>", (), ("c@x.example",))
