"""Cutting a mail into its parts, beside the standard library's parser."""

import email
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from mailgate.ingest.tree import MAX_PARTS, read_tree

MAILS = sorted((Path(__file__).parents[2] / "examples" / "mail").glob("*.eml"))
EXAMPLES = [file for file in MAILS if b"message/" not in file.read_bytes()]  # the library opens attached mails
HEAD = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'


def shape(part: Message) -> Any:
    """The parts of a mail: their types and contents."""
    if part.is_multipart():
        return part.get_content_type(), [shape(child) for child in part.get_payload()]
    return part.get_content_type(), part.get_payload(decode=True)


def leaves(raw: bytes) -> list[Any]:
    return [leaf.get_payload(decode=True) for leaf in read_tree(raw).root.leaves()]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.stem)
def test_E70_the_parts_are_those_of_the_standard_library(file: Path) -> None:
    raw = file.read_bytes()
    assert shape(read_tree(raw).root) == shape(email.message_from_bytes(raw))


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize(
    "body",
    [
        b"before|--b||one|--b|A: 1||two||--b--|after|",
        b"--b||one|--b||two",  # the last boundary is missing
        b"--b||one|--b|--b \t||two|--b--",  # twice, and with spaces
        b"--b||one|--bc|x --b|--b--",  # lines that only look like it
        b'--b|Content-Type: multipart/alternative; boundary="bb"||--bb||in|--b||out|--b--|',  # the outer one ends both
        b"no boundary at all",
        b"nothing but the last one|--b--|after",
    ],
)
def test_E93_boundaries_are_read_as_the_standard_library_reads_them(body: bytes, end: bytes) -> None:
    raw = HEAD.replace(b"\r\n", end) + body.replace(b"|", end)
    assert shape(read_tree(raw).root) == shape(email.message_from_bytes(raw))


def test_E90_the_mails_of_a_digest_are_leaves() -> None:
    [leaf] = read_tree(HEAD.replace(b"mixed", b"digest") + b"--b\r\n\r\nSubject: x\r\n\r\ny\r\n--b--").root.leaves()
    assert (leaf.declared_type, leaf.get_payload()) == ("message/rfc822", "Subject: x\r\n\r\ny")


def test_an_empty_multipart_has_one_empty_part() -> None:
    assert leaves(HEAD + b"--b\r\n--b--\r\nnot a part") == [b""]


@pytest.mark.parametrize("body", [b"-" * 3_000_000, b"--\r\n" * 300_000, b"--x\r\n\r\ny\r\n" * 100_000])
def test_E92_a_mail_full_of_boundaries_is_cut_off(body: bytes) -> None:
    for boundary in (b"", b"-", b"x"):
        tree = read_tree(HEAD.replace(b'"b"', b'"%b"' % boundary) + body)
        assert len(list(tree.root.leaves())) <= MAX_PARTS


@pytest.mark.parametrize("charset", [b"\xb7ansi", b"a\0b"])
def test_a_boundary_in_a_charset_that_cannot_be_is_a_boundary_all_the_same(charset: bytes) -> None:
    raw = b"Content-Type: multipart/mixed; boundary*=" + charset + b"''b\r\n\r\n--b\r\n\r\nHello\r\n--b--\r\n"
    assert leaves(raw) == [b"Hello"]
