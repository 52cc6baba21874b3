"""What proves that a mail answers one of ours: a MAC in the reply address and in the Message-ID (E223-E226).

A token names one mail of ours to one person: the ticket, the mail's serial within it, and what
the token is for. It is a key letter and 16 characters of base32: "at2jh5xleiw7uiral".

The buttons of a summary name a ticket, too, but that mail is about many: instead of a serial their tokens have the
minute at which it was written, and are signed for its reader alone.
"""

import hmac
import re
from base64 import b32encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mailgate.model.reading import Token
from mailgate.tickets import reference

REPLY, BOUNCE, MESSAGE_ID, DIGEST = "reply", "bounce", "msgid", "digest to "
POSTS_FOR, ORDERS_FOR = timedelta(days=400), timedelta(days=30)  # after the next key came (E225)
_LONGEST_BASE = 34  # 64 octets of local part less "+" and the longest tag (E224)
_NAMED = r"(?P<symbols>[a-z0-9]{6})%s(?P<serial>[1-9][0-9]{0,8})%s(?P<mac>[a-z][a-z2-7]{16})"
_IN_ADDRESS = re.compile(r"(?:\+|%2b)" + _NAMED % ("-", "-") + "@", re.ASCII | re.IGNORECASE)
_IN_ID = re.compile(r"<mg\." + _NAMED % (r"\.", r"\.") + "@", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Keys:
    """The signing keys by their letter; *current* signs, the others verify for a time (E225). Never shown or logged.

    *retired_at*: when the next one took the place of a key.
    """

    current: str
    secrets: Mapping[str, bytes] = field(repr=False)
    retired_at: Mapping[str, datetime] = field(default_factory=dict)

    def outlived(self, within: timedelta, now: datetime) -> frozenset[str]:
        """The letters of those that were retired longer ago than *within*."""
        return frozenset(letter for letter, at in self.retired_at.items() if now - at > within)


def sign(keys: Keys, ref: str, serial: int, purpose: str) -> str:
    """Key letter and MAC for mail number *serial* of the ticket *ref* ("MG-7K3F-99")."""
    return keys.current + _mac(keys.secrets[keys.current], ref, serial, purpose)


def check(keys: Keys, now: datetime, token: Token) -> bool:
    """Whether *token* was signed by one of *keys* that still verifies; takes the same time wherever it is wrong."""
    letter = token.mac[:1]
    secret = keys.secrets.get(letter)
    if secret is None or not token.mac.isascii() or letter in keys.outlived(POSTS_FOR, now):
        return False
    return hmac.compare_digest(_mac(secret, token.ref, token.serial, token.purpose), token.mac[1:])


def reply_address(base: str, keys: Keys, ref: str, serial: int) -> str:
    """Where answers to this mail come; *base* itself where it has no room for a token (E224)."""
    return _tagged(base, keys, ref, serial, REPLY)


def digest_address(base: str, keys: Keys, ref: str, at: datetime, reader: str) -> str:
    """Where *reader*'s orders about *ref* come by a summary written *at*; "" where *base* has no room for a token."""
    address = _tagged(base, keys, ref, int(at.timestamp()) // 60, DIGEST + reader.lower())
    return "" if address == base else address


def written_at(token: Token) -> datetime:
    """When the summary was written whose button carries *token*, to the minute."""
    return datetime.fromtimestamp(token.serial * 60, UTC)


def return_path(base: str, keys: Keys, ref: str, serial: int) -> str:
    """Where it comes to that this mail could not be delivered (E141); *base* itself where that has no room."""
    return _tagged(base, keys, ref, serial, BOUNCE)


def _tagged(base: str, keys: Keys, ref: str, serial: int, purpose: str) -> str:
    local, _, domain = base.rpartition("@")
    if "+" in local or len(local) > _LONGEST_BASE:
        return base
    return f"{local}+{_symbols(ref)}-{serial}-{sign(keys, ref, serial, purpose)}@{domain}"


def message_id(domain: str, keys: Keys, ref: str, serial: int) -> str:
    """The Message-ID of this mail, with its angle brackets."""
    return f"<mg.{_symbols(ref)}.{serial}.{sign(keys, ref, serial, MESSAGE_ID)}@{domain}>"


def tokens_in(addresses: Iterable[str], ids: Iterable[str], prefix: str, sender: str = "") -> tuple[Token, ...]:
    """The claims in *addresses* (recipients) and *ids* (In-Reply-To, then References newest first), each once.

    Nothing is proved yet: ask ``check``. *prefix* makes the references canonical, *sender* is who may press buttons.
    """
    named = [each for each in addresses if "+" in each or "%" in each]  # a claim stands behind a plus, or its code
    found = (
        *_claims(_IN_ADDRESS, named, REPLY, prefix),
        *_claims(_IN_ADDRESS, named, BOUNCE, prefix),  # which of them it is, its MAC says
        *(_claims(_IN_ADDRESS, named, DIGEST + sender, prefix) if sender else ()),
        *_claims(_IN_ID, ids, MESSAGE_ID, prefix),
    )
    return tuple(dict.fromkeys(found))


def _claims(pattern: re.Pattern[str], texts: Iterable[str], purpose: str, prefix: str) -> Iterator[Token]:
    for text in texts:
        if (match := pattern.search(text)) is not None:
            ref = reference.canonical(match["symbols"], prefix)
            if reference.is_valid(ref):
                yield Token(ref, int(match["serial"]), purpose, match["mac"].lower())


def _symbols(ref: str) -> str:
    return reference.symbols_of(ref).lower()


def _mac(secret: bytes, ref: str, serial: int, purpose: str) -> str:
    said = "\0".join(("mailgate/v1", purpose, reference.symbols_of(ref), str(serial)))
    return b32encode(hmac.digest(secret, said.encode(), "sha256")[:10]).decode().lower()
