"""Taking an address, or the number of a case, out of the mails and tickets of others."""

import json
import secrets
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, delete, null, select, update

from mailgate.errors import GiveUp
from mailgate.model.message import Envelope
from mailgate.store import emptying
from mailgate.store.columns import canonical
from mailgate.store.engine import Store, insert_new
from mailgate.store.spool import ingest_key
from mailgate.store.tables import attachments, messages, outbox_mails, participants, raw_mails, tickets, unwanted
from mailgate.tickets import redaction

WORDS = ("subject", "text", "reply_text", "silent_because", "sender", "message_id")
FACTS = ("fields", "missing", "tags")


def mails(tx: Connection, store: Store, ids: Collection[int], word: str) -> int:
    """Take *word* out of these mails of others; how many. What was known when one was decided goes as a whole."""
    for some in emptying.portions(ids):
        for row in tx.execute(select(messages).where(messages.c.id.in_(some))).all():
            left = {name: redaction.in_text(row._mapping[name], word) for name in WORDS}
            bare = {"known": null(), "trace": [], "defects": []}
            tx.execute(update(messages).where(messages.c.id == row.id).values(**left, **bare))
        for file in tx.execute(select(attachments).where(attachments.c.mail_id.in_(some))).all():
            named = (attachments.c.mail_id == file.mail_id) & (attachments.c.part == file.part)
            tx.execute(update(attachments).where(named).values(filename=redaction.in_text(file.filename, word)))
        for row in tx.execute(select(raw_mails).where(raw_mails.c.id.in_(some))).all():
            tx.execute(update(raw_mails).where(raw_mails.c.id == row.id).values(_raw(tx, store, row, word)))
    return len(ids)


def _raw(tx: Connection, store: Store, row: Any, word: str) -> dict[str, Any]:
    """The bytes and the envelope of a mail without *word*; those of a large one in an object of another name."""
    found: dict[str, Any] = {
        "sender": redaction.in_text(row.sender, word),
        "recipients": [redaction.in_text(each, word) for each in row.recipients],
    }
    if row.location is None:
        return found | {"content": redaction.in_mail(row.content, word)}
    try:
        content = redaction.in_mail(store.objects.read(row.location), word)
    except GiveUp:  # it is missing, as reconcile tells
        return found
    envelope = Envelope(found["sender"], tuple(found["recipients"]), row.received_at)
    name = f"{ingest_key(envelope, content)}-{secrets.token_hex(8)}"
    writing = store.objects.begin()
    writing.write(content)
    writing.finish(name)
    tx.execute(insert_new(tx, unwanted), {"location": row.location})
    return found | {"location": name}


def tickets_of_others(tx: Connection, ids: Collection[int], word: str) -> int:
    """Take *word* out of the facts of these tickets, and whom it names out of those who take part; how many."""
    if not word:
        return 0
    for some in emptying.portions(ids):
        for row in tx.execute(select(tickets).where(tickets.c.id.in_(some))).all():
            left = {name: json.loads(redaction.in_text(canonical(row._mapping[name]), word)) for name in FACTS}
            left |= {name: redaction.in_text(row._mapping[name], word) for name in ("subject", "opening_id")}
            left |= {"assignee": None} if row.assignee == word else {}
            tx.execute(update(tickets).where(tickets.c.id == row.id).values(left))
        own = participants.c.ticket_id.in_(some) & (participants.c.address == word)
        tx.execute(delete(participants).where(own))
    return len(ids)


def naming(connection: Connection, ticket_ids: Collection[int], word: str) -> set[int]:
    """The mails of ours that say *word*, about these tickets or about none."""
    columns = (outbox_mails.c.id, outbox_mails.c.content, outbox_mails.c.subject)
    found = set()
    queries = [select(*columns).where(outbox_mails.c.ticket_id.is_(None))]
    queries += [select(*columns).where(outbox_mails.c.ticket_id.in_(some)) for some in emptying.portions(ticket_ids)]
    for query in queries:
        for row in connection.execute(query):
            if redaction.is_said(row.content, word) or redaction.is_in(row.subject, word):
                found.add(row.id)
    return found
