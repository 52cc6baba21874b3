"""What forgetting and erasing take away, table by table: the words first, then who, then what happened.

Every function takes the ids of rows that may be emptied and says how many it emptied. Rows of mails and of tickets
stay for their figures and their ids: SQLite would give the id of a deleted last row to the next one.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, delete, func, null, select, update

from mailgate.store.engine import Store, insert_new
from mailgate.store.tables import (
    attachments,
    awaited,
    held_tickets,
    messages,
    openings,
    outbox,
    outbox_mails,
    participants,
    people,
    raw_mails,
    receipts,
    returns,
    spool,
    tellings,
    ticket_keys,
    tickets,
    unwanted,
)

MOST_IDS = 500  # of one statement
NO_WORDS: dict[str, Any] = {"content": b"", "location": None, "sender": "", "recipients": []}
NOT_KNOWN_AGAIN: dict[str, Any] = {"message_id": "", "fingerprint": "", "content": "", "sender": "", "dated_at": None}
NOBODY: dict[str, Any] = {"requester": "", "subject": "", "assignee": None, "opening_id": ""}
NOTHING: dict[str, Any] = {"keys": [], "fields": {}, "missing": [], "tags": []}


def portions(ids: Iterable[int]) -> Iterator[list[int]]:
    """As many of *ids* at a time as a statement takes."""
    wanted = sorted(set(ids))
    return (wanted[start : start + MOST_IDS] for start in range(0, len(wanted), MOST_IDS))


def empty_mails(tx: Connection, ids: Collection[int], at: datetime) -> dict[str, int]:
    """Take the words of mails away: their bytes, their text, what was read of them, their files.

    What stays tells that they were here before, and who sent them.
    """
    wordless = {"subject": "", "text": "", "reply_text": "", "defects": [], "trace": [], "silent_because": ""}
    counts = {"mails": 0, "attachments": 0, "large_mails": 0}
    for some in portions(ids):
        counts["large_mails"] += _unwant(tx, some)
        tx.execute(update(raw_mails).where(raw_mails.c.id.in_(some)).values(NO_WORDS))
        emptied = update(messages).where(messages.c.id.in_(some))
        counts["mails"] += tx.execute(emptied.values(known=null(), forgotten_at=at, **wordless)).rowcount
        counts["attachments"] += _delete(tx, attachments.c.mail_id, some)
    return counts


def make_unknown(tx: Connection, ids: Collection[int]) -> None:
    """Take away what tells of emptied mails that they were here before, and who sent them."""
    for some in portions(ids):
        tx.execute(update(messages).where(messages.c.id.in_(some)).values(NOT_KNOWN_AGAIN))
        _delete(tx, awaited.c.mail_id, some)


def delete_mails(tx: Connection, ids: Collection[int]) -> int:
    """Delete the rows of emptied mails, but that of the newest of all; how many."""
    newest, count = select(func.max(raw_mails.c.id)).scalar_subquery(), 0
    for some in portions(ids):
        going = tx.scalars(select(raw_mails.c.id).where(raw_mails.c.id.in_(some), raw_mails.c.id < newest)).all()
        _unwant(tx, going)
        for column in (attachments.c.mail_id, returns.c.mail_id, messages.c.id, spool.c.id):
            _delete(tx, column, going)
        count += _delete(tx, raw_mails.c.id, going)
    return count


def _unwant(tx: Connection, ids: Collection[int]) -> int:
    """Note the objects of mails, to be removed once nothing names them."""
    large = raw_mails.c.id.in_(ids) & raw_mails.c.location.is_not(None)
    found = [{"location": each} for each in tx.scalars(select(raw_mails.c.location).where(large))]
    if found:
        tx.execute(insert_new(tx, unwanted), found)
    return len(found)


def remove_unwanted(store: Store) -> int:
    """Remove the objects that no mail has any more; what a killed run has left is removed by the next."""
    with store.read() as connection:
        found = connection.scalars(select(unwanted.c.location)).all()
    for location in found:
        store.objects.remove(location)
        with store.write() as tx:
            tx.execute(delete(unwanted).where(unwanted.c.location == location))
    return len(found)


def empty_sent(tx: Connection, ids: Collection[int]) -> int:
    """Take the words of mails of ours away; what stays tells what their answers belong to."""
    return sum(
        tx.execute(update(outbox_mails).where(outbox_mails.c.id.in_(some)).values(subject="", content=b"")).rowcount
        for some in portions(ids)
    )


def delete_sent(tx: Connection, ids: Collection[int]) -> int:
    count = 0
    for some in portions(ids):
        for column in (receipts.c.mail_id, outbox.c.id):
            _delete(tx, column, some)
        count += _delete(tx, outbox_mails.c.id, some)
    return count


def empty_tickets(tx: Connection, ids: Collection[int]) -> None:
    """Leave the figures of tickets: what was asked, of which unit and team, and when; nobody, and nothing they said."""
    office = select(people.c.unit).where(people.c.address == tickets.c.requester).scalar_subquery()
    for some in portions(ids):
        kept = func.coalesce(tickets.c.office, office)
        tx.execute(update(tickets).where(tickets.c.id.in_(some)).values(office=kept, **NOBODY, **NOTHING))
        ours = tx.scalars(select(outbox_mails.c.id).where(outbox_mails.c.ticket_id.in_(some))).all()
        delete_sent(tx, ours)
        tx.execute(update(messages).where(messages.c.ticket_id.in_(some)).values(sender=""))
        for table in (participants, ticket_keys, held_tickets, tellings, openings):
            _delete(tx, table.c.ticket_id, some)


def _delete(tx: Connection, column: "Column[int]", ids: Collection[int]) -> int:
    table: Table = column.table
    return tx.execute(delete(table).where(column.in_(ids))).rowcount if ids else 0
