"""Is there mail on one side only? The store against itself, the relay's log, and the folders of each account."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from mailgate import journal
from mailgate.errors import GiveUp, Refused, TryLater
from mailgate.ingest.relaylog import HandedOver, received_id
from mailgate.model.folder import Listed
from mailgate.store import compare
from mailgate.store.engine import Store
from mailgate.workers.alerts import Alerts
from mailgate.workers.canary import KEPT
from mailgate.workers.watch import Watched

ORPHAN_AFTER = timedelta(days=1)
NIGHTLY = timedelta(days=8)
SUBJECT = "Mail on one side only"
NOT_HERE = "It is not in the store."
NOT_IN_LOG = "It came by SMTP or LMTP; the relay's log does not name it."


class Folders(Protocol):
    """An open account: ``ingest.imap.MailFolder``. TryLater where it does not answer, Refused where it will not."""

    def listing(self, since: datetime | None) -> Iterable[Listed]:
        """Every mail in each of its folders that are ours, those that arrived before *since* left out."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Account:
    """What is fetched for *mailbox*, from the folder *intake*."""

    mailbox: str
    intake: str
    connect: Callable[[], Folders]


@dataclass(frozen=True, slots=True)
class Difference:
    """*side*: where it is known; *which*: ids and folders, never what a mail says; *what* is wrong, as a sentence."""

    side: str
    which: str
    what: str


def within_store(store: Store, since: datetime | None, now: datetime) -> list[Difference]:
    with store.read() as connection:
        found = compare.one_sided(connection, compare.first_id(connection, since), now)
        return [Difference("store", f"mail {mail_id}", f"The mail {what}.") for what, mail_id in found]


def with_objects(store: Store, since: datetime | None, now: datetime) -> list[Difference]:
    """The contents of large mails against the mails. An object is written before its row: it may be alone for a day."""
    kept = dict(store.objects.kept())
    with store.read() as connection:
        named = compare.locations(connection, compare.first_id(connection, since))
        every = named if since is None else compare.locations(connection, 0)
    lost = [mail_id for location, mail_id in named.items() if location not in kept]
    alone = [name for name, at in kept.items() if name not in every and now - at > ORPHAN_AFTER]
    return [
        *(Difference("store", f"mail {mail_id}", "Its content is not in store.raw: restore it.") for mail_id in lost),
        *(Difference("store.raw", name, "No mail has this content; it may be removed.") for name in alone),
    ]


def with_relay(store: Store, since: datetime | None, log: Sequence[HandedOver]) -> list[Difference]:
    """The relay's log against the store, over the time that the log tells of."""
    told = [each for each in log if since is None or each.at >= since]
    if not told:
        return []
    keys, queue_ids = {each.key for each in told}, {each.queue_id for each in told}
    begin, end = min(each.at for each in told), max(each.at for each in told)
    with store.read() as connection:
        lost = {each.key: each for each in told if not compare.is_stored(connection, each.key)}
        only_there = [
            Difference("relay", f"queue id {each.queue_id}, key {key}", NOT_HERE) for key, each in lost.items()
        ]
        first = compare.first_id(connection, begin - timedelta(days=1))
        arrived = compare.arrived_by_relay(connection, first, begin, end)
        unnamed = [(mail_id, key) for mail_id, key in arrived if key[:16] not in keys]
        only_here = [
            Difference("store", f"mail {mail_id}, key {key[:16]}", NOT_IN_LOG)
            for mail_id, key in unnamed
            if _queue_id(store, mail_id) not in queue_ids
        ]  # fmt: skip
    return [*only_there, *only_here]


def _queue_id(store: Store, mail_id: int) -> str:
    try:
        return received_id(compare.content_of(store, mail_id))
    except (TryLater, GiveUp):  # its content is told to be missing elsewhere
        return ""


def with_account(store: Store, since: datetime | None, account: Account, now: datetime) -> list[Difference]:
    """An account's folders against the store. Mail in the intake folder may wait for an hour."""
    with closing(account.connect()) as folders:
        listed = list(folders.listing(since))
    named = [each for each in listed if each.message_id and not _may_be_missing(each, account, now)]
    with store.read() as connection:
        known = compare.known_ids(connection, (each.message_id for each in named))
        ours = compare.fetched(connection, account.mailbox, compare.first_id(connection, since))
    place = f"account {account.mailbox}"
    there = {each.message_id for each in listed}
    return [
        *(
            Difference(place, f"folder {each.folder}, UID {each.uid}", NOT_HERE)
            for each in named
            if each.message_id not in known
        ),
        *(
            Difference("store", f"mail {mail_id}", f"It was fetched from {place}; it is in none of its folders.")
            for message_id, mail_id in ours.items()
            if message_id not in there
        ),
    ]  # fmt: skip


def _may_be_missing(listed: Listed, account: Account, now: datetime) -> bool:
    """Whether a mail waits to be fetched, or is a canary of long ago, which the store has forgotten."""
    age = now - listed.arrived_at
    waits = listed.folder == account.intake and age < compare.PATIENCE
    return waits or (listed.message_id.startswith("<canary.") and age > KEPT - timedelta(days=1))


def compared(
    store: Store,
    since: datetime | None,
    now: datetime,
    log: Sequence[HandedOver] = (),
    accounts: Iterable[Account] = (),
) -> Iterator[Difference]:
    """Everything that is on one side only. An account that does not answer is a difference too: it was not compared."""
    yield from within_store(store, since, now)
    try:
        yield from with_objects(store, since, now)
    except TryLater as error:
        yield Difference("store.raw", "all of it", f"It could not be compared: {error}")
    yield from with_relay(store, since, log)
    for account in accounts:
        try:
            yield from with_account(store, since, account, now)
        except (TryLater, Refused) as error:
            yield Difference(f"account {account.mailbox}", "all of it", f"It could not be compared: {error}")


@dataclass(frozen=True, slots=True)
class Nightly:
    """Compares the last days and tells people by a ticket, once a night."""

    store: Store
    alerts: Alerts
    accounts: Sequence[Account]
    clock: Callable[[], datetime]
    watched: Watched

    def turn(self) -> None:
        now = self.clock()
        found = list(compared(self.store, now - NIGHTLY, now, accounts=self.accounts))
        self.watched.differences = len(found)
        if not found:
            journal.nothing_missing()
            return
        journal.differences(len(found))
        self.alerts.tell("reconcile", SUBJECT, summary(found), now)


def summary(found: Sequence[Difference]) -> str:
    """How many on each side: counts, not content."""
    counts: dict[str, int] = {}
    for each in found:
        counts[each.side] = counts.get(each.side, 0) + 1
    told = ", ".join(f"{count} known only to the {side}" for side, count in counts.items())
    return f'{told}. "mailgate reconcile" lists them.'
