"""What a delivery report says: which recipients failed, and which mail came back (E94)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from mailgate.ingest.charset import decode
from mailgate.ingest.content import payload
from mailgate.ingest.headers import Headers
from mailgate.ingest.tree import Part

MAX_RECIPIENTS = 200
MAX_RETURNED = 64 * 1024

RETURNED = frozenset(
    {"message/rfc822", "message/global", "message/partial"} | {"text/rfc822-headers", "message/global-headers"}
)
_ADDRESS = re.compile(r"[^\s<>;,\"()]{1,200}@[^\s<>;,\"()]{1,200}")
_RETURNED_ID = re.compile(r"(?im)^(?:message-id|x-mailgate-message-id):\s{0,80}(<[^<>\s]{1,995}>)")


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
    """The facts of a delivery report; empty for any other mail."""

    recipients: tuple[Recipient, ...] = ()
    returned_ids: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(r.address for r in self.recipients if r.action is Action.FAILED))

    @property
    def delayed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(r.address for r in self.recipients if r.action is Action.DELAYED))


def read_report(root: Part, headers: Headers) -> Report:
    """The facts in the parts of a delivery report, and in the fields that some servers add."""
    recipients: list[Recipient] = []
    returned: list[str] = []
    for leaf in root.leaves():
        kind = leaf.declared_type
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            recipients += _recipients(_text(leaf))
        elif kind in RETURNED:
            returned += _RETURNED_ID.findall(_text(leaf).lstrip().partition("\n\n")[0])
    if not recipients:
        failed = _ADDRESS.findall(headers.text("x-failed-recipients"))
        recipients = [Recipient(address.lower(), Action.FAILED) for address in failed]
    return Report(tuple(recipients[:MAX_RECIPIENTS]), tuple(dict.fromkeys(returned)))


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
            found.append(Recipient(chosen[0].strip("<>").lower(), _action(fields), fields.get("status", "")[:20]))
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


def _action(fields: dict[str, str]) -> Action:
    word = fields.get("action", "").partition(" ")[0].strip(";").lower()
    if word in set(Action):
        return Action(word)
    status = fields.get("status", "")
    if status.startswith("4"):
        return Action.DELAYED
    return Action.DELIVERED if status.startswith("2") else Action.FAILED
