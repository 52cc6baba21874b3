"""Which leaves of a mail are its body, and what they say (E82, E83, E89-E91)."""

from dataclasses import dataclass

from mailgate.ingest.charset import clean, decode
from mailgate.ingest.html import Rendered, render
from mailgate.ingest.leaf import filename, is_attached, parameter, payload
from mailgate.ingest.markup import bare, marks_history, strikes_out, unwrap_safe_links, visible_length
from mailgate.ingest.tree import Part
from mailgate.ingest.uuencode import take_out

MAX_TEXT = 1024**2  # five hundred pages; the whole of it stays in the raw mail
MAX_LINES = 100_000

_STUBS = ("view this email in", "view this message in", "does not support html", "doesn't support html", "html version")


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
    texts = [leaf for leaf in root.leaves() if leaf.declared_type == "text/plain" and not is_attached(leaf)]
    return [Segment(plain=(leaf,)) for leaf in texts[:1]]


def leaves(pieces: list[Segment]) -> frozenset[int]:
    """The leaves of *pieces*, by id."""
    return frozenset(id(part) for piece in pieces for part in (*piece.plain, *piece.html))


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
    if is_attached(part) or filename(part):
        return []
    kind = part.declared_type
    if kind == "text/html":
        return [Segment(html=(part,))]
    if kind in ("text/plain", "text/enriched") or kind.startswith("multipart/") or "/" not in kind:
        return [Segment(plain=(part,))]
    return []


# -------------------------------------------------------------------- reading


def read_body(pieces: list[Segment]) -> Body:
    """The text of the body; HTML is only converted where it says more than the plain text does."""
    texts: list[str] = []
    rendered: list[Rendered] = []
    defects: list[str] = []
    for piece in pieces:
        plain = "\n".join([_plain(part, defects) for part in piece.plain])
        html = "\n".join([_decoded(part, defects) for part in piece.html])
        shown = bare(html)
        lower = shown.lower()
        instead = bool(html) and (strikes_out(lower) or _is_poor(plain, shown))
        if instead or marks_history(lower):
            rendered.append(render(clean(html)))
            texts.append(rendered[-1].text if instead else plain)
        else:
            rendered.append(Rendered(plain))
            texts.append(plain)
    text = "\n".join(texts)
    joined = _joined(rendered)
    return Body(text, None if joined == Rendered(text) else joined, tuple(dict.fromkeys(defects)))


def html_of(root: Part) -> str:
    """The HTML parts of the body of a mail, as they were written."""
    return "\n".join(_decoded(part, []) for piece in segments(root) for part in piece.html)


def read_packed(text: str, html: str) -> Body:
    """The body of a mail that has its words in a winmail.dat alone (E89)."""
    if not html:
        return Body(unwrap_safe_links(clean(text)))
    rendered = render(clean(html))
    return Body(rendered.text, rendered)


def _joined(rendered: list[Rendered]) -> Rendered:
    text = ""
    history_at = None
    for piece in rendered:
        if history_at is None and piece.history_at is not None:
            history_at = len(text) + piece.history_at
        text += piece.text + "\n"
    return Rendered(text.removesuffix("\n"), tuple(part for piece in rendered for part in piece.struck), history_at)


def _is_poor(plain: str, shown: str) -> bool:
    """Whether the plain alternative says too little of what the HTML shows (E82)."""
    if not plain.strip():
        return True
    if len(plain) < 300 and any(stub in plain.lower() for stub in _STUBS):
        return True
    return len(plain) * 5 < len(shown) and len(plain) * 5 < visible_length(shown)


def _plain(part: Part, defects: list[str]) -> str:
    text, _ = take_out(clean(_decoded(part, defects)))
    text = text.replace("\xa0", " ")
    if "flowed" in str(part.get("content-type", "")).lower() and parameter(part, "format").lower() == "flowed":
        text = unflow(text, parameter(part, "delsp").lower() == "yes")
    return unwrap_safe_links(text)


def _decoded(part: Part, defects: list[str]) -> str:
    data = payload(part)
    if len(data) > MAX_TEXT:
        data = data[: data.rfind(b"\n", 0, MAX_TEXT) + 1] or data[:MAX_TEXT]  # no half character
        defects.append("text-too-long")
    if data.count(b"\n") > MAX_LINES:
        data = b"\n".join(data.split(b"\n", MAX_LINES)[:MAX_LINES])
        defects.append("text-too-long")
    text, defect = decode(data, parameter(part, "charset"))
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
