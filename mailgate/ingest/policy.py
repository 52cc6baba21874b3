"""What the SMTP door refuses and in which words: the reply table E10 of docs/email.md section 1."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from mailgate.ingest.command import Path
from mailgate.model.config import Config, Mode

BUSY = b"421 4.3.2 try again later"
NOT_HERE = b"554 5.7.1 not accepted here"
PUT_OFF = b"451 4.3.0 try again later"
TOO_BIG = b"552 5.3.4 message too big"
TOO_SLOW = b"421 4.4.2 timed out"
OUT_OF_PATIENCE = b"421 4.7.0 too many errors"
NO_RELAY = b"550 5.7.1 relaying denied"
NO_MAILBOX = b"550 5.1.1 no such mailbox"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of us one client may use (docs/reliability.md section 8)."""

    recipients: int = 100
    received_lines: int = 100
    bad_commands: int = 10
    unknown_recipients: int = 20
    command_bytes: int = 512
    idle_seconds: float = 300
    data_seconds: float = 1800
    data_grace_seconds: float = 60
    data_bytes_per_second: int = 20_000
    strangers: int = 200
    strangers_per_peer: int = 20

    def seconds_left(self, size: int, elapsed_seconds: float) -> float:
        """How long a client that sent *size* bytes of a mail so far may be silent (S5)."""
        allowed = min(self.data_seconds, self.data_grace_seconds + size / self.data_bytes_per_second)
        return min(self.idle_seconds, allowed - elapsed_seconds)


SENDER_OPTIONS = {("BODY", "7BIT"), ("BODY", "8BITMIME"), ("SMTPUTF8", "")}


def refused_sender(config: Config, path: Path) -> bytes | None:
    """Why MAIL is refused for its options or its address, None where it is not."""
    for name, value in path.options.items():
        if name == "SIZE" and value.isdecimal():
            if int(value) > config.operator.smtp.max_size:
                return TOO_BIG
        elif (name, value.upper()) not in SENDER_OPTIONS:
            return b"555 5.5.4 option not supported"
    if not path.address.isascii() and "SMTPUTF8" not in path.options:
        return b"553 5.6.7 such an address needs SMTPUTF8"
    return None


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
