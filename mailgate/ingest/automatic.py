"""What kind of mail it is, from its own top-level headers alone (E93's table, E130-E133)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mailgate.ingest.bounce import Report
from mailgate.model.message import Kind

Values = Mapping[str, tuple[str, ...]]

_DELIVERY = r"mailer-?daemon|postmaster|mail-?daemon|mdaemon|mail\.?delivery|microsoftexchange|bounces?"
_DELIVERERS = re.compile(rf"(?:{_DELIVERY}).{{0,200}}")
_ROBOTS = re.compile(
    r"(?:mailer-?daemon|postmaster|bounces?|no-?reply|do-?not-?reply|microsoftexchange[0-9a-f]{1,40})(?:[+=._-].{0,200})?"
)
_FAILURES = re.compile(
    "|".join(
        (
            *(
                "undeliver",
                "not deliver",
                "delivery (?:status|fail|notif|error|problem|report|has failed|attempt|incomplete)",
            ),
            *("(?:mail|message) delivery", "returned mail", "return(?:ed)? to sender", "failure notice", "failed mail"),
            *("mail (?:failure|error)", "delivery unsuccessful", "(?:couldn't|cannot|could not) be (?:sent|delivered)"),
            *(
                "bounced",
                "did not reach",
                "user unknown",
                "unable to deliver",
                "permanent error",
                "rejected",
                "non ?remis",
            ),
            *(
                "unzustellbar",
                "nicht zugestellt",
                "zustellung",
                "no se puede entregar",
                "mancato recapito",
                "onbestelbaar",
            ),
        )
    ),
    re.IGNORECASE,
)
_ANSWERS = re.compile(r"(?i)(?:re|aw|sv|fw|fwd|wg|tr)\s{0,3}:")
_DELAYS = re.compile(r"(?i)delay|deferred|warning: (?:could not|message)|still being retried|verz(?:ö|oe)ger")
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What the kind is judged by. *report*: the report-type of a multipart/report, "" for any other mail."""

    headers: Values
    subject: str = ""
    from_local: str = ""
    report: str = ""
    delivery: Report = field(default_factory=Report)
    calendar_method: str = ""
    text: str = ""
    null_sender: bool = False
    returns_mail: bool = False


def kind_of(seen: Seen) -> tuple[Kind, str]:
    """The kind and the evidence for it in words; the first test that holds decides."""
    for test in _TESTS:
        found = test(seen)
        if found:
            return found
    return Kind.HUMAN, ""


def is_robot(local: str) -> bool:
    """Whether nobody reads answers to an address with this local part (E133)."""
    return _ROBOTS.fullmatch(local.lower()) is not None


def _first(seen: Seen, name: str) -> str:
    values = seen.headers.get(name, ())
    return values[0].strip() if values else ""


def _header(seen: Seen, name: str) -> str:
    return f"header {name.title()}: {_first(seen, name)[:60]}".rstrip(": ")


def _journal(seen: Seen) -> tuple[Kind, str] | None:
    return (Kind.JOURNAL, "header X-Ms-Journal-Report") if "x-ms-journal-report" in seen.headers else None


def _placeholder(seen: Seen) -> tuple[Kind, str] | None:
    if not seen.subject.startswith("Retrieval using the IMAP4 protocol failed for the following message"):
        return None
    return Kind.PLACEHOLDER, "Exchange could not convert the original"


def _delivery_report(seen: Seen) -> tuple[Kind, str] | None:
    actions = {recipient.action.value for recipient in seen.delivery.recipients}
    if seen.report != "delivery-status" and not actions:
        return None
    if "failed" in actions:
        return Kind.DSN_FAILED, "delivery report: failed"
    if "delayed" in actions:
        return Kind.DSN_DELAYED, "delivery report: delayed"
    if actions:
        return Kind.DSN_OK, "delivery report: delivered"
    return Kind.DSN_FAILED, "multipart/report of type delivery-status"


def _other_report(seen: Seen) -> tuple[Kind, str] | None:
    if seen.report == "disposition-notification":
        return Kind.MDN, "multipart/report of type disposition-notification"
    if seen.report == "feedback-report":
        return Kind.ARF, "multipart/report of type feedback-report"
    return None


def _bounce(seen: Seen) -> tuple[Kind, str] | None:
    """A report in a form of its own: from a mail system, about a delivery."""
    if "x-ms-exchange-message-is-ndr" in seen.headers:
        return Kind.DSN_FAILED, "header X-Ms-Exchange-Message-Is-Ndr"
    if seen.returns_mail and _FAILURES.search(seen.subject) and not _ANSWERS.match(seen.subject):
        return Kind.DSN_FAILED, "the subject is about a failed delivery, and a mail is attached"
    if seen.returns_mail and is_robot(seen.from_local) and _FAILURES.search(seen.text[:2000]):
        return Kind.DSN_FAILED, "a machine wrote it about a failed delivery, and a mail is attached"
    deliverer = _DELIVERERS.fullmatch(seen.from_local) is not None
    if not (deliverer or seen.null_sender):
        return None
    evidence = "a mail system wrote it" if deliverer else "null sender"
    if _DELAYS.search(seen.subject):
        return Kind.DSN_DELAYED, f"{evidence}, and the subject is about a delay"
    if _FAILURES.search(seen.subject) or (deliverer and _FAILURES.search(seen.text[:2000])):
        return Kind.DSN_FAILED, f"{evidence}, and it is about a failed delivery"
    return None


def _recall(seen: Seen) -> tuple[Kind, str] | None:
    if seen.subject.startswith("Recall: ") and "would like to recall the message" in seen.text[:2000]:
        return Kind.RECALL, "Outlook's recall of an earlier mail"
    return None


def _calendar(seen: Seen) -> tuple[Kind, str] | None:
    if seen.calendar_method not in ("REQUEST", "CANCEL", "REPLY", "COUNTER", "DECLINECOUNTER"):
        return None
    return Kind.CALENDAR, f"calendar part with method {seen.calendar_method}"


def _auto_reply(seen: Seen) -> tuple[Kind, str] | None:
    submitted = _first(seen, "auto-submitted").partition(";")[0].partition("(")[0].strip().lower()
    if submitted and submitted != "no":
        return Kind.AUTO_REPLY, _header(seen, "auto-submitted")
    for name in _MACHINE_HEADERS:
        if name in seen.headers:
            return Kind.AUTO_REPLY, _header(seen, name)
    if _first(seen, "x-fc-machinegenerated").lower() == "true":
        return Kind.AUTO_REPLY, _header(seen, "x-fc-machinegenerated")
    if _first(seen, "precedence").lower() in ("auto_reply", "auto-reply"):
        return Kind.AUTO_REPLY, _header(seen, "precedence")
    if "x-ms-exchange-inbox-rules-loop" in seen.headers and "x-auto-response-suppress" in seen.headers:
        return Kind.AUTO_REPLY, _header(seen, "x-ms-exchange-inbox-rules-loop")
    if seen.subject.casefold().startswith(_AWAY):
        return Kind.AUTO_REPLY, f'subject begins "{seen.subject[:30]}"'
    return None


def _list(seen: Seen) -> tuple[Kind, str] | None:
    for name in _LIST_HEADERS:
        if name in seen.headers:
            return Kind.LIST, _header(seen, name)
    if _first(seen, "precedence").lower() in ("bulk", "list", "junk"):
        return Kind.LIST, _header(seen, "precedence")
    return None


_TESTS: Sequence[Callable[[Seen], tuple[Kind, str] | None]] = (
    _journal,
    _placeholder,
    _delivery_report,
    _other_report,
    _bounce,
    _recall,
    _calendar,
    _auto_reply,
    _list,
)
