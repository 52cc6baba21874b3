"""How the mailboxes that we fetch from are doing, for the metrics and for ``doctor``."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AccountState(StrEnum):
    STARTING = "starting"
    READING = "reading"
    BROKEN_OFF = "broken_off"  # it will be tried again, soon
    REFUSED = "refused"  # somebody has to change something
    ELSEWHERE = "elsewhere"  # another node reads it


@dataclass(slots=True)
class AccountHealth:
    """One account of ``imap``, kept up to date by the thread that reads it.

    *account* is the mailbox of ours that its mail is for. *last_good_list_at* is when its folder was last
    listed; *error* the sentence that says why that fails now, or "". *waiting*: mails still in the folder.
    """

    account: str
    state: AccountState = AccountState.STARTING
    last_good_list_at: datetime | None = None
    error: str = ""
    waiting: int = 0
