"""Whether a sender's name or domain looks like somebody else's (E185, S40).

Nothing is decided by it: rights go by the address alone. People are told, as they read names before addresses.
"""

import re
import unicodedata
from dataclasses import replace

from mailgate.model.config import Config
from mailgate.model.decision import Reply
from mailgate.model.message import Address

_SHOWS_A_SENDER = frozenset({"new", "assigned", "news"})
_ADDRESS = re.compile(r"[^\s@<>\"'(]{1,64}@[^\s@<>\"')]{1,255}")
_CYRILLIC = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u043a\u043c\u0442\u04cf"
)
_GREEK = "\u03b1\u03bf\u03c1\u03bd\u03c5\u03b9\u03ba\u03c4\u03c7\u03b5"
_LOOKS_LIKE = str.maketrans(_CYRILLIC + _GREEK + "\u0131" + "01", "aeopcyxijshdqwkmtl" + "aopvuiktxe" + "i" + "ol")


def why(sender: Address | None, config: Config) -> str:
    """What to beware of in *sender*, as a sentence without anybody's name or address; "" where nothing shows."""
    if sender is None:
        return ""
    named = {each.casefold() for each in _ADDRESS.findall(unicodedata.normalize("NFKC", sender.name))}
    if named - {sender.address}:
        return "its sender's name is an address, and not the one that it came from"
    looks = _skeleton(sender.domain)
    ours = [_skeleton(domain) for domain in config.service.domains]
    alike = any(looks == each or looks.endswith(f".{each}") for each in ours)
    if alike and not config.is_ours(sender.domain):
        return "its sender's domain looks like one of ours, and is another"
    return ""


def warned(reply: Reply, beware: str) -> Reply:
    """*reply* with *beware*, where its readers see what the sender asked."""
    if reply.message not in _SHOWS_A_SENDER:
        return reply
    return replace(reply, fields={**reply.fields, "beware": beware})


def _skeleton(domain: str) -> str:
    """What *domain* looks like: letters of other alphabets, and figures, as the letters that they are taken for."""
    labels = (_shown(label) for label in domain.split("."))
    plain = unicodedata.normalize("NFKC", ".".join(labels)).casefold().translate(_LOOKS_LIKE)
    return plain.replace("rn", "m").replace("vv", "w")


def _shown(label: str) -> str:
    """A label of a domain as people see it."""
    if not label.startswith("xn--"):
        return label
    try:
        return label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError:
        return label
