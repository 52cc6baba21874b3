"""What a delivery report says: which recipients failed, and which mail came back (E94, E141)."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from mailgate.ingest.charset import decode
from mailgate.ingest.headers import Headers
from mailgate.ingest.leaf import payload
from mailgate.ingest.tree import Part

MAX_RECIPIENTS = 200
MAX_RETURNED = 64 * 1024
MAX_SECOND = 128 * 1024  # what flufl.bounce may read: it looks at each line a hundred times

RETURNED = frozenset(
    {"message/rfc822", "message/global", "message/partial"} | {"text/rfc822-headers", "message/global-headers"}
)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
NOTIFIED_BY = "x-amz-sns-message-id"
_WORD = r"[^\s<>;,\"()\x00-\x1f\x7f]{1,200}"
_ADDRESS = re.compile(f"{_WORD}@{_WORD}")
_RETURNED_TO = re.compile(r"(?im)^(?:reply-to|return-path):([^\n]{0,998})")
_NOTIFICATION = re.compile(r'(?i)"notificationType\\?"\s{0,5}:\s{0,5}\\?"(bounce|complaint|delivery)\b')
_NOTIFIED = re.compile(r'"emailAddress\\?"\s{0,5}:\s{0,5}\\?"([^"\\\s]{1,320}@[^"\\\s]{1,320})')
_RETURNED_ID = re.compile(r"(?im)^(?:message-id|x-mailgate-message-id):\s{0,80}(<[^<>\s\x00-\x1f\x7f]{1,995}>)")


class Action(StrEnum):
    """What became of one recipient; anything else a report says counts as "failed"."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class Recipient:
    address: str
    action: Action
    status: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The facts of a delivery report; empty for any other mail. *source*: who says so, for people."""

    recipients: tuple[Recipient, ...] = ()
    returned_ids: tuple[str, ...] = ()
    returned_to: tuple[str, ...] = ()
    source: str = "delivery report"

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(r.address for r in self.recipients if r.action is Action.FAILED))

    @property
    def delayed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(r.address for r in self.recipients if r.action is Action.DELAYED))


def read_report(root: Part, headers: Headers, text: str = "") -> Report:
    """The facts in the parts of a delivery report, and in the fields that some servers add.

    Of the mail that came back: its ids, and where answers to it were to go, which for ours is an address with a
    token (E224). Some relays write ids of their own over ours.
    """
    recipients: list[Recipient] = []
    returned: list[str] = []
    returned_to: list[str] = []
    for leaf in root.leaves():
        kind = leaf.declared_type
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            recipients += _recipients(_text(leaf))
        elif kind in RETURNED:
            head = _text(leaf).lstrip().partition("\n\n")[0]
            returned += _RETURNED_ID.findall(head)
            returned_to += [
                address.lower() for line in _RETURNED_TO.findall(head) for address in _ADDRESS.findall(line)
            ]
    if not recipients:
        failed = _ADDRESS.findall(headers.text("x-failed-recipients"))
        recipients = [Recipient(address.lower(), Action.FAILED) for address in failed]
    if not recipients and NOTIFIED_BY in headers:
        recipients = _notified_recipients(text)
    once = tuple(dict.fromkeys(returned)), tuple(dict.fromkeys(returned_to))
    return Report(tuple(recipients[:MAX_RECIPIENTS]), *once)


def second_opinion(root: Part, report: Report, size: int) -> Report:
    """*report* with the recipients that flufl.bounce finds, where it has none of its own (E94)."""
    if report.recipients or size > MAX_SECOND:
        return report
    from flufl.bounce import all_failures  # few mails need it

    try:
        delayed, failed = all_failures(root)
    except (ValueError, LookupError, TypeError, AttributeError):  # of what no server has ever written
        return report
    found = [Recipient(_plain(address), Action.FAILED) for address in sorted(failed)]
    found += [Recipient(_plain(address), Action.DELAYED) for address in sorted(delayed - failed)]
    found = [recipient for recipient in found if _ADDRESS.fullmatch(recipient.address)]
    return replace(report, recipients=tuple(found[:MAX_RECIPIENTS]), source="flufl.bounce") if found else report


def _plain(address: bytes) -> str:
    return address.decode("ascii", "replace").lower()


def notified(text: str) -> str:
    """What Amazon's mail service tells of in JSON, which may stand in JSON: "bounce", "complaint", "delivery" or ""."""
    found = _NOTIFICATION.search(text)
    return found[1].lower() if found else ""


def _notified_recipients(text: str) -> list[Recipient]:
    action = {"bounce": Action.FAILED, "delivery": Action.DELIVERED}.get(notified(text))
    return [Recipient(address.lower(), action) for address in _NOTIFIED.findall(text)] if action else []


def _text(leaf: Part) -> str:
    return decode(payload(leaf)[:MAX_RETURNED])[0].replace("\r\n", "\n").replace("\r", "\n")


def _recipients(text: str) -> list[Recipient]:
    found = []
    for block in text.split("\n\n"):
        fields = _fields(block)
        address = _ADDRESS.search(fields.get("original-recipient", "") or fields.get("final-recipient", ""))
        final = _ADDRESS.search(fields.get("final-recipient", ""))
        chosen = final or address
        if chosen:
            found.append(Recipient(chosen[0].strip("<>").lower(), _action(fields), _status(fields)))
    return found


def _fields(block: str) -> dict[str, str]:
    """The header lines of one block, folded lines joined."""
    fields: dict[str, str] = {}
    name = ""
    for line in block.split("\n"):
        if line[:1] in (" ", "\t") and name:
            fields[name] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower() if colon else ""
        if name:
            fields.setdefault(name, value.strip())
    return fields


def _status(fields: dict[str, str]) -> str:
    """The enhanced status code (RFC 3463), such as "5.1.1"; "" where there is none."""
    found = _STATUS.match(fields.get("status", ""))
    return found[0] if found else ""


def _action(fields: dict[str, str]) -> Action:
    word = fields.get("action", "").partition(" ")[0].strip(";").lower()
    if word in set(Action):
        return Action(word)
    status = _status(fields)
    if status.startswith("4"):
        return Action.DELAYED
    return Action.DELIVERED if status.startswith("2") else Action.FAILED
