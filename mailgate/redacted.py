"""The log's second line of defence: what looks like an address, a key or a token is taken out of a text (S75, E225).

The first is that nobody logs any: this is for the sentence that quotes one all the same. What is written in code
(base64, say) looks like a token where it is long, and is not seen where it is short.
"""

import re

ADDRESS, SECRET = "[address]", "[secret]"

_APART = r"\s<>\"'(),;:=|"
_AT = r"(?:@|＠|%40|=40)"
_LOCAL = rf"(?:\"[^\"]{{1,64}}\"|(?:(?!%40)[^{_APART}@＠])+)"
_ADDRESS = re.compile(rf"(?<![^{_APART}@＠]){_LOCAL}{_AT}[^{_APART}]*", re.IGNORECASE)
_TOKEN = re.compile(r"(?<=\d[-.])([a-z])[a-z2-7]{14}([a-z2-7]{2})(?![a-z0-9])")
_WORD = re.compile(r"(?<![\w+=-])[\w+=-]{24,}", re.ASCII)


def redacted(text: str) -> str:
    """*text* without addresses and long tokens; a token of ours as "a…ht". Takes a time that grows with its length."""
    text = _TOKEN.sub(r"\1…\2", text)
    if "@" in text or "＠" in text or "40" in text:
        text = _ADDRESS.sub(ADDRESS, text)
    return _WORD.sub(_unless_a_word, text)


def _unless_a_word(found: re.Match[str]) -> str:
    """A name in code, or a long word of a language, has no digits."""
    return SECRET if any(character.isdigit() for character in found[0]) else found[0]
