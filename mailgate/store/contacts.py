"""Addresses whose mail comes back (E142): nothing automatic goes there until somebody writes from it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from mailgate.store.columns import microseconds
from mailgate.store.engine import upsert
from mailgate.store.tables import contacts, outbox_mails

UNREACHABLE = "mail to this address came back"
MOST_FAILURES, COUNTED_FOR = 5, timedelta(days=7)


def flagged(connection: Connection, addresses: Iterable[str]) -> frozenset[str]:
    """Which of *addresses* are known to be unreachable."""
    query = select(contacts.c.address).where(contacts.c.flagged_at.is_not(None))
    return frozenset(connection.scalars(query.where(contacts.c.address.in_(sorted(set(addresses))))))


def flag(tx: Connection, address: str, now: datetime) -> bool:
    """Mark *address* as unreachable; False where it was already."""
    if flagged(tx, [address]):
        return False
    tx.execute(upsert(tx, contacts), {"address": address, "failures": [], "flagged_at": now})
    return True


def failed_for_now(tx: Connection, address: str, now: datetime) -> bool:
    """Count a passing failure; five in seven days mark the address, True where this is the fifth."""
    known = tx.execute(select(contacts.c.failures, contacts.c.flagged_at).where(contacts.c.address == address)).first()
    if known is not None and known.flagged_at is not None:
        return False
    since = microseconds(now - COUNTED_FOR)
    failures = [at for at in (known.failures if known else ()) if at > since] + [microseconds(now)]
    is_enough = len(failures) >= MOST_FAILURES
    row = {"address": address, "failures": failures, "flagged_at": now if is_enough else None}
    tx.execute(upsert(tx, contacts), row)
    return is_enough


def heard_from(tx: Connection, addresses: Iterable[str]) -> None:
    """Somebody wrote from there: it can be reached."""
    wanted = sorted(set(addresses) - {""})
    if wanted:
        tx.execute(delete(contacts).where(contacts.c.address.in_(wanted)))


def mailed(connection: Connection, address: str, message_ids: Sequence[str]) -> bool:
    """Whether one of *message_ids* is a mail of ours to *address*: anybody can forge a report of failure."""
    query = select(outbox_mails.c.id).where(outbox_mails.c.message_id.in_(list(message_ids)))
    return connection.execute(query.where(outbox_mails.c.recipient == address).limit(1)).first() is not None
