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

_PIECES = re.compile(r"[\W_]+", re.ASCII)
_CHANCE = 8  # characters: a shorter piece may be a name and its number


def redacted(text: str) -> str:
    """*text* without addresses and long tokens; a token of ours as "a…ht". Takes a time that grows with its length."""
    text = _TOKEN.sub(r"\1…\2", text)
    if "@" in text or "＠" in text or "40" in text:
        text = _ADDRESS.sub(ADDRESS, text)
    return _WORD.sub(_unless_a_word, text)


def _unless_a_word(found: re.Match[str]) -> str:
    """What people name, such as a folder, is of words and numbers; what is made by chance mixes letters and digits."""
    long = [piece for piece in _PIECES.split(found[0]) if len(piece) >= _CHANCE]
    return SECRET if any(not piece.isalpha() and not piece.isdecimal() for piece in long) else found[0]
