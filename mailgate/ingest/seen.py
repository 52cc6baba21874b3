"""What the kind of a mail is judged by, from its own top-level headers and words (E93's table, E130-E133)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailgate.ingest.bounce import Report
from mailgate.model.message import Kind

Values = Mapping[str, tuple[str, ...]]
Found = tuple[Kind, str] | None
"""A kind and the evidence for it in words, or None where a test does not hold."""

_ROBOTS = re.compile(
    r"(?:mailer-?daemon|postmaster|bounces?|no-?reply|do-?not-?reply|microsoftexchange[0-9a-f]{1,40})(?:[+=._-].{0,200})?"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """*report*: the report-type of a multipart/report, "" for any other mail; *message_class*: Outlook's, from TNEF;
    *reply*: what of the *text* its sender newly wrote, forwarded mails included."""

    headers: Values
    subject: str = ""
    from_local: str = ""
    report: str = ""
    delivery: Report = field(default_factory=Report)
    calendar_method: str = ""
    message_class: str = ""
    text: str = ""
    reply: str = ""
    null_sender: bool = False
    returns_mail: bool = False
    sender: str = ""

    def first(self, name: str) -> str:
        """The first value of the header *name*, or ""."""
        values = self.headers.get(name, ())
        return values[0].strip() if values else ""


def is_robot(local: str) -> bool:
    """Whether nobody reads answers to an address with this local part (E133)."""
    return _ROBOTS.fullmatch(local.lower()) is not None
