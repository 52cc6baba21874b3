"""Seals: what somebody needs who wants to change a history unnoticed, and who has the database, has not got.

A seal covers the ends of some tickets' histories. Each end has a MAC of its own, so that a history that was written
anew is named, and the seal is a MAC over all of them and over the seal before it (docs/reliability.md section 7).
The keys come from those of ``keys``, for this purpose alone; a seal names its own by the letter.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailgate.errors import Refused

FIRST_BEFORE = bytes(32)
MAC_BYTES = 16
PURPOSE = b"mailgate/v1\0seal"
_GROUP = 8
_SHOWN = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{8}(?:\.?[0-9a-f]{8}){7})")


@dataclass(frozen=True, slots=True)
class Seal:
    """Seal *number*, made at *at* (microseconds since 1970) with the key *key*, over that many *tickets*.

    It covers the first *forgotten* records of deleted histories, too.
    """

    number: int
    at: int
    key: str
    tickets: int
    forgotten: int
    seal: bytes

    def __str__(self) -> str:
        """How it stands in the log, in the daily summary and in a backup, and ``db verify`` reads it.

        In groups of eight digits, "12:9f3a5b01.77c0...", as a long word would be taken for a secret in the log.
        """
        return f"{self.number}:{self.seal.hex('.', _GROUP // 2)}"


@dataclass(frozen=True, slots=True)
class SealedHead:
    """The end of one history, *events* long, as a seal covers it."""

    ticket_id: int
    events: int
    mac: bytes


def keys_from(secrets: Mapping[str, bytes]) -> dict[str, bytes]:
    """The keys for seals, by the letters of the *secrets* they come from."""
    return {letter: hmac.digest(secret, PURPOSE, "sha256") for letter, secret in secrets.items()}


def mac_of(key: bytes, ticket_id: int, events: int, head: bytes) -> bytes:
    """What only the holder of *key* can say about a history of that many *events* that ends with the hash *head*."""
    return hmac.digest(key, b"head\0%d\0%d\0%b" % (ticket_id, events, head), "sha256")[:MAC_BYTES]


@dataclass(frozen=True, slots=True)
class Covered:
    """What a seal covers: the seal *before*, *heads* in the order of their tickets, how many histories were deleted by
    then, and the last hash of their records."""

    before: bytes
    heads: Sequence[SealedHead]
    forgotten: int
    forgotten_hash: bytes


def seal(key: bytes, letter: str, number: int, at: int, covered: Covered) -> Seal:
    """The seal over *covered*."""
    digest, count = hashlib.sha256(covered.before + covered.forgotten_hash), len(covered.heads)
    for each in covered.heads:
        digest.update(b"%d %d %b\n" % (each.ticket_id, each.events, each.mac))
    numbers = (number, at, letter.encode(), count, covered.forgotten)
    said = b"seal\0%d\0%d\0%b\0%d\0%d\0%b" % (*numbers, digest.digest())
    return Seal(number, at, letter, count, covered.forgotten, hmac.digest(key, said, "sha256"))


def written_down(text: str) -> tuple[int, bytes]:
    """The number and the seal of "12:9f3a5b01.77c0...", with or without the dots; Refused where it is none."""
    found = _SHOWN.fullmatch(text.strip().lower())
    if found is None:
        raise Refused(f'"{text}" is not a seal: copy it from the log or the daily summary, as NUMBER:HEX')
    return int(found[1]), bytes.fromhex(found[2].replace(".", ""))
