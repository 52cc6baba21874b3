"""What an opaque-signed S/MIME mail holds (E91, RFC 8551 section 3.5.2): its signature is around it, not beside it.

Nothing is verified: a mail proves where it comes from by other means (E180).
"""

from collections.abc import Iterator
from typing import NamedTuple

from mailgate.ingest.leaf import payload
from mailgate.ingest.tree import Part, read_tree

MAX_DEPTH = 16

_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_SEQUENCE, _OCTETS, _OCTETS_IN_PIECES, _EXPLICIT, _OID = 0x30, 0x04, 0x24, 0xA0, 0x06
_END = 0


class _Element(NamedTuple):
    tag: int
    start: int
    end: int
    following: int


def opened(root: Part) -> Part:
    """The mail inside *root* where that is opaque-signed and can be read, else *root*."""
    if root.declared_type not in _TYPES:
        return root
    try:
        inner = _signed(payload(root))
    except (ValueError, IndexError):
        return root
    return read_tree(inner).root if inner else root


def _signed(data: bytes) -> bytes:
    """ContentInfo { signedData, [0] { version, algorithms, { type, [0] OCTET STRING }, ... } }, or b"" for others."""
    oid, content, *_ = _inside(data, _first(data, 0, len(data), _SEQUENCE))
    if data[oid.start : oid.end] != _SIGNED_DATA:
        return b""
    signed = _first(data, content.start, content.end, _SEQUENCE)
    encapsulated = next((part for part in _inside(data, signed) if part.tag == _SEQUENCE), None)
    if encapsulated is None:
        return b""
    holder = next((part for part in _inside(data, encapsulated) if part.tag == _EXPLICIT), None)
    return b"".join(_octets(data, holder)) if holder else b""


def _octets(data: bytes, holder: _Element, depth: int = 0) -> Iterator[bytes]:
    for part in _inside(data, holder):
        if part.tag == _OCTETS:
            yield data[part.start : part.end]
        elif part.tag == _OCTETS_IN_PIECES and depth < MAX_DEPTH:
            yield from _octets(data, part, depth + 1)


def _first(data: bytes, start: int, end: int, tag: int) -> _Element:
    found = _element(data, start, end)
    if found.tag != tag:
        raise ValueError("no BER")
    return found


def _inside(data: bytes, element: _Element) -> list[_Element]:
    found = []
    at = element.start
    while at < element.end:
        part = _element(data, at, element.end)
        found.append(part)
        at = part.following
    return found


def _element(data: bytes, at: int, end: int, depth: int = 0) -> _Element:
    tag, length = data[at], data[at + 1]
    start = at + 2
    if length == 0x80:  # until an end mark
        at = start
        while data[at] != _END:
            if depth == MAX_DEPTH:
                raise ValueError("no BER")
            at = _element(data, at, end, depth + 1).following
        return _Element(tag, start, at, at + 2)
    if length > 0x80:
        digits = length - 0x80
        length = int.from_bytes(data[start : start + digits], "big")
        start += digits
    if start + length > end:
        raise ValueError("no BER")
    return _Element(tag, start, start + length, start + length)
