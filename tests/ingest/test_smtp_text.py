"""Laws of the DATA text and of the commands' arguments."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mailgate.ingest.command import read_path
from mailgate.ingest.data import IncomingText, ReceivedFields

TEXTS = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"..", b"\r\n."]), max_size=40).map(b"".join)


def stuffed(mail: bytes) -> bytes:
    """A mail as a correct client sends it."""
    return re.sub(rb"(\A|(?<=\r\n))\.", b"..", mail) + b".\r\n"


def taken(wire: bytes, cuts: list[int], limit: int = 10**6) -> tuple[IncomingText, bytes, bytes]:
    """*wire* fed in pieces, its content as it was given after each, and what was left behind the final dot."""
    content, text, places = b"", IncomingText(limit), sorted({cut % (len(wire) + 1) for cut in cuts} | {0, len(wire)})
    for start, end in pairwise(places):
        rest = text.take(wire[start:end])
        content += text.portion()
        if rest is not None:
            return text, content, rest + wire[end:]
    raise AssertionError("the text never ended")


@given(TEXTS, TEXTS, st.lists(st.integers(min_value=0), max_size=8))
def test_S2_however_it_is_cut_a_mail_arrives_as_it_was_written(body, after, cuts):
    mail = body + b"\r\n"
    text, content, rest = taken(stuffed(mail) + after, cuts)
    assert text.size == len(stuffed(mail)) - 3
    assert (content, rest) == (mail, after)


@given(TEXTS, st.lists(st.integers(min_value=0), max_size=8), st.integers(min_value=1, max_value=60))
def test_R5_a_text_over_the_limit_is_counted_and_not_kept(body, cuts, limit):
    wire = stuffed(body + b"\r\n")
    text, content, rest = taken(wire, cuts, limit)
    assert len(content) <= limit + 4
    assert rest == b""
    assert text.size == len(wire) - 3
    assert text.is_too_big == (text.size > limit)


@given(st.text(max_size=60))
def test_S1_an_address_that_is_read_has_one_at_sign_outside_quotes(argument):
    path = read_path("TO:" + argument, "TO:")
    if path is not None and path.address:
        local, _, domain = path.address.rpartition("@")
        assert domain
        assert "@" not in local or local.startswith('"')
        assert path.address.isprintable()


@given(st.from_regex(r"[a-z0-9.+_-]{1,20}@[a-z0-9-]{1,10}\.example", fullmatch=True))
def test_a_plain_address_is_read_as_it_is(address):
    for argument in (f"TO:<{address}>", f"to: <{address}>", f"TO:{address}"):
        path = read_path(argument, "TO:")
        assert path is not None
        assert path.address == address


@given(
    st.lists(
        st.sampled_from([b"Received: by a", b"received:", b"a", b"\r\n", b"\n", b"\r\n\r\n", b"\n\n"]), max_size=30
    )
)
def test_received_fields_are_counted_the_same_however_the_header_is_cut(pieces):
    whole, cut = ReceivedFields(), ReceivedFields()
    whole.take(b"".join(pieces))
    for piece in pieces:
        for byte in piece:
            cut.take(bytes([byte]))
    header = re.split(rb"\r\n\r\n|\n\n", b"\r\n" + b"".join(pieces))[0]
    assert whole.count == cut.count == len(re.findall(rb"(?i)\nreceived:", header))
