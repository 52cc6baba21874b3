"""One leaf of a mail: its bytes, its parameters and the name of its file (E76, E87, E93, S55)."""

import binascii
import re
from contextlib import suppress

from mailgate.ingest.charset import decode, one_line
from mailgate.ingest.headers import decode_words
from mailgate.ingest.tree import Part

_CHARSET_ALONE = re.compile(r"""(?ai)[\w.+-]+/[\w.+-]+;\s*charset=(?P<quote>"?)(?P<charset>[\w-]+)(?P=quote)""")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")


def payload(part: Part) -> bytes:
    """The decoded bytes of a leaf; what cannot be decoded stays as it was written (E93)."""
    if str(part.get("content-transfer-encoding", "")).lower() == "base64" and not part.is_multipart():
        with suppress(ValueError):  # the library does the same by way of each line, in eight times the memory
            return binascii.a2b_base64(part.written)
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    return part.written.encode("utf-8", "surrogateescape")


def parameter(part: Part, name: str, header: str = "content-type") -> str:
    """A parameter of Content-Type or Content-Disposition, decoded, or ""."""
    field = part.get(header)
    if name not in field.lower():
        return ""
    if name == "charset" and (plain := _CHARSET_ALONE.fullmatch(field)):  # most fields hold nothing else
        return plain["charset"]
    try:
        value = part.get_param(name, "", header)
    except (ValueError, LookupError, TypeError):
        return ""
    if isinstance(value, tuple):  # RFC 2231: charset, language, percent-decoded bytes as Latin-1
        charset, _, text = value
        return decode(text.encode("latin-1", "replace"), charset or "utf-8")[0]
    return decode_words(value).strip()


def filename(part: Part) -> str:
    """The file name the sender gave a leaf, as data (S55), or ""."""
    if "content-disposition" not in part and "name" not in str(part.get("content-type", "")).lower():
        return ""
    return clean_name(parameter(part, "filename", "content-disposition") or parameter(part, "name"))


def clean_name(name: str) -> str:
    """*name* without path, device, direction marks or leading dots; at most 150 bytes (E76, E87, S55)."""
    name = one_line(name, 10_000).replace("%2f", "/").replace("%2F", "/").replace("%5c", "\\").replace("%5C", "\\")
    name = name.replace("\\", "/").rpartition("/")[2]
    name = name.lstrip(".- ").rstrip(". ")
    if _RESERVED.match(name):
        name = "_" + name
    if len(name.encode()) <= 150:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 10:
        stem, dot, ending = name, "", ""
    room = 150 - len((dot + ending).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + ending


def is_attached(part: Part) -> bool:
    """Whether its sender says that it is an attachment."""
    return str(part.get("content-disposition", "")).lstrip().lower().startswith("attachment")
