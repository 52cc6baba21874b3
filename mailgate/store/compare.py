"""What of the store has no counterpart: within itself, beside the relay's log, beside the folders of an account."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, Select, exists, select, text

from mailgate.store.engine import Store
from mailgate.store.tables import FRESH, TRIED, messages, outbox, outbox_mails, raw_mails, spool, tickets

PATIENCE = timedelta(hours=1)
CHUNK = 400


def first_id(connection: Connection, since: datetime | None) -> int:
    """The id from which mails count that arrived after *since*; all of them where it is None."""
    if since is None:
        return 0
    query = select(messages.c.id).where(messages.c.received_at >= since).order_by(messages.c.received_at).limit(1)
    return connection.execute(query).scalar() or 0


def one_sided(connection: Connection, first: int, now: datetime) -> Iterator[tuple[str, int]]:
    """Rows from the id *first* on that lack what belongs to them: a sentence, and the id."""
    done, put_aside = spool.c.state == "done", spool.c.state == "quarantined"
    message = exists().where(messages.c.id == spool.c.id)
    telling = exists().where(tickets.c.opened_by == spool.c.id)
    handled = exists().where(spool.c.id == raw_mails.c.id)
    sending = exists().where(outbox.c.id == outbox_mails.c.id)
    queries: tuple[tuple[str, Select[int]], ...] = (
        ("is stored, but nobody will ever handle it", select(raw_mails.c.id).where(~handled, raw_mails.c.id >= first)),
        ("is finished, but was never decided", select(spool.c.id).where(done, ~message, spool.c.id >= first)),
        (
            "is in quarantine, and no ticket tells of it",
            select(spool.c.id).where(put_aside, ~telling, spool.c.id >= first),
        ),
        (
            "asked for a ticket, but has none",
            select(messages.c.id).where(
                messages.c.action == "new_ticket", messages.c.ticket_id.is_(None), messages.c.id >= first
            ),
        ),
        *(
            (
                "has waited for more than an hour",
                select(spool.c.id)
                .join(raw_mails, raw_mails.c.id == spool.c.id)
                .where(text(rows), raw_mails.c.received_at < now - PATIENCE),
            )
            for rows in (FRESH, TRIED)
        ),
    )
    for sentence, query in queries:
        yield from ((sentence, mail_id) for mail_id in connection.scalars(query))
    for mail_id in connection.scalars(select(outbox_mails.c.id).where(~sending)):
        yield "of ours was written, but nobody will ever send it", mail_id


def is_stored(connection: Connection, key: str) -> bool:
    """Whether a mail is here whose ingest key begins with *key*, hexadecimal digits."""
    beginning = (raw_mails.c.key >= key) & (raw_mails.c.key < key + "g")
    return connection.execute(select(raw_mails.c.id).where(beginning).limit(1)).first() is not None


def arrived_by_relay(connection: Connection, first: int, begin: datetime, end: datetime) -> Iterator[tuple[int, str]]:
    """Id and key of the mails that clients handed over between two instants."""
    during = raw_mails.c.received_at.between(begin, end) & raw_mails.c.source.in_(("smtp", "lmtp"))
    query = select(raw_mails.c.id, raw_mails.c.key).where(raw_mails.c.id >= first, during).order_by(raw_mails.c.id)
    return ((row.id, row.key) for row in connection.execute(query))


def content_of(store: Store, mail_id: int) -> bytes:
    """The mail's bytes; errors as of ``Objects.read``."""
    with store.read() as connection:
        query = select(raw_mails.c.content, raw_mails.c.location).where(raw_mails.c.id == mail_id)
        row = connection.execute(query).one()
    return bytes(row.content) if row.location is None else store.objects.read(row.location)


def locations(connection: Connection, first: int) -> dict[str, int]:
    """The objects that hold the content of mails from the id *first* on, and whose each is."""
    query = select(raw_mails.c.location, raw_mails.c.id).where(
        raw_mails.c.id >= first, raw_mails.c.location.is_not(None)
    )
    return {row.location: row.id for row in connection.execute(query)}


def known_ids(connection: Connection, message_ids: Iterable[str]) -> set[str]:
    """Which of *message_ids* a decided mail has."""
    known: set[str] = set()
    waiting = iter(sorted(set(message_ids)))
    while chunk := list(islice(waiting, CHUNK)):
        known.update(connection.scalars(select(messages.c.message_id).where(messages.c.message_id.in_(chunk))))
    return known


def fetched(connection: Connection, mailbox: str, first: int) -> dict[str, int]:
    """Message-ID and id of the decided mails from *first* on that were fetched for *mailbox*."""
    query = (
        select(messages.c.message_id, messages.c.id)
        .join(raw_mails, raw_mails.c.id == messages.c.id)
        .where(messages.c.id >= first, raw_mails.c.source == "imap", messages.c.mailbox == mailbox)
    )
    return {row.message_id: row.id for row in connection.execute(query)}
