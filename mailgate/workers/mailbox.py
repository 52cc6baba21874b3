"""From a folder on a mail server to the spool, and out of the folder once the ticket is there (E40-E57).

The folder is the queue: whatever is in it and has no row is work. Each step is one transaction or one
command that may be repeated, so that a crash after any of them costs nothing and doubles nothing (E43).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event
from typing import Protocol

from mailgate import journal
from mailgate.errors import GiveUp, Refused, SessionEnded, TryLater
from mailgate.ingest import mailbox_folder
from mailgate.ingest.arriving import LARGEST_IN_MEMORY
from mailgate.model.folder import Fetched, Folder, Known, Stage
from mailgate.model.health import AccountHealth, AccountState
from mailgate.model.message import Envelope
from mailgate.model.operator import ImapAccount
from mailgate.store import imap
from mailgate.store.engine import Store
from mailgate.store.leases import Lease
from mailgate.store.spool import Content, Stored

SHORTEST_REST_SECONDS = 0.25
LONGEST_BUSY_REST_SECONDS = 20.0  # so that the lease is kept
STAND_BY_SECONDS = 5.0
IDLE_FACTOR = 5  # E47: where the server tells of new mail a full list may come so much later
MANY = 10
TOO_LONG = timedelta(minutes=15)  # E49


class Connected(Protocol):
    """An open folder: ``ingest.imap.MailFolder``."""

    place: Folder

    @property
    def tells_news(self) -> bool: ...
    def list(self) -> list[int]: ...
    def fetch(self, uid: int) -> Fetched | None: ...
    def file(self, uid: int, folder: str) -> bool: ...
    def wait(self, seconds: float, over: Callable[[], bool]) -> None: ...
    def close(self) -> None: ...


class MailboxReader:
    """Reads one account in turns, each a look at the folder and a rest; *stored* wakes whoever decides about mails.

    Of all nodes one reads it. *has_room* says whether there is space for another mail.
    """

    def __init__(
        self,
        account: ImapAccount,
        store: Store,
        connect: Callable[[], Connected],
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        stop: Event,
        health: AccountHealth,
        stored: Callable[[], None] = lambda: None,
        limit: int = 40 * 1024**2,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._account = account
        self._store = store
        self._connect = connect
        self._clock = clock
        self._chance = chance
        self._stop = stop
        self._health = health
        self._stored = stored
        self._limit = limit
        self._has_room = has_room
        self._lease = Lease(store, f"imap {account.user} at {account.host}:{account.port} {account.folder}")
        self._folder: Connected | None = None
        self._failures = 0
        self._rest_seconds = SHORTEST_REST_SECONDS
        self._silent_since = clock()
        self._told = False

    def turn(self) -> int:
        """Look at the folder, do what is to be done, rest."""
        try:
            if not self._lease.keep():
                self._stand_by()
                return 1
            self._folder = self._folder or self._opened()
            busy = self.look(self._folder)
            self._rest(self._folder, busy=busy)
        except SessionEnded:
            self._hang_up()
        except (TryLater, Refused) as error:
            self.close()
            self._put_off(error)
        except BaseException:
            self.close()
            raise
        return 1

    def close(self) -> None:
        """Hang up, and let another node read the folder."""
        self._hang_up()
        self._lease.let_go()

    def _hang_up(self) -> None:
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _stand_by(self) -> None:
        self._hang_up()
        if self._health.state is not AccountState.ELSEWHERE:
            journal.mailbox_elsewhere(self._health.account)
        self._health.state, self._health.error = AccountState.ELSEWHERE, ""
        self._silent_since = self._clock()
        self._stop.wait(STAND_BY_SECONDS)

    def _keep(self) -> None:
        """Go on only as long as no other node has begun (two that move one mail would leave two copies)."""
        if not self._lease.keep():
            raise SessionEnded("another node reads this mailbox now")

    def _opened(self) -> Connected:
        folder = self._connect()
        journal.mailbox_opened(self._health.account, folder.place.uidvalidity)
        if imap.renumbered(self._store, folder.place):
            journal.mailbox_renumbered(self._health.account)
        return folder

    def look(self, folder: Connected) -> bool:
        """One cycle; whether there is more to do than to wait for news."""
        listed = folder.list()
        self._is_well(len(listed))
        known = imap.known(self._store, folder.place)
        plan = mailbox_folder.plan(listed, known, self._clock())
        imap.filed(self._store, folder.place, plan.gone)
        attempts = {row.uid: row.attempts for row in known}
        fetched = self._fetch(folder, plan.fetch, attempts)
        staying = self._file(folder)
        self._failures = 0
        self._health.waiting = len(staying)
        if fetched:
            self._rest_seconds = SHORTEST_REST_SECONDS
        return bool(plan.fetch) or any(row.stage is not Stage.UNREAD and not row.decided for row in staying)

    # ---- into the spool

    def _fetch(self, folder: Connected, uids: tuple[int, ...], attempts: dict[int, int]) -> bool:
        """One mail after the other (E51); whether any was asked for.

        Where none of many comes it is the server's fault, not the mails'.
        """
        missed = []
        for uid in uids:
            if self._stop.is_set():
                return True
            if not self._has_room():
                journal.mailbox_waits_for_room(self._health.account)
                return uid != uids[0]
            attempt = attempts.get(uid, 0) + 1
            with self._handing_over(folder, uid, attempt):
                fetched = folder.fetch(uid)
            if fetched is None or not self._take(folder, uid, fetched, attempt):
                missed.append((uid, fetched is None))
        if len(missed) == len(uids) >= MANY and all(nothing for _, nothing in missed):
            raise TryLater("the mail server hands over no mail at present")
        for uid, _ in missed:
            self._missed(folder, uid, attempts.get(uid, 0) + 1)
        return bool(uids)

    @contextmanager
    def _handing_over(self, folder: Connected, uid: int, attempt: int) -> Iterator[None]:
        """Where the connection breaks off at the same mail twice it may be to blame: the others go first."""
        self._keep()
        try:
            yield
        except SessionEnded:
            raise
        except TryLater:
            if attempt == 1:
                imap.missed(self._store, folder.place, uid, attempt, self._clock())
            else:
                self._missed(folder, uid, attempt)
            raise

    def _take(self, folder: Connected, uid: int, fetched: Fetched, attempt: int) -> bool:
        """Make a mail durable; False where it is only Exchange's excuse for one, or the server hands over a part."""
        header = mailbox_folder.header_of(fetched.beginning)
        if mailbox_folder.is_placeholder(header):
            return False
        envelope = mailbox_folder.envelope_of(header, fetched, self._account, self._clock())
        stage = Stage.STORED
        try:
            content = self._content(folder, uid, fetched, envelope, attempt)
        except GiveUp:
            return False
        except mailbox_folder.TooLarge:
            stage, content = Stage.TOO_LARGE, mailbox_folder.excerpt(fetched, self._limit)
        key = imap.take(self._store, folder.place, uid, stage, envelope, content)
        if isinstance(content, Stored):
            imap.drop_copy(self._store, content)
        journal.mail_fetched(self._health.account, key, content.size if isinstance(content, Stored) else len(content))
        self._stored()
        return True

    def _content(self, folder: Connected, uid: int, fetched: Fetched, envelope: Envelope, attempt: int) -> Content:
        """All of a mail: as in SMTP, a large one goes to ``store.raw`` as it comes (R3)."""
        if len(fetched.beginning) <= LARGEST_IN_MEMORY:
            return fetched.beginning
        return imap.keep(self._store, envelope, self._portions(folder, uid, fetched, attempt))

    def _portions(self, folder: Connected, uid: int, fetched: Fetched, attempt: int) -> Iterator[bytes]:
        size, most = len(fetched.beginning), self._limit + self._limit // 10
        if fetched.said_size > most:
            raise mailbox_folder.TooLarge
        portion: bytes | None = fetched.beginning
        rest = iter(fetched.rest)
        while portion is not None:
            yield portion
            with self._handing_over(folder, uid, attempt):
                portion = next(rest, None)
            size += len(portion or b"")
            if size > most:
                raise mailbox_folder.TooLarge

    def _missed(self, folder: Connected, uid: int, attempts: int) -> None:
        """Ask again later; in the end have a person told, by way of the quarantine (E53)."""
        now, pause = self._clock(), mailbox_folder.retry_after(attempts)
        if pause is not None:
            journal.mail_not_fetched(self._health.account, uid, attempts)
            imap.missed(self._store, folder.place, uid, attempts, now + pause)
            return
        envelope, raw = mailbox_folder.not_fetched(folder.place, uid, self._account, now)
        imap.take(self._store, folder.place, uid, Stage.STORED, envelope, raw)
        self._stored()

    # ---- out of the folder

    def _file(self, folder: Connected) -> list[Known]:
        """Move what is decided to where it belongs; the rows of what stays."""
        staying, moved = [], []
        targets = [(row, mailbox_folder.destination(row)) for row in imap.known(self._store, folder.place)]
        if any(target is not None for _, target in targets):
            imap.confirm(self._store, folder.place)
        try:
            for row, target in targets:
                self._keep()
                if target is not None and folder.file(row.uid, target):
                    moved.append(row.uid)
                    continue
                if target is not None:
                    journal.mail_not_filed(self._health.account, row.uid, target)
                staying.append(row)
        finally:  # what was moved before the connection broke off need not wait for the next list
            imap.filed(self._store, folder.place, moved)
        return staying

    # ---- rests and failures

    def _is_well(self, waiting: int) -> None:
        self._told = False
        self._silent_since = self._clock()
        health = self._health
        health.state, health.error = AccountState.READING, ""
        health.last_good_list_at, health.waiting = self._silent_since, waiting

    def _rest(self, folder: Connected, *, busy: bool) -> None:
        """Until there is news; only shortly, and ever longer, where mails wait for a decision."""
        poll = float(self._account.poll_seconds)
        if busy:
            self._stop.wait(self._rest_seconds)
            self._rest_seconds = min(poll, 2 * self._rest_seconds, LONGEST_BUSY_REST_SECONDS)
            return
        self._rest_seconds = SHORTEST_REST_SECONDS
        folder.wait(poll * IDLE_FACTOR if folder.tells_news else poll, self._is_over)

    def _is_over(self) -> bool:
        return self._stop.is_set() or not self._lease.keep()

    def _put_off(self, error: TryLater | Refused) -> None:
        """Wait before the next try. What somebody has to change is said once, not at every try (E57)."""
        self._failures += 1
        health, is_refused = self._health, isinstance(error, Refused)
        pause = mailbox_folder.pause_seconds(self._failures, self._chance(), refused=is_refused)
        if not is_refused or health.error != str(error):
            journal.mailbox_put_off(health.account, error, pause, for_people=is_refused)
        health.state = AccountState.REFUSED if is_refused else AccountState.BROKEN_OFF
        health.error = str(error)
        if not self._told and self._clock() - self._silent_since > TOO_LONG:
            self._told = True
            journal.mailbox_silent(health.account, error)
        self._stop.wait(pause)
