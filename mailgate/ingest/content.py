"""Which leaves of a mail are its body and which are attachments (E82, E83, E87-E93)."""

import binascii
import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass

from mailgate.ingest.charset import clean, decode, one_line
from mailgate.ingest.headers import decode_words
from mailgate.ingest.html import Rendered, marks_history, render, strikes_out, unwrap_safe_links, visible_length
from mailgate.ingest.tree import Part
from mailgate.model.message import Attachment

_STUBS = ("view this email in", "view this message in", "does not support html", "doesn't support html", "html version")
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
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")
_NAMES = {
    "message/rfc822": "forwarded.eml",
    "message/delivery-status": "delivery-status.txt",
    "text/rfc822-headers": "headers.txt",
    "text/calendar": "invitation.ics",
    "text/html": "text.html",
    "text/plain": "text.txt",
    "application/ms-tnef": "winmail.dat",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of the body, in one form or in two; a form may be several parts (Apple Mail)."""

    plain: tuple[Part, ...] = ()
    html: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The body as text. *rendered*: the text of its HTML, where that was worth reading."""

    text: str
    rendered: Rendered | None = None
    defects: tuple[str, ...] = ()


# ------------------------------------------------------------------- choosing


def segments(root: Part) -> list[Segment]:
    """The pieces of the body, in order (E82)."""
    found = _segments(root)
    if found:
        return found
    texts = [leaf for leaf in root.leaves() if leaf.declared_type == "text/plain" and not _is_attached(leaf)]
    return [Segment(plain=(leaf,)) for leaf in texts[:1]]


def _segments(part: Part) -> list[Segment]:
    if not part.is_multipart():
        return _leaf_segment(part)
    kind = part.declared_type
    children = part.children
    if kind == "multipart/alternative":
        return _alternative([_segments(child) for child in children])
    if kind == "multipart/related":
        return _segments(_related_root(part)) if children else []
    if kind in ("multipart/signed", "multipart/report"):
        return _segments(children[0]) if children else []
    if kind == "multipart/encrypted":
        return []
    return [segment for child in children for segment in _segments(child)]


def _alternative(found: list[list[Segment]]) -> list[Segment]:
    """One piece of the body in two forms: the first form with plain text, the last with HTML."""
    plain = next((form for form in found if any(segment.plain for segment in form)), [])
    html = next((form for form in reversed(found) if any(segment.html for segment in form)), [])
    if not plain and not html:
        return []
    return [
        Segment(
            tuple(part for segment in plain for part in segment.plain),
            tuple(part for segment in html for part in segment.html),
        )
    ]


def _related_root(part: Part) -> Part:
    start = parameter(part, "start")
    if start:
        for child in part.children:
            if str(child.get("content-id", "")).strip() == start:
                return child
    return part.children[0]


def _leaf_segment(part: Part) -> list[Segment]:
    if _is_attached(part) or filename(part):
        return []
    kind = part.declared_type
    if kind == "text/html":
        return [Segment(html=(part,))]
    if kind in ("text/plain", "text/enriched") or kind.startswith("multipart/") or "/" not in kind:
        return [Segment(plain=(part,))]
    return []


def _is_attached(part: Part) -> bool:
    return str(part.get("content-disposition", "")).lstrip().lower().startswith("attachment")


# -------------------------------------------------------------------- reading


def read_body(pieces: list[Segment]) -> Body:
    """The text of the body; HTML is only converted where it says more than the plain text does."""
    texts: list[str] = []
    rendered: list[Rendered] = []
    defects: list[str] = []
    for piece in pieces:
        plain = "\n".join([_plain(part, defects) for part in piece.plain])
        html = "\n".join([clean(_decoded(part, defects)) for part in piece.html])
        instead = bool(html) and (strikes_out(html) or _is_poor(plain, html))
        if instead or marks_history(html):
            rendered.append(render(html))
            texts.append(rendered[-1].text if instead else plain)
        else:
            rendered.append(Rendered(plain))
            texts.append(plain)
    text = "\n".join(texts)
    joined = _joined(rendered)
    return Body(text, None if joined == Rendered(text) else joined, tuple(dict.fromkeys(defects)))


def _joined(rendered: list[Rendered]) -> Rendered:
    text = ""
    history_at = None
    for piece in rendered:
        if history_at is None and piece.history_at is not None:
            history_at = len(text) + piece.history_at
        text += piece.text + "\n"
    return Rendered(text.removesuffix("\n"), tuple(part for piece in rendered for part in piece.struck), history_at)


def _is_poor(plain: str, html: str) -> bool:
    """Whether the plain alternative says too little of what the HTML says (E82)."""
    if not plain.strip():
        return True
    if len(plain) < 300 and any(stub in plain.lower() for stub in _STUBS):
        return True
    return len(plain) * 5 < len(html) and len(plain) * 5 < visible_length(html)


def _plain(part: Part, defects: list[str]) -> str:
    text = clean(_decoded(part, defects)).replace("\xa0", " ")
    if "flowed" in str(part.get("content-type", "")).lower() and parameter(part, "format").lower() == "flowed":
        text = unflow(text, parameter(part, "delsp").lower() == "yes")
    return unwrap_safe_links(text)


def _decoded(part: Part, defects: list[str]) -> str:
    text, defect = decode(payload(part), parameter(part, "charset"))
    if defect:
        defects.append(defect)
    return text


def unflow(text: str, delete_space: bool) -> str:
    """The paragraphs of format=flowed text as one line each (E83, RFC 3676)."""
    out: list[str] = []
    held = ""
    held_depth = 0
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        words = line[depth:].removeprefix(" ")
        if held and (depth != held_depth or words == "-- "):
            out.append(_requoted(held, held_depth))
            held = ""
        if words.endswith(" ") and words != "-- ":
            held += words[:-1] if delete_space else words
            held_depth = depth
            continue
        out.append(_requoted(held + words, depth))
        held = ""
    if held:
        out.append(_requoted(held, held_depth))
    return "\n".join(out)


def _requoted(words: str, depth: int) -> str:
    return f"{'>' * depth} {words}" if depth else words


def payload(part: Part) -> bytes:
    """The decoded bytes of a leaf; what cannot be decoded stays as it was written (E93)."""
    if str(part.get("content-transfer-encoding", "")).lower() == "base64" and not part.is_multipart():
        with suppress(ValueError):  # the library does the same by way of each line, in eight times the memory
            return binascii.a2b_base64(part.get_payload())  # type: ignore[arg-type]
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def parameter(part: Part, name: str, header: str = "content-type") -> str:
    """A parameter of Content-Type or Content-Disposition, decoded, or ""."""
    try:
        value = part.get_param(name, "", header)
    except (ValueError, LookupError, TypeError):
        return ""
    if isinstance(value, tuple):  # RFC 2231: charset, language, percent-decoded bytes as Latin-1
        charset, _, text = value
        return decode(text.encode("latin-1", "replace"), charset or "utf-8")[0]
    return decode_words(value).strip()


# ---------------------------------------------------------------- attachments


def filename(part: Part) -> str:
    """The file name the sender gave a leaf, as data (S55), or ""."""
    if "content-disposition" not in part and "name" not in str(part.get("content-type", "")).lower():
        return ""
    return clean_name(parameter(part, "filename", "content-disposition") or parameter(part, "name"))


def clean_name(name: str) -> str:
    """*name* without path, device, direction marks or leading dots; at most 150 bytes (E76, E87, S55)."""
    name = one_line(name, 1000).replace("%2f", "/").replace("%2F", "/").replace("%5c", "\\").replace("%5C", "\\")
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


def attachments(root: Part, pieces: list[Segment]) -> tuple[Attachment, ...]:
    """Every leaf that is not the body (E87, E90); attached mails are one file each."""
    body = {id(part) for piece in pieces for part in (*piece.plain, *piece.html)}
    numbered = enumerate(root.leaves())
    return tuple(_attachment(leaf, number) for number, leaf in numbered if id(leaf) not in body and not _is_empty(leaf))


def _is_empty(leaf: Part) -> bool:
    """A text part of nothing but white space, as mail programs put between and after attachments."""
    return leaf.declared_type in ("text/plain", "text/html") and not filename(leaf) and not payload(leaf).strip()


def _attachment(leaf: Part, number: int) -> Attachment:
    data = payload(leaf)
    declared = leaf.declared_type
    disposition = str(leaf.get("content-disposition", "")).lstrip().lower()
    return Attachment(
        filename=filename(leaf) or _NAMES.get(declared) or f"part-{number}",
        content_type=content_type(declared, data),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        part=number,
        inline="content-id" in leaf and declared.startswith("image/") and not disposition.startswith("attachment"),
    )


def content_type(declared: str, data: bytes) -> str:
    """What the first bytes say a file is, where they say so and the label does not fit (E87)."""
    for start, found, fitting in _MAGIC:
        if data.startswith(start):
            return declared if declared.startswith(fitting) else found
    return declared
