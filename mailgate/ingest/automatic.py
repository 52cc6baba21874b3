"""What kind of mail it is, from its own top-level headers and words alone (E93's table, E130-E133)."""

import re
from collections.abc import Callable, Sequence

from mailgate.ingest import undelivered
from mailgate.ingest.seen import Found, Seen
from mailgate.model.message import NOTIFY, Kind

_AWAY = (
    *(
        "automatic reply",
        "auto reply",
        "auto-reply",
        "autoreply",
        "out of office",
        "out of the office",
        "abwesenheitsnotiz",
    ),
    *("automatische antwort", "réponse automatique", "respuesta automática", "resposta automática", "autosvar"),
    *("automatisch antwoord", "risposta automatica", "ateb awtomatig", "automaattinen vastaus", "autorespuesta"),
)
_RECEIPTS = re.compile(r"(?:Read|Not read|Gelesen|Nicht gelesen|Lu|Non lu|Delivered|Relayed): ")
_WAS_READ = re.compile(
    r"(?i)your message (?:to: .{1,300}?subject: .{1,600}?sent: .{1,80}? )?"
    r"(?:was|has been) (?:read|deleted|displayed)\b"
)
_MACHINE_HEADERS = (
    *("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply", "x-autoresponder", "x-auto-reply"),
    "x-ms-exchange-generated-message-source",
)
_LIST_HEADERS = (
    "list-id",
    "list-post",
    "list-unsubscribe",
    "mailing-list",
    "x-beenthere",
    "feedback-id",
    "x-mailing-list",
)


def kind_of(seen: Seen) -> tuple[Kind, str]:
    """The kind and the evidence for it in words; the first test that holds decides."""
    for test in _TESTS:
        found = test(seen)
        if found:
            return found
    return Kind.HUMAN, ""


def _header(seen: Seen, name: str) -> str:
    return f"header {name.title()}: {seen.first(name)[:60]}".rstrip(": ")


def _journal(seen: Seen) -> Found:
    return (Kind.JOURNAL, "header X-Ms-Journal-Report") if "x-ms-journal-report" in seen.headers else None


def _placeholder(seen: Seen) -> Found:
    if not seen.subject.startswith("Retrieval using the IMAP4 protocol failed for the following message"):
        return None
    return Kind.PLACEHOLDER, "Exchange could not convert the original"


def _recall(seen: Seen) -> Found:
    if not seen.subject.startswith("Recall: "):
        return None
    if seen.message_class.startswith("IPM.Outlook.Recall") or "would like to recall the message" in seen.text[:2000]:
        return Kind.RECALL, "Outlook's recall of an earlier mail"
    return None


def _receipt(seen: Seen) -> Found:
    """A receipt in Outlook's words, where a gateway on its way took the report away."""
    receipt = _RECEIPTS.match(seen.subject) and _WAS_READ.match(" ".join(seen.text[:1000].split()))
    return (Kind.MDN, "a receipt in Outlook's words") if receipt else None


def _calendar(seen: Seen) -> Found:
    if seen.calendar_method not in ("REQUEST", "CANCEL", "REPLY", "COUNTER", "DECLINECOUNTER"):
        return None
    return Kind.CALENDAR, f"calendar part with method {seen.calendar_method}"


def _auto_reply(seen: Seen) -> Found:
    submitted = seen.first("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()
    if submitted and submitted != "no":
        return Kind.AUTO_REPLY, _header(seen, "auto-submitted")
    for name in _MACHINE_HEADERS:
        if name in seen.headers:
            return Kind.AUTO_REPLY, _header(seen, name)
    if seen.first("x-apple-action").upper() == "VACATION":
        return Kind.AUTO_REPLY, _header(seen, "x-apple-action")
    if seen.first("x-fc-machinegenerated").lower() == "true":
        return Kind.AUTO_REPLY, _header(seen, "x-fc-machinegenerated")
    if seen.first("precedence").lower() in ("auto_reply", "auto-reply"):
        return Kind.AUTO_REPLY, _header(seen, "precedence")
    if "x-ms-exchange-inbox-rules-loop" in seen.headers and "x-auto-response-suppress" in seen.headers:
        return Kind.AUTO_REPLY, _header(seen, "x-ms-exchange-inbox-rules-loop")
    if seen.subject.casefold().startswith(_AWAY):
        return Kind.AUTO_REPLY, f'subject begins "{seen.subject[:30]}"'
    return None


def _notify(seen: Seen) -> Found:
    """What GOV.UK Notify has to say for itself: a check of our address, a code (docs/notify.md section 1)."""
    return (Kind.AUTO_REPLY, "GOV.UK Notify itself wrote it") if seen.sender == f"gov.uk.notify@{NOTIFY}" else None


def _list(seen: Seen) -> Found:
    for name in _LIST_HEADERS:
        if name in seen.headers:
            return Kind.LIST, _header(seen, name)
    if seen.first("precedence").lower() in ("bulk", "list", "junk"):
        return Kind.LIST, _header(seen, "precedence")
    return None


_TESTS: Sequence[Callable[[Seen], Found]] = (
    _journal,
    _placeholder,
    *undelivered.TESTS,
    _recall,
    _receipt,
    _calendar,
    _auto_reply,
    _notify,
    _list,
)
