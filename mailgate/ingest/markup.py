"""What a look at the letters of HTML tells, before it is worth parsing (E82, E85, E101)."""

import re
from urllib.parse import unquote

_TAG = re.compile(r"<[^<>]{0,5000}>?")
_SAFE_LINK = re.compile(
    r"https://[\w.-]{1,80}\.safelinks\.protection\.outlook\.com/[^?\s<>\"]{0,40}\?url=([^&\s<>\"]+)[^\s<>\")\]]*"
)
_MARKS = (
    *(
        "gmail_quote",
        "divrplyfwdmsg",
        "moz-cite",
        "type=cite",
        'type="cite',
        "type='cite",
        "yahoo_quoted",
        "protonmail_quote",
    ),
    *("reference-message", "olk_src_body", "messagereplysection"),
)
_STRIKES = ("line-through", "<s>", "<s ", "<strike", "<del>", "<del ")


def bare(html: str) -> str:
    """*html* without its head, comments, style and scripts: linear, and right for any bytes."""
    lower = html.lower()
    for opening, closing in (("<!--", "-->"), ("<style", "</style>"), ("<script", "</script>"), ("<head>", "</head>")):
        if opening in lower and len(lower) == len(html):
            html = _without(html, lower, opening, closing)
            lower = html.lower()
    return html


def marks_history(lower: str) -> bool:
    """Whether a known mail client marked quoted history in bare HTML in small letters (E82, E101)."""
    return any(mark in lower for mark in _MARKS)


def strikes_out(lower: str) -> bool:
    """Whether something in bare HTML in small letters may be struck out."""
    return any(strike in lower for strike in _STRIKES)


def visible_length(shown: str) -> int:
    """About how many characters bare HTML shows; a cheap upper bound for E82."""
    return sum(len(piece) for piece in _TAG.sub(" ", shown).split())


def strip_tags(html: str) -> str:
    """*html* without its tags, for what no parser takes."""
    return _TAG.sub(" ", bare(html))


def _without(html: str, lower: str, opening: str, closing: str) -> str:
    kept: list[str] = []
    at = 0
    while (start := lower.find(opening, at)) >= 0:
        end = lower.find(closing, start + len(opening))
        if end < 0:
            break
        kept.append(html[at:start])
        at = end + len(closing)
    kept.append(html[at:])
    return "".join(kept)


def unwrap_safe_links(text: str) -> str:
    """*text* with Exchange's Safe Links replaced by the addresses they stand for (E85)."""
    if "safelinks.protection.outlook.com" not in text:
        return text
    return _SAFE_LINK.sub(_unwrapped, text)


def _unwrapped(link: re.Match[str]) -> str:
    stop = link[0][len(link[0].rstrip(".,;")) :]  # the sentence's, not the link's
    return unquote(link[1].rstrip(".,;")) + stop
