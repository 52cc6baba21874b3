"""What the SMTP door refuses and in which words: the reply table E10 of docs/email.md section 1."""

import ipaddress
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from mailgate.ingest.command import Path
from mailgate.model.config import Config, Mode

BUSY = b"421 4.3.2 try again later"
NOT_HERE = b"554 5.7.1 not accepted here"
MUST_SECURE = b"530 5.7.0 Must issue a STARTTLS command first"
TOO_FAST = b"450 4.7.1 rate limit"
PUT_OFF = b"451 4.3.0 try again later"
TOO_BIG = b"552 5.3.4 message too big"
NO_SPACE = b"452 4.3.1 insufficient system storage"
TOO_SLOW = b"421 4.4.2 timed out"
OUT_OF_PATIENCE = b"421 4.7.0 too many errors"
ENOUGH = b"421 4.7.0 too many messages on one connection"
NO_RELAY = b"550 5.7.1 relaying denied"
NO_MAILBOX = b"550 5.1.1 no such mailbox"
LINE_TOO_LONG = b"500 5.5.2 line too long"
LOOPED = b"554 5.4.6 routing loop"

EXCHANGE_ONLINE = ("mail.protection.outlook.com",)  # the name in its connectors' certificate (E28)

ROWS: Mapping[bytes, str] = {
    b"421 4.3.2": "busy",
    b"554 5.7.1": "peer",
    b"530 5.7.0": "tls",
    b"450 4.7.1": "rate",
    b"552 5.3.4": "size",
    b"452 4.3.1": "space",
    b"501 5.1.7": "sender",
    b"501 5.1.3": "recipient",
    b"553 5.6.7": "utf8",
    b"550 5.7.1": "relay",
    b"550 5.1.1": "mailbox",
    b"550 5.2.1": "mailbox_off",
    b"452 4.5.3": "recipients",
    b"554 5.4.6": "loop",
    b"451 4.3.0": "failure",
    b"421 4.4.2": "timeout",
    b"421 4.7.0": "patience",
}


def row_of(reply: bytes) -> str:
    """The row of E10 to which the refusal *reply* belongs, in a word; "command" for what is only out of place."""
    return ROWS.get(reply[:9], "command")


BEFORE_MAIL = (b"EHLO", b"NOOP", b"QUIT", b"STARTTLS")


def refused_command(
    verb: bytes, *, may_send: bool, may_prove: bool, is_secure: bool, must_secure: bool
) -> bytes | None:
    """Why a peer may not use *verb* yet, None where it may.

    *may_send*: it is one of our relays, or has shown a certificate that we accept; *may_prove*: it still can.
    """
    if not may_send and not may_prove:
        return None if verb == b"QUIT" else NOT_HERE
    if verb in BEFORE_MAIL:
        return None
    if not is_secure and (must_secure or not may_send):
        return MUST_SECURE
    return None if may_send else NOT_HERE


class PerMinute:
    """How often each peer did something in the current minute."""

    def __init__(self) -> None:
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def add(self, peer: str, now_seconds: float, count: int = 1) -> int:
        """Count *count* more for *peer*, and how many it has by now."""
        minute = int(now_seconds // 60)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        self._counts[peer] += count
        return self._counts[peer]


SENDER_OPTIONS = {("BODY", "7BIT"), ("BODY", "8BITMIME"), ("SMTPUTF8", "")}


def refused_sender(config: Config, path: Path | None, free_bytes: int) -> bytes | None:
    """Why MAIL is refused, in the order of E10: for its size, for want of space, for its address or its options."""
    size = path.options.get("SIZE", "0") if path else "0"
    declared = int(size) if size.isdecimal() else 0
    if declared > config.operator.smtp.max_size:
        return TOO_BIG
    if free_bytes - declared < space_floor(config):
        return NO_SPACE
    if path is None:
        return b"501 5.1.7 bad sender address"
    if not path.address.isascii() and "SMTPUTF8" not in path.options:
        return b"553 5.6.7 such an address needs SMTPUTF8"
    others = {(name, value.upper()) for name, value in path.options.items() if name != "SIZE" or not value.isdecimal()}
    return None if others <= SENDER_OPTIONS else b"555 5.5.4 option not supported"


def space_floor(config: Config) -> int:
    """The free space below which no mail is taken (docs/reliability.md section 2)."""
    return max(config.operator.store.keep_free, config.operator.smtp.max_size * 3 // 2)


def refused_recipient(config: Config, path: Path) -> bytes | None:
    """Why mail to *path* is not taken (E10, S1), None where it is."""
    if path.routed:
        return NO_RELAY
    if config.accepts(path.address):
        mailbox = config.mailbox_of(path.address)
        is_off = mailbox is not None and config.service.mailboxes[mailbox].mode is Mode.OFF
        return b"550 5.2.1 mailbox disabled" if is_off else None
    return NO_MAILBOX if path.domain in our_domains(config) or config.is_ours(path.domain) else NO_RELAY


@lru_cache(maxsize=4)
def our_domains(config: Config) -> frozenset[str]:
    addresses = (*config.service.mailboxes, config.service.send_from or "")
    return frozenset(address.rpartition("@")[2].lower() for address in addresses) - {""}


@lru_cache(maxsize=4096)
def is_among(peer: str, networks: tuple[str, ...]) -> bool:
    """Whether *peer* lies in one of *networks* (E28); an IPv4 peer of a dual-stack socket counts as such."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


def is_certified(certificate: Mapping[str, object] | None, names: tuple[str, ...]) -> bool:
    """Whether a verified *certificate* is for one of *names* or a host below one of them (E28)."""
    alternatives = certificate.get("subjectAltName", ()) if certificate else ()
    hosts = [str(value).lower() for kind, value in alternatives if kind == "DNS"]  # type: ignore[attr-defined]
    return any(host == name or host.endswith("." + name) for host in hosts for name in map(str.lower, names))


MOST_RECEIVED = 100
