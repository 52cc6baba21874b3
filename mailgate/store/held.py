"""Files that a rule holds back: what a person can ask about them, and their two ways out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, or_, select, text, tuple_, update

from mailgate.errors import Refused
from mailgate.model.ticket import Event, FileState
from mailgate.store import history
from mailgate.store.engine import Store
from mailgate.store.tables import HELD, attachments, messages, tickets

OPERATOR = "operator"

File = tuple[int, int]
"""The number of a mail, and that of the file in it."""


def held(connection: Connection) -> list[dict[str, Any]]:
    """What waits for a person, the oldest first."""
    return [
        {
            "id": f"{row.mail_id}.{row.part}",
            "ticket": row.ref,
            "filename": row.filename,
            "content_type": row.content_type,
            "size": row.size,
            "sha256": row.sha256,
            "sender": row.sender,
            "received_at": row.received_at.isoformat(),
        }
        for row in connection.execute(_waiting())
    ]


def of_ticket(connection: Connection, ref: str) -> list[File]:
    """The files that are held in the mails of the ticket *ref*; Refused where there are none."""
    found = connection.execute(_waiting().where(tickets.c.ref == ref)).all()
    if not found:
        raise Refused(f"no file of {ref} is held: see mailgate attachment list")
    return [(row.mail_id, row.part) for row in found]


def settle(store: Store, files: Iterable[File], state: FileState, at: datetime) -> list[str]:
    """Release or discard *files*; their names. Refused where one of them is not held: then none is.

    The history of each ticket that their mail belongs to, or opened, says so.
    """
    wanted = sorted(set(files))
    with store.write() as tx:
        found = tx.execute(_waiting().where(_among(wanted))).all()
        if missing := set(wanted) - {(row.mail_id, row.part) for row in found}:
            mail, part = min(missing)
            raise Refused(f'no file "{mail}.{part}" is held: see mailgate attachment list')
        if tx.execute(update(attachments).where(text(HELD), _among(wanted)).values(state=state)).rowcount != len(found):
            raise Refused("somebody else was faster: see mailgate attachment list")
        for row in found:
            said = {"mail": row.mail_id, "part": row.part, "sha256": row.sha256}
            happened = Event(f"attachment {state}", OPERATOR, said, {"name": row.filename})
            for ticket_id in _tickets_of(tx, row):
                history.append(tx, ticket_id, [happened], at)
    return [row.filename for row in found]


def _waiting() -> Select[Any]:
    columns = (messages.c.sender, messages.c.received_at, messages.c.ticket_id, tickets.c.ref)
    return (
        select(attachments, *columns)
        .join(messages, messages.c.id == attachments.c.mail_id)
        .join(tickets, tickets.c.id == messages.c.ticket_id)
        .where(text(f"attachments.{HELD}"))
        .order_by(attachments.c.mail_id, attachments.c.part)
    )


def _among(files: Sequence[File]) -> Any:
    return tuple_(attachments.c.mail_id, attachments.c.part).in_(files)


def _tickets_of(tx: Connection, file: Row[Any]) -> Sequence[int]:
    theirs = or_(tickets.c.id == file.ticket_id, tickets.c.opened_by == file.mail_id)
    return tx.scalars(select(tickets.c.id).where(theirs).order_by(tickets.c.id)).all()
