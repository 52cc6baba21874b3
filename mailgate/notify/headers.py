"""Header fields of the mails we send, written so that no value can ever add another field (R14, S46)."""

import re
from collections.abc import Iterable
from email.header import Header
from functools import lru_cache

NEWEST_REFERENCES = 10
CRLF = "\r\n"
_WIDTH = 78

_BREAKS = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]+")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_LOCAL_PART = r'(?:[A-Za-z0-9.!#$%&\'*+/=?^_`{|}~-]+|"[ !#-\[\]-~]+")'
_ADDRESS = re.compile(_LOCAL_PART + r"@[A-Za-z0-9.-]+")


def clean(value: str) -> str:
    """*value* on one line: runs of space and control characters become one space, invisible ones go (E76)."""
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()
    return _BREAKS.sub(" ", _INVISIBLE.sub("", value)).strip()


def can_be_written(address: str) -> bool:
    """Whether *address* can stand in a header and an envelope as it is: ASCII, nothing that ends it early."""
    return len(address) <= 254 and _ADDRESS.fullmatch(address) is not None


def unstructured(name: str, value: str) -> str:
    """The field *name* with free text, folded; as encoded words where it is not plain ASCII.

    Text that looks like an encoded word is encoded too, so that nobody decodes it further.
    """
    value = clean(value)
    if not value.isascii() or "=?" in value:
        return f"{name}: {_encoded(value, len(name) + 2)}"
    lines, line = [], f"{name}:"
    for word in value.split(" "):
        if len(line) + 1 + len(word) > _WIDTH and not line.endswith(":"):
            lines.append(line)
            line = ""
        line += f" {word}"
    return CRLF.join([*lines, line])


def mailbox(name: str, display: str, address: str) -> str:
    """The field *name* with one address and who it is; *display* comes from ``display_name``."""
    field = f"{name}: {display}"
    last_line = field.rpartition("\n")[2]
    fits = len(last_line) + len(address) + len(" <>") <= _WIDTH
    return f"{field}{' ' if fits else CRLF + ' '}<{address}>"


@lru_cache(maxsize=256)
def display_name(name: str) -> str:
    """*name* as it may stand before an address: quoted, or as encoded words."""
    name = clean(name)
    if not name.isascii() or "=?" in name:
        return _encoded(name, len("Reply-To: "))
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encoded(value: str, taken: int) -> str:
    return Header(value, "utf-8", maxlinelen=_WIDTH - 2, header_name="x" * (taken - 2)).encode(linesep=CRLF)


def references(answered: str, before: Iterable[str]) -> tuple[str, ...]:
    """The ids of the conversation: its root and the newest ten, *answered* last (E125)."""
    ids = tuple(dict.fromkeys(known for known in before if known != answered and is_message_id(known)))
    if is_message_id(answered):
        ids = (*ids, answered)
    return ids if len(ids) <= NEWEST_REFERENCES + 1 else (ids[0], *ids[-NEWEST_REFERENCES:])


def is_message_id(value: str) -> bool:
    """Whether *value* is an id that can be repeated byte by byte: printable ASCII in angle brackets."""
    return _MESSAGE_ID.fullmatch(value) is not None


def id_list(name: str, ids: Iterable[str]) -> str:
    """The field *name* with message ids, verbatim: never an encoded word, one id a line (E125)."""
    return f"{name}: " + f"{CRLF} ".join(ids)
