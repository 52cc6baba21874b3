"""How far the sender is proved: the verdict of E180, from what a vouched peer hands over."""

from collections.abc import Iterator

from mailgate.ingest import journalled
from mailgate.model.config import Config
from mailgate.model.message import Envelope, Message, Verdict

RESULTS = "authentication-results"
TENANT = "x-ms-exchange-crosstenant-id"
SENT_WITHIN_TENANT = "x-ms-exchange-crosstenant-authas"
SENT_WITHIN_ORGANISATION = "x-ms-exchange-organization-authas"
LONGEST_RESULTS = 8192
UNSURE = frozenset({"duplicate-header", journalled.DEFECT})  # a report may hold anything, also from outside

Results = dict[str, tuple[str, str]]  # by method: the result, and the domain in From that it is about


def verdict(message: Message, envelope: Envelope, config: Config) -> Verdict:
    """How far the From of *message* may be believed; NONE wherever anything is doubtful.

    Only a vouched peer is believed, and of what it hands over only what nobody else can have written:
    in a mailbox the marks of its server, from a connector of Exchange those of our tenant (E181), from
    another relay the Authentication-Results that bear its name, and else that it says nothing against
    mail from our own domains. Who feeds us a file vouches for all of its headers.
    """
    if not envelope.vouched or not message.from_ok or message.from_ is None or not UNSURE.isdisjoint(message.defects):
        return Verdict.NONE
    smtp, domain = config.operator.smtp, message.from_.domain
    every = [_plain(said[:LONGEST_RESULTS].lower()) for said in message.headers.get(RESULTS, ())]
    results = _read(every[0]) if every else {}
    if envelope.source == "imap":
        return Verdict.INTERNAL if _says(message, SENT_WITHIN_ORGANISATION, "internal") else _by(results, domain)
    if envelope.source == "smtp" and smtp.tenant:
        if not _says(message, TENANT, smtp.tenant):
            return Verdict.NONE
        return Verdict.INTERNAL if _says(message, SENT_WITHIN_TENANT, "internal") else _by(results, domain)
    if envelope.source == "smtp" and smtp.authserv_id:
        ours = [said for said in every if said.partition(";")[0].split()[:1] == [smtp.authserv_id.lower()]]
        results = _read(ours[0]) if ours else {}
    elif envelope.source == "smtp" and results:
        return Verdict.FAIL if _by(results, domain) is Verdict.FAIL else Verdict.NONE  # whose they are nobody knows
    if results:
        return _by(results, domain)
    return Verdict.INTERNAL if config.is_ours(domain) else Verdict.NONE


def _says(message: Message, header: str, value: str) -> bool:
    """Whether *header* says it, exactly once: said twice, somebody else spoke too."""
    return [said.strip().lower() for said in message.headers.get(header, ())] == [value.lower()]


def _by(results: Results, domain: str) -> Verdict:
    """DMARC's result for *domain*, and Exchange's own."""
    dmarc, about = results.get("dmarc", ("", ""))
    if dmarc == "fail" or results.get("compauth", ("", ""))[0] == "fail":
        return Verdict.FAIL
    return Verdict.PASS if dmarc == "pass" and about.rstrip(".") == domain.rstrip(".") else Verdict.NONE


def _read(plain: str) -> Results:
    """The results of one header by method, the first of each; leniently: Exchange writes no server's name (E182)."""
    found: Results = {}
    for part in plain.split(";"):
        pairs = [word.partition("=") for word in part.replace(" =", "=").replace("= ", "=").split()]
        if pairs and pairs[0][1]:
            (method, _, result), *properties = pairs
            about = [value for name, _, value in properties if name == "header.from"]
            found.setdefault(method, (result, about[0] if len(about) == 1 else ""))
    return found


def _plain(text: str) -> str:
    """*text* without its comments and quotes: what stands there may be anybody's words."""
    return "".join(_outside(text))


def _outside(text: str) -> Iterator[str]:
    depth, is_quoted, is_escaped = 0, False, False
    for character in text:
        if is_escaped or character == "\\":
            is_escaped = not is_escaped
        elif character == '"' and not depth:
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
            yield " "
        elif not depth:
            yield character
