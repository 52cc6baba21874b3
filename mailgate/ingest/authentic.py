"""How far the sender is proved: the verdict of E180, from what a vouched peer hands over."""

import re

from mailgate.model.config import Config
from mailgate.model.message import Envelope, Message, Verdict

_RESULT = re.compile(r"(?:^|[;\s])(dmarc|compauth)\s{0,5}=\s{0,5}([a-z]{1,20})")
_FROM_DOMAIN = re.compile(r"(?:^|[;\s])header\.from\s{0,5}=\s{0,5}([a-z0-9.-]{1,253})")
_COMMENT_OR_QUOTE = re.compile(r"\([^()]{0,1000}\)|\"[^\"]{0,1000}\"")


def verdict(message: Message, envelope: Envelope, config: Config) -> Verdict:
    """How far the From of *message* may be believed; NONE wherever anything is doubtful.

    Only a peer in ``smtp.vouches`` is believed: its topmost Authentication-Results decide
    and, where it added none, mail from our own domains is a colleague's. Of what comes out of a
    mailbox only what Exchange itself marked as internal is a colleague's (E184).
    """
    if not envelope.vouched or not message.from_ok or message.from_ is None or "duplicate-header" in message.defects:
        return Verdict.NONE
    if envelope.source == "imap" and _is_internal(message):
        return Verdict.INTERNAL
    results = message.header("authentication-results")
    if results:
        return _by_results(results, message.from_.domain)
    is_colleague = envelope.source != "imap" and config.is_ours(message.from_.domain)
    return Verdict.INTERNAL if is_colleague else Verdict.NONE


def _is_internal(message: Message) -> bool:
    """Whether Exchange says that the sender logged in to our organisation; said twice, somebody else spoke too."""
    said = message.headers.get("x-ms-exchange-organization-authas", ())
    return len(said) == 1 and said[0].strip().lower() == "internal"


def _by_results(results: str, domain: str) -> Verdict:
    """DMARC's result for *domain*; read leniently, as Exchange writes it without a server's name (E182)."""
    plain = _COMMENT_OR_QUOTE.sub(" ", results.lower())
    found: dict[str, str] = {}
    for method, result in _RESULT.findall(plain):
        found.setdefault(method, result)
    if found.get("dmarc") == "fail" or found.get("compauth") == "fail":
        return Verdict.FAIL
    aligned = _FROM_DOMAIN.search(plain)
    if found.get("dmarc") == "pass" and aligned and aligned[1].rstrip(".") == domain.rstrip("."):
        return Verdict.PASS
    return Verdict.NONE
