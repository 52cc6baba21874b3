"""The attachments of a mail: every leaf that is not its body, and the files that are packed in one (E87-E90)."""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from mailgate.ingest import tnef, uuencode
from mailgate.ingest.leaf import clean_name, filename, is_attached, payload
from mailgate.ingest.tree import Part
from mailgate.model.message import Attachment

_MAGIC = (
    (b"%PDF-", "application/pdf", ("application/pdf",)),
    (b"\x89PNG\r\n\x1a\n", "image/png", ("image/png",)),
    (b"\xff\xd8\xff", "image/jpeg", ("image/",)),
    (b"GIF8", "image/gif", ("image/gif",)),
    (b"PK\x03\x04", "application/zip", ("application/vnd.", "application/epub", "application/java", "application/zip")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage", ("application/vnd.ms-", "application/msword")),
    (b"{\\rtf", "application/rtf", ("application/rtf", "text/rtf", "application/msword")),
    (b"MZ", "application/x-msdownload", ("application/x-msdownload", "application/x-dosexec")),
    (b"Rar!\x1a\x07", "application/vnd.rar", ("application/vnd.rar", "application/x-rar")),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", ("application/x-7z",)),
    (b"\x1f\x8b", "application/gzip", ("application/gzip", "application/x-gzip", "application/x-tar")),
)
_NAMES = {
    "message/rfc822": "forwarded.eml",
    "message/delivery-status": "delivery-status.txt",
    "text/rfc822-headers": "headers.txt",
    "text/calendar": "invitation.ics",
    "text/html": "text.html",
    "text/plain": "text.txt",
    "application/ms-tnef": "winmail.dat",
}
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/x-microsoft-rpmsg-message"})


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What is packed in leaves: *files* as attachments without a number, *instead_of* the leaves they replace (by id).

    *text*, *html* and *message_class* are those of a winmail.dat.
    """

    files: tuple[tuple[Attachment, bytes], ...] = ()
    instead_of: frozenset[int] = frozenset()
    text: str = ""
    html: str = ""
    message_class: str = ""
    defects: tuple[str, ...] = ()


def unpack(root: Part) -> Unpacked:
    """What winmail.dat holds, and what is uuencoded in the text (E89, S28); archives stay shut (E88, S23)."""
    files: list[tuple[Attachment, bytes]] = []
    opened = tnef.Tnef()
    instead_of: list[int] = []
    defects: list[str] = []
    numbers = _following(root)
    for leaf in root.leaves():
        if _is_tnef(leaf):
            found = tnef.unpack(payload(leaf))
            if found.whole:
                opened = found
                instead_of.append(id(leaf))
            else:
                defects.append("broken-tnef")  # the blob stays beside what could be read of it
            files += [_packed(next(numbers), *_facts(file)) for file in found.files]
        elif _may_hold_files(leaf):
            for packed in uuencode.take_out(payload(leaf).decode("latin-1"))[1]:
                files.append(_packed(next(numbers), packed.name, "application/octet-stream", packed.data))
                defects += [] if packed.whole else ["broken-uuencode"]
    return Unpacked(tuple(files), frozenset(instead_of), opened.text, opened.html, opened.message_class, tuple(defects))


def _following(root: Part) -> Iterator[int]:
    """Numbers for what is packed: those after the leaves."""
    return itertools.count(sum(1 for _ in root.leaves()))


def _facts(file: tnef.File) -> tuple[str, str, bytes, bool]:
    return file.name, file.content_type or "application/octet-stream", file.data, file.inline


def _packed(number: int, name: str, declared: str, data: bytes, inline: bool = False) -> tuple[Attachment, bytes]:
    kind = content_type(declared, data)
    inline = inline and kind.startswith("image/")
    return _described(clean_name(name) or f"noname{number}", kind, data, number, inline), data


def _is_tnef(leaf: Part) -> bool:
    return leaf.declared_type in _TNEF or filename(leaf).lower() == "winmail.dat"


def _may_hold_files(leaf: Part) -> bool:
    if leaf.declared_type != "text/plain" or is_attached(leaf) or filename(leaf):
        return False
    return "begin " in leaf.written


def attachments(root: Part, body: frozenset[int], unpacked: Unpacked) -> tuple[Attachment, ...]:
    """Every leaf that is not of the *body* (ids of leaves), then what was unpacked; attached mails are one file each.

    The signature of a signed mail is none, unless its sender named it: it says who wrote it, not what (E91).
    """
    left_out = body | unpacked.instead_of | {id(leaf) for leaf in _signatures(root)}
    unnamed = itertools.count(1)
    own = [
        _attachment(leaf, number, unnamed)
        for number, leaf in enumerate(root.leaves())
        if id(leaf) not in left_out and not _is_empty(leaf)
    ]
    return (*own, *(attachment for attachment, _ in unpacked.files))


def is_protected(root: Part) -> bool:
    """Whether the words of a mail are for its reader's own program alone: encrypted or rights-managed (E91)."""
    return root.declared_type == "multipart/encrypted" or any(
        leaf.declared_type in _SEALED or filename(leaf).lower().endswith(".rpmsg") for leaf in root.leaves()
    )


def _signatures(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        waiting += part.children
        if part.declared_type == "multipart/signed":
            yield from (
                child for child in part.children[1:] if child.declared_type in _SIGNATURES and not filename(child)
            )


def _is_empty(leaf: Part) -> bool:
    """A text part of nothing but white space, as mail programs put between and after attachments."""
    return leaf.declared_type in ("text/plain", "text/html") and not filename(leaf) and not payload(leaf).strip()


def _attachment(leaf: Part, number: int, unnamed: Iterator[int]) -> Attachment:
    data = payload(leaf)
    declared = leaf.declared_type
    name = filename(leaf) or _NAMES.get(declared) or f"noname{next(unnamed)}"
    inline = "content-id" in leaf and declared.startswith("image/") and not is_attached(leaf)
    return _described(name, content_type(declared, data), data, number, inline)


def _described(name: str, kind: str, data: bytes, number: int, inline: bool) -> Attachment:
    return Attachment(name, kind, len(data), hashlib.sha256(data).hexdigest(), number, inline)


def content_type(declared: str, data: bytes) -> str:
    """What the first bytes say a file is, where they say so and the label does not fit (E87)."""
    for start, found, fitting in _MAGIC:
        if data.startswith(start):
            return declared if declared.startswith(fitting) else found
    return declared
