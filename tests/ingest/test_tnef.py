import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.ingest.rtf import MAX_COMPRESSED, rtf_text
from mailgate.ingest.tnef import unpack
from tests.ingest.packed import attribute, binary, file, properties, text, tnef

WHOLE = tnef(
    attribute(0x78008, b"IPM.Microsoft Mail.Note\0"),
    attribute(0x69003, properties(text(0x1000, "Größe"), binary(0x1013, b"<p>CRN</p>"), text(0x001A, "IPM.Note"))),
    file(b"one", "A~1.TXT", text(0x3707, "Größe.txt"), text(0x370E, "Text/Plain")),
    file(b"two", "b.pdf"),
)


def test_E89_files_words_and_class_of_a_winmail_dat() -> None:
    found = unpack(WHOLE)
    assert [(each.name, each.content_type, each.data) for each in found.files] == [
        ("Größe.txt", "text/plain", b"one"),
        ("b.pdf", "", b"two"),
    ]
    assert (found.text, found.html, found.message_class, found.whole) == ("Größe", "<p>CRN</p>", "IPM.Note", True)


def test_E89_a_file_may_stand_in_a_property() -> None:
    [found] = unpack(tnef(file(b"", "x.bin", binary(0x3701, b"\1\2\3", 0xD), text(0x3712, "<cid>")))).files
    assert (found.data, found.inline) == (b"\1\2\3", True)


def test_properties_of_every_type_are_stepped_over() -> None:
    short, flag = struct.pack("<HHI", 2, 0x3001, 5), struct.pack("<HHI", 0xB, 0x0E1F, 1)
    many = struct.pack("<HHI", 0x1003, 0x3002, 3) + b"\0" * 12
    named = struct.pack("<HH", 3, 0x8001) + b"g" * 16 + struct.pack("<III", 0, 7, 1)
    in_words = (
        struct.pack("<HH", 3, 0x8002) + b"g" * 16 + struct.pack("<II", 1, 6) + b"a\0b\0\0\0" + b"\0\0" + b"\0" * 4
    )
    value = properties(short, flag, many, named, in_words, text(0x1000, "last"))
    assert unpack(tnef(attribute(0x69003, value))).text == "last"


@pytest.mark.parametrize("cut", [1, 7, 60, 120])
def test_S28_of_a_truncated_winmail_dat_what_is_whole_is_read(cut: int) -> None:
    found = unpack(WHOLE[:-cut])
    assert not found.whole or cut == 1  # the checksum is not looked at
    assert all(each.data in (b"one", b"two") for each in found.files)


@given(st.binary(max_size=300), st.data())
def test_S28_any_bytes_are_unpacked_without_an_error(noise: bytes, data: st.DataObject) -> None:
    broken = bytearray(WHOLE)
    at = data.draw(st.integers(0, len(broken) - 1))
    broken[at : at + data.draw(st.integers(0, 8))] = noise[: data.draw(st.integers(0, 8))]
    assert unpack(bytes(broken)) == unpack(bytes(broken))
    assert not unpack(noise).files


@pytest.mark.parametrize(
    "bomb",
    [
        tnef(file(b"x") * 20_000),
        tnef(attribute(0x69003, struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HHI", 0x1002, 1, 0xFFFFFFFF) * 500_000)),
        tnef(attribute(0x69003, struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HHI", 0, 1, 0) * 500_000)),
        tnef(attribute(0x69003, properties(binary(0x1009, b"\0" * 8 + b"LZFu" + b"\0" * 4 + b"\xff" * 5_000_000)))),
        tnef(attribute(0x69003, properties(binary(0x1009, b"\0" * 8 + b"MELA" + b"\0" * 4 + b"{\\" * 2_000_000)))),
    ],
)
def test_S28_a_bomb_costs_no_more_than_its_size(bomb: bytes) -> None:
    begun = time.process_time()
    found = unpack(bomb)
    assert time.process_time() - begun < 5  # far more than it takes: only what is quadratic fails
    assert len(found.files) <= 1000
    assert len(found.text) <= 9 * MAX_COMPRESSED


def plain(rtf: bytes) -> str:
    return rtf_text(b"\0" * 8 + b"MELA" + b"\0" * 4 + rtf)


def test_rich_text_is_read_as_its_words() -> None:
    head = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator x;}"
    assert plain(head + rb"Gr\'f6\'dfe\par \u8364?5\tab{\b bold} \{x\}}") == "Größe\n€5\tbold {x}"
    assert plain(rb"{\pict 89504e47}{{{shown\'") == "shown"


def test_compressed_rich_text_refers_to_what_it_has_said_before() -> None:
    # The example of MS-OXRTFCP section 4.1.
    example = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert rtf_text(example) == "hello world"
    assert rtf_text(b"too short") == ""
