"""What is left of somebody who was erased: a hash that only this gateway can make, so that a restore erases them again.

Its key is one of those that sign our tokens, for this purpose alone: without the key the hash tells nothing, not even
to somebody who tries every address there is.
"""

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from mailgate.tickets.token import Keys

PURPOSE = "mailgate erased"
_NAME = re.compile(r"(?P<letter>[a-z])-(?P<kind>person|case|ticket)-(?P<digest>[0-9a-f]{64})-(?P<at>[0-9]{1,20})")


class Erased(StrEnum):
    """What was erased: a person by the address, a case by its key, a ticket by its reference."""

    PERSON = "person"
    CASE = "case"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """*letter* is that of its key, *at* the instant in microseconds since 1970."""

    letter: str
    kind: Erased
    digest: str
    at: int

    @property
    def name(self) -> str:
        return f"{self.letter}-{self.kind}-{self.digest}-{self.at}"


def made(keys: Keys, kind: Erased, value: str, at: int) -> Tombstone:
    """The tombstone of *value*, by the key that signs."""
    return Tombstone(keys.current, kind, digest_of(keys.secrets[keys.current], kind, value), at)


def digest_of(secret: bytes, kind: Erased, value: str) -> str:
    said = "\0".join((PURPOSE, kind, value)).encode("utf-8", "surrogatepass")
    return hmac.digest(secret, said, "sha256").hex()


def read(name: str) -> Tombstone | None:
    """The tombstone that has this *name*; None where it is the name of something else."""
    found = _NAME.fullmatch(name)
    return Tombstone(found["letter"], Erased(found["kind"]), found["digest"], int(found["at"])) if found else None
