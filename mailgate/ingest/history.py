"""Where the history begins in the text of a mail: layers 1, 3, 4 and 5 of E100-E106.

All are scans over lines; nothing looks further than a few lines ahead.
"""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

MAX_BLOCK = 25
MAX_ATTRIBUTION = 300

_MARKERS = ("reply above this line", "atebwch uwchben y llinell hon")


class Label(StrEnum):
    FROM = "from"
    DATE = "date"
    TO = "to"
    SUBJECT = "subject"


_LABELS = {
    label: kind
    for kind, labels in {
        Label.FROM: "from,von,de,da,van,från,fra,lähettäjä,od,oddi wrth,reply-to",
        Label.DATE: "sent,date,sent on,date sent,gesendet,datum,envoyé,envoyé le,enviado,enviada em,fecha,data,"
        "inviato,verzonden,skickat,sendt,lähetetty,wysłano,odesláno,anfonwyd",
        Label.TO: "to,cc,bcc,an,à,para,a,aan,till,til,vastaanottaja,do,komu,at,kopie,kopia,organization,importance,"
        "attachments,attachment",
        Label.SUBJECT: "subject,betreff,objet,asunto,assunto,oggetto,onderwerp,ämne,emne,aihe,temat,předmět,pwnc",
    }.items()
    for label in labels.split(",")
}
_OPENINGS = (
    "on ",
    "am ",
    "le ",
    "el ",
    "il ",
    "op ",
    "den ",
    "em ",
    "dne ",
    "w dniu ",
    "ar ",
    "em ",
    "il giorno ",
    "pe ",
)
_VERBS = (
    *("wrote:", "writes:", "schrieb:", "a écrit :", "a écrit:", "escribió:", "escreveu:", "ha scritto:", "schreef:"),
    *("skrev:", "kirjoitti:", "napisał(a):", "napisał:", "napsal(a):", "ysgrifennodd:", "said:"),
)
_VERB_INSIDE = (" schrieb ", " schreef ", " skrev ", " wrote ")
_ADDRESS_AT_END = re.compile(r"<[^<>\s]{1,200}@[^<>\s]{1,200}>\s*(?:wrote|schrieb|a écrit)?\s*:$")
_ORIGINAL = (
    *("original message", "original-nachricht", "ursprüngliche nachricht", "message d'origine", "mensaje original"),
    *("messaggio originale", "oorspronkelijk bericht", "oprindelig meddelelse", "opprinnelig melding"),
    *("ursprungligt meddelande", "alkuperäinen viesti", "wiadomość oryginalna", "původní zpráva", "neges wreiddiol"),
)
_FORWARDED = (
    "forwarded message",
    "weitergeleitete nachricht",
    "message transféré",
    "mensaje reenviado",
    "begin forwarded message:",
)


class Found(NamedTuple):
    """The history begins at *line*; what is kept of a forward begins at *content*."""

    line: int
    content: int
    layer: str
    forward: bool = False


def bare(line: str) -> str:
    """*line* without the marks of quoting and of bold type around it."""
    return line.strip(" \t>|*\u200b")


def is_quoted(line: str) -> bool:
    return line.lstrip(" ").startswith(">")


def find(lines: Sequence[str]) -> Found | None:
    """The first sign of history among *lines*: our marker, a header block, a separator or an attribution."""
    reached = 0
    for i in range(len(lines)):
        found, reached = at(lines, i, reached)
        if found:
            return found
    return None


def at(lines: Sequence[str], i: int, reached: int = 0) -> tuple[Found | None, int]:
    """The sign of history at line *i*, and up to where it is known that no header block begins."""
    text = bare(lines[i])
    if len(text) < 4:  # no sign is that short
        return None, reached
    found = _marker(lines, i, text) or _separator(lines, i, text)
    if found is None and i >= reached:
        found, reached = _block_at(lines, i, text)
    return found or _attribution(lines, i, text), reached


def _marker(lines: Sequence[str], i: int, text: str) -> Found | None:
    if "##" not in text and "line" not in text and "hon" not in text and "above" not in text and "uwchben" not in text:
        return None
    if len(text) > 80:
        return None
    following = lines[i + 1] if i + 1 < len(lines) else ""
    for candidate in (text, f"{text} {bare(following)}"):
        plain = unicodedata.normalize("NFKC", candidate).strip(" *_#[]|").casefold()
        if " ".join(plain.split()) in _MARKERS:
            return Found(i, i + 1, "marker")
    return None


def _separator(lines: Sequence[str], i: int, text: str) -> Found | None:
    lowered = text.casefold()
    if not (text.startswith("-") or lowered.startswith("begin forwarded")):
        return None
    words = lowered.strip("- ")
    if len(words) > 60:
        return None
    if any(words.startswith(phrase) for phrase in _FORWARDED):
        return Found(i, header_block_end(lines, i + 1), "separator", forward=True)
    if text.startswith("--") and any(words.startswith(phrase) for phrase in _ORIGINAL):
        return Found(i, header_block_end(lines, i + 1), "separator")
    return None


def _block_at(lines: Sequence[str], i: int, text: str) -> tuple[Found | None, int]:
    start: int | None = i
    if is_rule(text):
        start = _next_filled(lines, i + 1)
    if start is None or _label(bare(lines[start])) is None:
        return None, i
    end, reached = _scan_block(lines, start)
    return (Found(i, end, "header-block"), reached) if end > start else (None, reached)


def is_rule(line: str) -> bool:
    """Whether *line* is only a ruled line of underscores or dashes."""
    line = line.strip(" \t>*")
    return len(line) >= 5 and not line.strip("_-")


def _next_filled(lines: Sequence[str], start: int) -> int | None:
    return next((i for i in range(start, min(start + 3, len(lines))) if bare(lines[i])), None)


def _label(text: str) -> tuple[Label, str] | None:
    """The kind of header label that *text* opens with, and what stands behind it."""
    colon = text.find(":", 0, 26)
    if colon < 0 and not text.isascii():
        colon = text.find("：", 0, 26)
    if colon < 1:
        return None
    kind = _LABELS.get(text[:colon].strip(" \t*_\xa0").casefold())
    return (kind, text[colon + 1 :].strip(" \t*_")) if kind else None


def header_block_end(lines: Sequence[str], start: int) -> int:
    """The line after the header block that begins at *start*, or *start* where there is none (E104)."""
    return _scan_block(lines, start)[0]


def _scan_block(lines: Sequence[str], start: int) -> tuple[int, int]:
    """The end of the block, or *start*; and how far the lines were looked at."""
    seen: set[Label] = set()
    count = 0
    end = start
    last: Label | None = None
    i = start
    for i in range(start, min(start + MAX_BLOCK, len(lines))):
        text = bare(lines[i])
        if not text:
            if _complete(seen, count) and not _follows(lines, i + 1):
                break
            continue
        found = _label(text)
        if found is None:
            if last not in (Label.TO, Label.SUBJECT, Label.FROM) or not _follows(lines, i + 1):
                break
            continue
        last, value = found
        if last is Label.FROM and not any(letter.isalpha() for letter in value):
            break
        if last is Label.DATE and not any(letter.isdigit() for letter in value):
            break
        seen.add(last)
        count += 1
        end = i + 1
    return (end if _complete(seen, count) else start), i


def _complete(seen: set[Label], count: int) -> bool:
    return count >= 3 and Label.FROM in seen and Label.DATE in seen


def _follows(lines: Sequence[str], start: int) -> bool:
    """Whether a label stands within the next lines (folded recipients lie between)."""
    return any(_label(bare(line)) for line in lines[start : start + 3])


def _attribution(lines: Sequence[str], i: int, text: str) -> Found | None:
    lowered = text.casefold()
    if not lowered.startswith((*_OPENINGS, "----")) and ":" not in lowered[-3:]:
        return None
    if is_quoted(lines[i]) and lines[i].lstrip().startswith(">>"):
        return None
    if text.startswith("----"):
        return Found(i, i + 1, "attribution") if _is_ruled_off(lowered) else None
    joined = lowered
    may_wrap = lowered.startswith(_OPENINGS)
    for last in range(i, min(i + (3 if may_wrap else 1), len(lines))):
        if last > i:
            more = bare(lines[last])
            if not more:
                return None
            joined = f"{joined} {more.casefold()}"
        if len(joined) > MAX_ATTRIBUTION:
            return None
        if joined.endswith(":") and _says_who(joined):
            return Found(i, last + 1, "attribution") if _leads_to_quote(lines, last + 1, joined) else None
    return None


def _is_ruled_off(text: str) -> bool:
    """Zoho's form: "---- On Wed, 24 Feb 2021 14:02 ann@x.example wrote ----"."""
    core = text.strip("- ")
    dated = any(letter.isdigit() for letter in core)
    return text.endswith("----") and core.startswith(_OPENINGS) and f"{core}:".endswith(_VERBS) and dated


def _says_who(text: str) -> bool:
    """Whether *text* names a writer and a date, or a writer's address."""
    if not any(letter.isdigit() for letter in text):
        return "@" in text and _ADDRESS_AT_END.search(text) is not None
    if text.startswith(_OPENINGS):
        return (
            text.endswith(_VERBS)
            or any(verb in text for verb in _VERB_INSIDE)
            or _ADDRESS_AT_END.search(text) is not None
        )
    return _ADDRESS_AT_END.search(text) is not None or ("@" in text and text.endswith(_VERBS))


def _leads_to_quote(lines: Sequence[str], start: int, text: str) -> bool:
    """Followed by a quotation or by nothing; an address or a clock time proves it as well."""
    following = next((line for line in lines[start : start + 4] if line.strip()), None)
    return following is None or is_quoted(following) or "@" in text or re.search(r"\d:\d\d", text) is not None
