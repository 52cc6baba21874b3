"""How far each mail of the folders that we fetch from has come (E43): one row a mail, whoever reads the folder.

"Ticketed" needs no mark of its own: the transaction that writes the ticket finishes the spool row.
"""

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, text, update

from mailgate.model.folder import Folder, Known, Stage
from mailgate.model.message import Envelope
from mailgate.store.engine import Store, insert_new, upsert
from mailgate.store.group_commit import unnamed
from mailgate.store.spool import Content, Stored, ingest_key, key_digest, put
from mailgate.store.tables import IN_FOLDER, imap_mails, raw_mails, spool


def known(store: Store, folder: Folder) -> list[Known]:
    """The mails of *folder* that have a row and have not left it."""
    columns = (imap_mails.c.uid, imap_mails.c.stage, imap_mails.c.attempts, imap_mails.c.retry_at)
    query = select(*columns, imap_mails.c.mail_id, spool.c.state)
    query = query.outerjoin(spool, spool.c.id == imap_mails.c.mail_id)
    with store.read() as connection:
        rows = connection.execute(query.where(text(IN_FOLDER), _of(folder))).all()
    return [
        Known(
            row.uid,
            Stage(row.stage),
            row.attempts,
            row.retry_at,
            decided=row.mail_id is not None and row.state != "ready",
            in_quarantine=row.state == "quarantined",
        )
        for row in rows
    ]


def confirm(store: Store, folder: Folder) -> None:
    """Afterwards what ``known`` told of *folder* is on the synchronous standby too (R27). Before a mail leaves it.

    The lock of one row is written behind them all, and its commit waits.
    """
    one = select(imap_mails.c.uid).where(text(IN_FOLDER), _of(folder)).limit(1)
    with store.write() as tx:
        tx.execute(one.with_for_update(read=True, key_share=True))


def take(store: Store, folder: Folder, uid: int, stage: Stage, envelope: Envelope, content: Content) -> str:
    """Spool a mail and note that it is there, in one transaction; its key. One that is there already stays as it is."""
    key = content.key if isinstance(content, Stored) else ingest_key(envelope, content)
    with store.write() as tx:
        put(tx, [(key, envelope, content)])
        mail_id = tx.execute(select(raw_mails.c.id).where(raw_mails.c.key == key)).scalar_one()
        row = {"stage": stage, "mail_id": mail_id, "attempts": 0, "retry_at": None}
        tx.execute(upsert(tx, imap_mails), {**_place(folder, uid), **row})
    return key


def keep(store: Store, envelope: Envelope, portions: Iterable[bytes]) -> Stored:
    """A large mail in ``store.raw``, written as it comes and durable there before ``take`` (E12).

    What *portions* raises leaves nothing behind. TryLater where it cannot be kept.
    """
    digest, size, incoming = key_digest(envelope), 0, store.objects.begin()
    try:
        for portion in portions:
            digest.update(portion)
            size += len(portion)
            incoming.write(portion)
        name = f"{digest.hexdigest()}-{secrets.token_hex(8)}"
        incoming.finish(name)
    except BaseException:
        incoming.discard()
        raise
    return Stored(name, size)


def drop_copy(store: Store, content: Stored) -> None:
    """Remove what ``keep`` wrote of a mail that turned out to be there already."""
    with store.read() as connection:
        names = unnamed(connection, [content.name])
    for name in names:
        store.objects.remove(name)


def missed(store: Store, folder: Folder, uid: int, attempts: int, retry_at: datetime) -> None:
    """Note that the server did not hand a mail over, and when to ask again."""
    row = {**_place(folder, uid), "stage": Stage.UNREAD, "attempts": attempts, "retry_at": retry_at}
    not_taken = imap_mails.c.stage.in_((Stage.UNREAD, Stage.FILED))  # another poller may have it by now
    with store.write() as tx:
        tx.execute(insert_new(tx, imap_mails), row)
        tx.execute(update(imap_mails).where(_of(folder), imap_mails.c.uid == uid, not_taken).values(row))


def filed(store: Store, folder: Folder, uids: Collection[int]) -> None:
    """Note that mails left the folder."""
    if uids:
        with store.write() as tx:
            leaving = update(imap_mails).where(_of(folder), imap_mails.c.uid.in_(sorted(uids)))
            tx.execute(leaving.values(stage=Stage.FILED, retry_at=None))


def renumbered(store: Store, folder: Folder) -> bool:
    """Whether the folder had other UIDs before; then its rows are closed: they mean nothing now (E45)."""
    before = and_(
        imap_mails.c.account == folder.account,
        imap_mails.c.folder == folder.name,
        imap_mails.c.uidvalidity != folder.uidvalidity,
    )
    with store.read() as connection:
        numberings = select(func.max(imap_mails.c.uidvalidity)).where(before)
        open_rows = select(imap_mails.c.uid).where(before, text(IN_FOLDER)).limit(1)
        had_others = connection.execute(numberings).scalar() is not None
        has_own = connection.execute(select(imap_mails.c.uid).where(_of(folder)).limit(1)).first() is not None
        has_open = connection.execute(open_rows).first() is not None
    if has_open:
        with store.write() as tx:
            tx.execute(update(imap_mails).where(before, text(IN_FOLDER)).values(stage=Stage.FILED, retry_at=None))
    return had_others and not has_own


def _of(folder: Folder) -> ColumnElement[bool]:
    return and_(
        imap_mails.c.account == folder.account,
        imap_mails.c.folder == folder.name,
        imap_mails.c.uidvalidity == folder.uidvalidity,
    )


def _place(folder: Folder, uid: int) -> dict[str, Any]:
    return {"account": folder.account, "folder": folder.name, "uidvalidity": folder.uidvalidity, "uid": uid}
