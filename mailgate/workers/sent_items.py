"""Learns from the folder of what was sent which Message-IDs a server gave our mails (E124).

Replies name them. That a mail is there also proves that it went: where that was in doubt it is not sent again (E140).
How far a folder was looked through is known in memory alone: after a start the last days are looked through anew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Protocol

from mailgate import journal
from mailgate.errors import Refused, TryLater
from mailgate.ingest.sent_items import ours
from mailgate.model.folder import Seen
from mailgate.model.message import Message
from mailgate.store import receipts
from mailgate.store.engine import Store

LOOK_BACK = timedelta(days=2)


class SentFolder(Protocol):
    """An open account: ``ingest.imap.MailFolder``."""

    def sent(self, since: datetime, after: Seen | None) -> Iterable[tuple[Seen, Sequence[Message]]]: ...
    def close(self) -> None: ...


class SentItems:
    """Looks through the folders of *accounts*; *loop_id* is in the mails of this gateway."""

    def __init__(
        self,
        store: Store,
        accounts: Mapping[str, Callable[[], SentFolder]],
        loop_id: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._loop_id = loop_id
        self._clock = clock
        self._seen: dict[str, Seen] = {}

    def turn(self) -> None:
        for account, connect in self._accounts.items():
            try:
                self._look(account, connect)
            except (TryLater, Refused) as error:
                journal.sent_items_not_read(account, error)

    def _look(self, account: str, connect: Callable[[], SentFolder]) -> None:
        now = self._clock()
        with closing(connect()) as folder:
            for seen, headers in folder.sent(now - LOOK_BACK, self._seen.get(account)):
                found = [sent for header in headers if (sent := ours(header, self._loop_id))]
                with self._store.write() as tx:
                    receipts.found(tx, found, now)
                self._seen[account] = seen
