"""Writing new tickets, with the first event of each, who takes part, its keys and its clocks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from mailgate.model.outbound import Outbound, Way
from mailgate.model.ticket import OPEN_STATUSES, Draft, Event
from mailgate.store import holding
from mailgate.store.engine import insert_all
from mailgate.store.history import Head, chained
from mailgate.store.rows import draft_row
from mailgate.store.tables import clocks, events, participants, ticket_keys, tickets

GATEWAY = "mailgate"

# Made once: to make a statement takes as long as to run it.
OPENING = insert(tickets).returning(tickets.c.ref, tickets.c.id)
MAKE_PART = update(tickets).where(tickets.c.id == bindparam("ticket")).values(parent=bindparam("of"))


@dataclass(frozen=True, slots=True)
class Opening:
    """One ticket to be opened by one mail. Its history begins with "opened", which is written here.

    *rules* is the version of the configuration that routed it, *parent* the commission whose part it is.
    *mails* are the first about it, to be queued once it is there (``outbox.queue``).
    """

    draft: Draft
    ref: str
    mail_id: int | None
    message_id: str
    events: tuple[Event, ...]
    now: datetime
    rules: str = ""
    parent: str = ""
    mails: tuple[Outbound, ...] = ()

    @property
    def mailed(self) -> Sequence[Outbound]:
        """The mails that can be answered by mail: they are numbered, and who gets one may post (E121)."""
        return [mail for mail in self.mails if mail.way is Way.MAIL]


def open_tickets(tx: Connection, openings: Sequence[Opening]) -> dict[str, int]:
    """Write new tickets; their ids by reference."""
    if not openings:
        return {}
    histories = {each.ref: chained(each.ref, Head(), (_opened(each), *each.events), each.now) for each in openings}
    rows = [
        draft_row(each.draft, each.ref, histories[each.ref][1], each.now, each.mail_id, each.message_id)
        | {"last_serial": max((mail.serial for mail in each.mailed), default=0)}
        for each in openings
    ]
    opened = tx.execute(OPENING, rows)
    ids: dict[str, int] = {row.ref: row.id for row in opened}
    parts = [{"ticket": ids[each.ref], "of": ids[each.parent]} for each in openings if each.parent]
    if parts:
        tx.execute(MAKE_PART, parts)
    insert_all(tx, events, [{"ticket_id": ids[ref], **row} for ref, (rows, _) in histories.items() for row in rows])
    insert_all(tx, participants, [row for each in openings for row in _participants(each, ids[each.ref])])
    insert_all(tx, ticket_keys, [row for each in openings for row in key_rows(each.draft.keys, ids[each.ref])])
    insert_all(tx, clocks, [row for each in openings for row in _clocks(each, ids[each.ref])])
    holding.hold(
        tx,
        {
            ids[each.ref]: (each.draft.held, histories[each.ref][1].count)
            for each in openings
            if each.draft.held and each.draft.status in OPEN_STATUSES
        },
    )
    return ids


def _opened(opening: Opening) -> Event:
    draft = opening.draft
    data = {
        "mail": opening.mail_id,
        "mailbox": draft.mailbox,
        "status": draft.status,
        "task": draft.task,
        "team": draft.team,
        "priority": draft.priority,
        "rules": opening.rules,
    }
    if draft.held is not None:
        data |= {"level": draft.held.level.name, "unit": draft.held.level.unit, "does": draft.held.effect}
    if opening.parent:
        data |= {"commission": opening.parent, "unit": draft.unit}
    return Event("opened", GATEWAY, data, {"requester": draft.requester})


def _participants(opening: Opening, ticket_id: int) -> Iterable[dict[str, Any]]:
    roles = dict.fromkeys((mail.recipient.lower() for mail in opening.mailed), "mailed")
    roles |= dict.fromkeys(opening.draft.watchers, "watcher") | {opening.draft.requester: "requester"}
    return ({"ticket_id": ticket_id, "address": address, "role": role} for address, role in roles.items() if address)


def key_rows(keys: Iterable[str], ticket_id: int) -> Iterable[dict[str, Any]]:
    """The rows that say which cases a ticket is about."""
    return ({"value": value, "ticket_id": ticket_id} for value in dict.fromkeys(keys))


def _clocks(opening: Opening, ticket_id: int) -> Iterable[dict[str, Any]]:
    draft = opening.draft
    begins_at = draft.clock_started_at
    for kind, due in (("first_reply", draft.first_reply_due), ("finish", draft.due_at)):
        if due is not None:
            yield {
                "ticket_id": ticket_id,
                "kind": kind,
                "policy": draft.sla_policy,
                "started_at": begins_at or draft.received_at,
                "due_at": due,
                "stopped_at": None if begins_at else opening.now,
                "next_check_at": begins_at,
            }
