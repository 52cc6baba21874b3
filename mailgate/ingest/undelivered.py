"""Which mails say that a mail was not delivered, or is late: reports, and the forms of their own that servers have.

Nothing may answer any of these, and taking a person's words for one loses a request: where the form is a
server's own, both who wrote it and what it says must fit (E3).
"""

import re
from collections.abc import Callable, Sequence

from mailgate.ingest.bounce import NOTIFIED_BY, Action, notified
from mailgate.ingest.seen import Found, Seen, is_robot
from mailgate.model.message import Kind

_DELIVERY = r"mailer-?daemon|postmaster|mail-?daemon|mdaemon|mail\.?delivery|microsoftexchange|bounces?"
_DELIVERERS = re.compile(rf"(?:{_DELIVERY}).{{0,200}}")
_LIST_MANAGERS = re.compile(
    r"(?:.{1,100}[-+](?:admin|bounces?|owner|request|help)|majordomo|listserv|mailman|sympa|ezmlm)"
)
_FAILURES = re.compile(
    "|".join(
        (
            *("undeliver", "not deliver", "delivery (?:status|fail|notif|error|problem|report|attempt|incomplete)"),
            *("delivery has failed", "(?:mail|message) delivery", "returned mail", "return(?:ed)? to sender"),
            *("failure notice", "failed mail", "mail (?:failure|error)", "delivery unsuccessful"),
            *("(?:couldn't|cannot|could not) be (?:sent|delivered)", "bounced", "did not reach", "user unknown"),
            *("unable to deliver", "permanent error", "rejected", "non ?remis", "unzustellbar", "nicht zugestellt"),
            *("zustellung", "no se puede entregar", "mancato recapito", "onbestelbaar"),
        )
    ),
    re.IGNORECASE,
)
_YOURS_FAILED = re.compile(
    r"(?i)\b(?:your (?:e-?mail|mail|message)|votre (?:message|courriel)|ihre (?:e-?mail|mail|nachricht))\b"
    r"(?:[^.?!]|\.\b){0,120}\b"
    r"(?:could not be|was not|has not been|cannot be|can not be|n'a pas pu [eê]tre|konnte nicht|wurde nicht)"
    r" (?:delivered|d[ée]livr[ée]|remis|zugestellt)"
)
_NOT_A_MEMBER = re.compile(r"(?i)\b(?:are|is) not (?:a )?(?:member|subscribe[dr])\b")
_ANSWERS = re.compile(r"(?i)(?:re|aw|sv|fw|fwd|wg|tr)\s{0,3}:")
_FORWARDS = re.compile(r"(?i)(?:fw|fwd|wg|tr)\s{0,3}:")
_DELAYS = re.compile(r"(?i)delay|deferred|warning: (?:could not|message)|still being retried|verz(?:ö|oe)ger")
_COMPLAINTS = re.compile(r"(?i)(?:abuse complaint|complaint about message) from ")
_QUOTED_MARK = re.compile(r"^[>\s]*")
_REPORT_FIELDS = ("final-recipient:", "action:", "status:")
_MOST_COVER_WORDS = 3
_OPENING = 2000


def _delivery_report(seen: Seen) -> Found:
    actions = {recipient.action for recipient in seen.delivery.recipients}
    if seen.report != "delivery-status" and not actions:
        return None
    if Action.FAILED in actions:
        return Kind.DSN_FAILED, f"{seen.delivery.source}: failed"
    if Action.DELAYED in actions:
        return Kind.DSN_DELAYED, f"{seen.delivery.source}: delayed"
    if actions:
        return Kind.DSN_OK, f"{seen.delivery.source}: delivered"
    return Kind.DSN_FAILED, "multipart/report of type delivery-status"


def _rejection(seen: Seen) -> Found:
    """Sieve's "reject" answers in the form of a read receipt (RFC 5429)."""
    if seen.report != "disposition-notification" or not re.search(r"(?i)reject", f"{seen.subject} {seen.text[:500]}"):
        return None
    return Kind.DSN_FAILED, "multipart/report of type disposition-notification, for a mail that was rejected"


def _other_report(seen: Seen) -> Found:
    if seen.report == "disposition-notification":
        return Kind.MDN, "multipart/report of type disposition-notification"
    if seen.report == "feedback-report":
        return Kind.ARF, "multipart/report of type feedback-report"
    if NOTIFIED_BY in seen.headers and notified(seen.text) == "complaint":
        return Kind.ARF, f"a notification about a complaint, header {NOTIFIED_BY.title()}"
    if seen.returns_mail and _COMPLAINTS.match(seen.subject):
        return Kind.ARF, "the subject is a complaint about a mail, and a mail is attached"
    return None


def _exchange(seen: Seen) -> Found:
    if "x-ms-exchange-message-is-ndr" not in seen.headers:
        return None
    return Kind.DSN_FAILED, "header X-Ms-Exchange-Message-Is-Ndr"


def _returned(seen: Seen) -> Found:
    if not seen.returns_mail:
        return None
    if _FAILURES.search(seen.subject) and not _ANSWERS.match(seen.subject):
        return Kind.DSN_FAILED, "the subject is about a failed delivery, and a mail is attached"
    if is_robot(seen.from_local) and _FAILURES.search(seen.text[:_OPENING]):
        return Kind.DSN_FAILED, "a machine wrote it about a failed delivery, and a mail is attached"
    return None


def _by_server(seen: Seen) -> Found:
    deliverer = _is_deliverer(seen.from_local)
    if not (deliverer or seen.null_sender):
        return None
    evidence = "a mail system wrote it" if deliverer else "null sender"
    if _DELAYS.search(seen.subject):
        return Kind.DSN_DELAYED, f"{evidence}, and the subject is about a delay"
    if _FAILURES.search(seen.subject) or (deliverer and _FAILURES.search(seen.text[:_OPENING])):
        return Kind.DSN_FAILED, f"{evidence}, and it is about a failed delivery"
    return None


def _to_you(seen: Seen) -> Found:
    """ "Your message could not be delivered to ...": nobody says that of another's mail but a mail system."""
    if _FORWARDS.match(seen.subject) or not _FAILURES.search(seen.subject):
        return None
    if not _YOURS_FAILED.search(" ".join(seen.reply[:500].split())):
        return None
    return Kind.DSN_FAILED, "subject and opening are about a failed delivery of a mail of ours"


def _forwarded(seen: Seen) -> Found:
    """A report forwarded without a word on it; with words of their own, people ask something (E107)."""
    if not (_FORWARDS.match(seen.subject) and _FAILURES.search(seen.subject)):
        return None
    lines = seen.text.split("\n")
    quoted = [_QUOTED_MARK.sub("", line).lower() for line in lines]
    if not all(any(line.startswith(field) for line in quoted) for field in _REPORT_FIELDS):
        return None
    cover = _cover(lines)
    if len(cover) > _MOST_COVER_WORDS or any("?" in word for word in cover):
        return None
    return Kind.DSN_FAILED, "a delivery report, forwarded without a word on it"


def _cover(lines: list[str]) -> list[str]:
    """The words above what was forwarded."""
    words: list[str] = []
    for line in lines[:20]:
        if line.startswith((">", "-----", "_____")) or line.rstrip().endswith("message:"):
            break
        words += line.split()
    return words


def _list(seen: Seen) -> Found:
    """A list that refuses a mail of ours."""
    if not _LIST_MANAGERS.fullmatch(seen.from_local) or _ANSWERS.match(seen.subject):
        return None
    if not (_NOT_A_MEMBER.search(seen.subject) or _NOT_A_MEMBER.search(seen.text[:500])):
        return None
    return Kind.DSN_FAILED, "a list refuses mail of those who are not its members"


def _is_deliverer(local: str) -> bool:
    return _DELIVERERS.fullmatch(local) is not None


def deserves_second_opinion(subject: str, from_local: str) -> bool:
    """Whether a mail that is no report may still be a bounce, by its subject or its sender."""
    if _is_deliverer(from_local) or is_robot(from_local):
        return True
    return not _ANSWERS.match(subject) and (_FAILURES.search(subject) or _DELAYS.search(subject)) is not None


TESTS: Sequence[Callable[[Seen], Found]] = (
    *(_delivery_report, _rejection, _other_report, _exchange, _returned, _by_server, _to_you, _forwarded, _list),
)
