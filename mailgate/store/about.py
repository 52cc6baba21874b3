"""Everything that is held about a case, for whoever asks what that is (docs/domain.md section 11)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mailgate.errors import GiveUp, Refused
from mailgate.model.config import Config
from mailgate.model.ticket import Event
from mailgate.store import compare, emptying, erasing, history, tickets
from mailgate.store.engine import Store
from mailgate.store.erasing import Target
from mailgate.store.tables import messages, outbox_mails
from mailgate.store.tables import tickets as table

EXPORTED = "exported"
OPERATOR = "operator"


def everything(
    store: Store, config: Config, target: Target, by: str, now: datetime, *, with_mails: bool
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """All tickets about *target* in full, what else names it, and *with_mails* the mails by the names of their files.

    The history of each ticket says that it was exported. Refused where nothing is held.
    """
    with store.read() as connection:
        found = erasing.look(connection, store, target)
        if found.is_nothing:
            raise Refused(f"nothing is held about this {target.kind}: see how it is written in mailgate ticket list")
        refs = _refs(connection, found.own_tickets)
        shown = [tickets.show(connection, ref, config.key_name, now) for ref in refs]
        also = _named(connection, found.other_mails)
        sent = _sent(connection, found.own_tickets) if with_mails else {}
    mails = {f"in-{number}.eml": _content(store, number) for number in _numbers(shown, also)} if with_mails else {}
    told = Event(EXPORTED, OPERATOR, {}, {"by": by})
    with store.write() as tx:
        for some in emptying.portions(found.own_tickets):
            history.append_each(tx, {ticket_id: [told] for ticket_id in some}, now)
    about = {
        "case": target.value,
        "exported_at": now.isoformat(),
        "exported_by": by,
        "tickets": shown,
        "also_named_in": also,
        "in_quarantine": sorted(found.quarantined),
    }
    return about, {name: content for name, content in (mails | sent).items() if content}


def _refs(connection: Connection, ids: Iterable[int]) -> list[str]:
    queries = (select(table.c.ref).where(table.c.id.in_(some)).order_by(table.c.id) for some in emptying.portions(ids))
    return [ref for query in queries for ref in connection.scalars(query)]


def _named(connection: Connection, ids: Iterable[int]) -> list[dict[str, Any]]:
    """The mails of other tickets that name the case."""
    columns = (messages.c.id, messages.c.sender, messages.c.subject, messages.c.text, messages.c.received_at)
    return [
        {**row._mapping, "received_at": row.received_at.isoformat()}
        for some in emptying.portions(ids)
        for row in connection.execute(select(*columns).where(messages.c.id.in_(some)).order_by(messages.c.id))
    ]


def _numbers(shown: Iterable[dict[str, Any]], also: Iterable[dict[str, Any]]) -> list[int]:
    return sorted({mail["id"] for mail in (*also, *(mail for ticket in shown for mail in ticket["messages"]))})


def _content(store: Store, mail_id: int) -> bytes:
    try:
        return compare.content_of(store, mail_id)
    except GiveUp:  # it is missing, as reconcile tells
        return b""


def _sent(connection: Connection, ids: Iterable[int]) -> dict[str, bytes]:
    columns = (outbox_mails.c.id, outbox_mails.c.content)
    return {
        f"out-{row.id}.eml": bytes(row.content)
        for some in emptying.portions(ids)
        for row in connection.execute(select(*columns).where(outbox_mails.c.ticket_id.in_(some)))
    }
