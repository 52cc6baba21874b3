"""What a sender got from us lately."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SentLately:
    """An automatic mail of ours: when it was written and when it went, and the *cause* for it.

    *subject* and *received_at* are those of the mail that it answered, where its reader wrote that: else "" and None.
    """

    message_id: str
    cause: str
    written_at: datetime
    sent_at: datetime
    subject: str = ""
    received_at: datetime | None = None
