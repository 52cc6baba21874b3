"""What is packed in a winmail.dat (MS-OXTNEF): the files, and the words where the mail has them nowhere else (E89).

Own code: the library for it reads two of the four samples of our corpus wrongly and has had no release since 2021.
A stream is a list of attributes; each says how long it is, so the cost is the size of the stream.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailgate.ingest.charset import decode
from mailgate.ingest.rtf import rtf_text

MAX_FILES = 1000
MAX_PROPERTIES = 10_000

_SIGNATURE = b"\x78\x9f\x3e\x22"
_ATTRIBUTE = struct.Struct("<BII")
_CLASS, _BODY, _PROPERTIES, _CODEPAGE = 0x78008, 0x2800C, 0x69003, 0x69007
_NEW_FILE, _TITLE, _DATA, _FILE_PROPERTIES = 0x69002, 0x18010, 0x6800F, 0x69005

_FIXED = {0x2: 2, 0x3: 4, 0x4: 4, 0xA: 4, 0xB: 2, 0x5: 8, 0x6: 8, 0x7: 8, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0xD, 0x102
_NAMED = 0x8000
_MANY = 0x1000
_GUID = 16
_P_CLASS, _P_BODY, _P_HTML, _P_RTF = 0x001A, 0x1000, 0x1013, 0x1009
_P_NAMES, _P_TYPE, _P_CONTENT_ID, _P_DATA = (0x3707, 0x3704), 0x370E, 0x3712, 0x3701


@dataclass(slots=True)
class File:
    """One attachment, as its sender named and typed it."""

    name: str = ""
    content_type: str = ""
    data: bytes = b""
    inline: bool = False


@dataclass(slots=True)
class Tnef:
    """What a stream holds; *whole* says whether it could be read to its end."""

    files: list[File] = field(default_factory=list)
    text: str = ""
    html: str = ""
    message_class: str = ""
    whole: bool = True


class _Broken(ValueError):
    """The stream says something that cannot be."""


def unpack(data: bytes) -> Tnef:
    """What *data* holds, as far as it can be read; never raises."""
    found = Tnef()
    try:
        _fill(found, data)
    except (_Broken, struct.error):
        found.whole = False
    found.files = [file for file in found.files if file.data]
    return found


def _fill(found: Tnef, data: bytes) -> None:
    codepage = "cp1252"
    properties: dict[int, bytes] = {}
    for attribute, value in _attributes(data):
        if attribute == _CODEPAGE and len(value) >= 4:
            codepage = f"cp{int.from_bytes(value[:4], 'little')}"
        elif attribute == _CLASS:
            found.message_class = _text(value, codepage)
        elif attribute == _BODY:
            found.text = _text(value, codepage)
        elif attribute == _PROPERTIES:
            properties = _properties(value, codepage)
            _fill_body(found, properties)
        elif attribute == _NEW_FILE:
            if len(found.files) >= MAX_FILES:
                raise _Broken("more attachments than any mail may have")
            found.files.append(File())
        elif found.files:
            _fill_file(found.files[-1], attribute, value, codepage)


def _fill_body(found: Tnef, properties: dict[int, bytes]) -> None:
    found.message_class = _string(properties, _P_CLASS) or found.message_class
    found.text = found.text or _string(properties, _P_BODY)
    found.html = decode(properties.get(_P_HTML, b""), "utf-8")[0]
    if not found.text and not found.html and _P_RTF in properties:
        found.text = rtf_text(properties[_P_RTF])


def _fill_file(file: File, attribute: int, value: bytes, codepage: str) -> None:
    if attribute == _TITLE:
        file.name = file.name or _text(value, codepage)
    elif attribute == _DATA:
        file.data = value
    elif attribute == _FILE_PROPERTIES:
        properties = _properties(value, codepage)
        names = [_string(properties, name) for name in _P_NAMES]
        file.name = names[0] or file.name or names[1]
        file.content_type = _string(properties, _P_TYPE).lower()
        file.inline = bool(_string(properties, _P_CONTENT_ID))
        file.data = file.data or properties.get(_P_DATA, b"")


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    if data[:4] != _SIGNATURE:
        raise _Broken("no TNEF signature")
    at = 6
    while at < len(data):
        _, attribute, length = _ATTRIBUTE.unpack_from(data, at)
        at += _ATTRIBUTE.size
        if at + length > len(data):
            raise _Broken("an attribute is longer than the stream")
        yield attribute, data[at : at + length]
        at += length + 2  # the checksum: nothing that is worth refusing a file for


def _properties(data: bytes, codepage: str) -> dict[int, bytes]:
    """The first value of each property; strings as UTF-8."""
    found: dict[int, bytes] = {}
    reader = _Reader(data)
    for _ in range(min(reader.number(), MAX_PROPERTIES)):
        if reader.at >= len(data):
            break
        kind, name = struct.unpack("<HH", reader.take(4))
        if name >= _NAMED:
            reader.skip_name()
        values = [*reader.values(kind & ~_MANY, bool(kind & _MANY))]
        if values and not name >= _NAMED:
            found.setdefault(name, _as_utf8(values[0], kind & ~_MANY, codepage))
    return found


def _as_utf8(value: bytes, kind: int, codepage: str) -> bytes:
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").encode("utf-8", "replace")
    if kind == _STRING:
        return _text(value, codepage).encode("utf-8", "replace")
    return value


class _Reader:
    """Reads properties one after the other, each on a boundary of four bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        if self.at + length > len(self._data):
            raise _Broken("a property is longer than its attribute")
        taken = self._data[self.at : self.at + length]
        self.at += length + -length % 4
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def skip_name(self) -> None:
        self.take(_GUID)
        if self.number():  # a name in words
            self.take(self.number())
        else:
            self.take(4)

    def values(self, kind: int, many: bool) -> Iterator[bytes]:
        if kind in _FIXED:
            size = _FIXED[kind]
            count = self.number() if many else 1
            all_values = self.take(count * size)
            yield from (all_values[at : at + size] for at in range(0, min(len(all_values), size), size))
        elif kind in (_STRING, _UNICODE, _OBJECT, _BINARY):
            for _ in range(min(self.number(), MAX_PROPERTIES)):
                yield self.take(self.number())
        elif kind > 1:
            raise _Broken("a property of a type that there is not")


def _string(properties: dict[int, bytes], name: int) -> str:
    return properties.get(name, b"").decode("utf-8", "replace").rstrip("\x00")


def _text(value: bytes, codepage: str) -> str:
    return decode(value.rstrip(b"\x00"), codepage)[0]
