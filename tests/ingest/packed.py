"""Makes a winmail.dat, as Outlook writes one: attributes with their lengths and checksums (MS-OXTNEF)."""

import struct


def attribute(number: int, value: bytes, level: int = 1) -> bytes:
    return struct.pack("<BII", level, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def text(name: int, value: str) -> bytes:
    """A property in Unicode."""
    data = (value + "\0").encode("utf-16-le")
    return struct.pack("<HHII", 0x1F, name, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def binary(name: int, data: bytes, kind: int = 0x102) -> bytes:
    return struct.pack("<HHII", kind, name, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def properties(*each: bytes) -> bytes:
    return struct.pack("<I", len(each)) + b"".join(each)


def file(data: bytes, title: str = "", *each: bytes) -> bytes:
    """One attachment: its title, its bytes and its properties."""
    named = attribute(0x18010, title.encode("cp1252") + b"\0", 2) if title else b""
    held = attribute(0x6800F, data, 2) if data else b""
    more = attribute(0x69005, properties(*each), 2) if each else b""
    return attribute(0x69002, b"\1\0" + b"\xff" * 12, 2) + named + held + more


def tnef(*attributes: bytes) -> bytes:
    codepage = attribute(0x69007, struct.pack("<II", 1252, 0))
    return b"\x78\x9f\x3e\x22\1\0" + codepage + b"".join(attributes)
