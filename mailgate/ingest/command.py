"""The arguments of MAIL and RCPT: "FROM:<ann@city.example> SIZE=1000" (RFC 5321 section 4.1.2).

Lenient about spaces and missing angle brackets, strict about what could be read in two ways (S1) or
forge a line in a log (S10).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ARGUMENT = re.compile(r"(?:<(?P<path>(?:[^\"<>]|\"(?:[^\"\\]|\\.)*\")*)>|(?P<bare>[^\s<>]+))(?: +(?P<options>.*))?")
_PATH = re.compile(
    r"(?P<route>@[^\s<>()@:;\\\"]+(?:,@[^\s<>()@:;\\\"]+)*:)?"
    r"(?P<local>[^\s<>()@,:;\\\"\[\]]+|\"(?:[^\"\\]|\\.)*\")@(?P<domain>[^\s<>()@,:;\\\"\[\]]+|\[[^\s\[\]\\]+\])"
)


@dataclass(frozen=True, slots=True)
class Path:
    """An address of the envelope as it was spelt; "" is the null reverse-path. *routed*: it named hosts to go by."""

    address: str
    routed: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()


def read_path(argument: str, keyword: str) -> Path | None:
    """The path behind *keyword* ("FROM:", "TO:"), its options by upper-case name; None where it cannot be read."""
    if argument[: len(keyword)].upper() != keyword or not argument.isprintable():
        return None
    found = _ARGUMENT.fullmatch(argument[len(keyword) :].strip(" "))
    if found is None:
        return None
    path = found["bare"] or found["path"]
    options = _options(found["options"])
    if not path:
        return Path("", options=options)
    parts = _PATH.fullmatch(path)
    if parts is None:
        return None
    return Path(f"{parts['local']}@{parts['domain']}", routed=parts["route"] is not None, options=options)


def _options(text: str | None) -> Mapping[str, str]:
    if not text:
        return {}
    return {name.upper(): value for name, _, value in (option.partition("=") for option in text.split())}
