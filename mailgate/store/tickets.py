"""Tickets for people: lists, one in full, and those a rehearsal begins with."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from mailgate.errors import Refused
from mailgate.model.capacity import Level
from mailgate.model.commission import COMMISSION
from mailgate.model.config import Config
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.ticket import Draft, Event, Status, WaitingFor
from mailgate.store import commissions, holding, outbox, outgoing, search
from mailgate.store.columns import instant
from mailgate.store.history import Head, chained
from mailgate.store.rows import draft_row
from mailgate.store.tables import (
    attachments,
    clocks,
    events,
    messages,
    participants,
    ticket_keys,
    tickets,
)
from mailgate.tickets import reference

FILTERS = ("ref", "status", "category", "task", "priority", "team", "assignee", "requester", "mailbox")


def listing(connection: Connection, key_name: str | None = None, **filters: str | None) -> list[dict[str, Any]]:
    """All tickets, the oldest first, or those that have every value in *filters* (``FILTERS``, and ``key``).

    *key_name* is what the key identifier is called: its values stand under that name.
    """
    query = select(tickets).order_by(tickets.c.id)
    for name, value in filters.items():
        if value is None:
            continue
        if name == "key":
            query = query.join(ticket_keys, ticket_keys.c.ticket_id == tickets.c.id)
            query = query.where(ticket_keys.c.value == value)
        elif name in FILTERS:
            query = query.where(tickets.c[name] == value)
        else:
            raise Refused(f"tickets cannot be filtered by {name}: choose from {', '.join((*FILTERS, 'key'))}")
    return _summaries(connection, connection.execute(query).all(), key_name)


def searched(connection: Connection, config: Config, asked: str) -> list[dict[str, Any]]:
    """The tickets that *asked* finds, the newest first, as ``listing`` has them (``store/search.py``)."""
    refs = reference.find(asked, config.service.reference)
    key = "".join(asked.split()).upper() if config.key_name else ""  # as rules write it: capitals, no spaces
    return _summaries(connection, search.found(connection, asked, refs, key), config.key_name)


def _summaries(connection: Connection, found: Sequence[Row[Any]], key_name: str | None) -> list[dict[str, Any]]:
    held, wholes = holding.levels_of(connection), sorted({row.merged_into for row in found if row.merged_into})
    query = select(tickets.c.id, tickets.c.ref).where(tickets.c.id.in_(wholes))
    refs: dict[int, str] = {row.id: row.ref for row in connection.execute(query)} if wholes else {}
    return [_summary(row, held.get(row.id), key_name) | {"merged_into": refs.get(row.merged_into)} for row in found]


def _summary(row: Row[Any], level: Level | None, key_name: str | None) -> dict[str, Any]:
    names = ("ref", "subject", "status", "waiting_for", "category", "task", "priority", "team", "assignee")
    keys = {key_name: row.keys[0] if row.keys else None, f"{key_name}s": row.keys} if key_name else {}
    return {
        **{name: row._mapping[name] for name in names},
        "requester": row.requester,
        **keys,
        "mailbox": row.mailbox,
        "missing": row.missing,
        "sla_policy": row.sla_policy,
        "received_at": row.received_at.isoformat(),
        "first_reply_due": _iso(row.first_reply_due),
        "first_reply_at": _iso(row.first_reply_at),
        "due_at": _iso(row.due_at),
        "level": str(level) if level else None,
        "closed_at": _iso(row.closed_at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def show(connection: Connection, ref: str, key_name: str | None = None, now: datetime | None = None) -> dict[str, Any]:
    """One ticket in full: its history, the mails it got and the mails it sent; of a commission how far it is *now*."""
    row = connection.execute(select(tickets).where(tickets.c.ref == ref)).first()
    if row is None:
        raise Refused(f"there is no ticket {ref}: see mailgate ticket list")
    parts, happened = _parts(connection, row.id), _events(connection, row.id)
    level = holding.levels_of(connection).get(row.id)
    return {
        **_summary(row, level, key_name),
        "review_on": level.review_on.isoformat() if level else None,
        "mailboxes": sorted({row.mailbox, *(to for event in happened for to in event["data"].get("mailboxes", ()))}),
        "fields": row.fields,
        "tags": row.tags,
        "marking": row.marking,
        "show_to": row.show_to,
        "attachments": row.attachments,
        "starts": row.starts,
        "linked_to": row.linked_to,
        "merged_into": _ref(connection, row.merged_into),
        "parts": [part.ref for part in parts],
        "commission": _ref(connection, row.parent),
        "unit": row.unit,
        **(commissions.shown(connection, row.id, now) if row.starts == COMMISSION else {}),
        "participants": _participants(connection, row.id),
        "clocks": _clocks(connection, row.id),
        "events": happened,
        "messages": _messages(connection, {row.id: row.opened_by, **{part.id: part.opened_by for part in parts}}),
        "outgoing": outgoing.of_ticket(connection, row.id),
    }


def _participants(connection: Connection, ticket_id: int) -> list[dict[str, Any]]:
    columns = (participants.c.address, participants.c.role)
    query = select(*columns).where(participants.c.ticket_id == ticket_id).order_by(participants.c.address)
    return [{"address": row.address, "role": row.role} for row in connection.execute(query)]


def _clocks(connection: Connection, ticket_id: int) -> list[dict[str, Any]]:
    query = select(clocks).where(clocks.c.ticket_id == ticket_id).order_by(clocks.c.kind)
    return [
        {
            "kind": row.kind,
            "policy": row.policy,
            "started_at": _iso(row.started_at),
            "due_at": _iso(row.due_at),
            "stopped_at": _iso(row.stopped_at),
        }
        for row in connection.execute(query)
    ]


def _events(connection: Connection, ticket_id: int) -> list[dict[str, Any]]:
    query = select(events).where(events.c.ticket_id == ticket_id).order_by(events.c.serial)
    return [
        {
            "serial": row.serial,
            "at": instant(row.at).isoformat(),
            "actor": row.actor,
            "what": row.what,
            "data": json.loads(row.data),
            "personal": json.loads(row.personal) if row.personal else {},
        }
        for row in connection.execute(query)
    ]


def _ref(connection: Connection, ticket_id: int | None) -> str | None:
    found: str | None = connection.scalar(select(tickets.c.ref).where(tickets.c.id == ticket_id)) if ticket_id else None
    return found


def _parts(connection: Connection, ticket_id: int) -> list[Any]:
    """The rows of all that was merged into a ticket, and into that."""
    columns = (tickets.c.id, tickets.c.ref, tickets.c.opened_by)
    found: list[Any] = []
    above = [ticket_id]
    while above:
        rows = connection.execute(select(*columns).where(tickets.c.merged_into.in_(above)).order_by(tickets.c.id)).all()
        found += rows
        above = [row.id for row in rows]
    return found


def _messages(connection: Connection, opened_by: Mapping[int, int | None]) -> list[dict[str, Any]]:
    """The mails of tickets; one mail may have opened several of them, and belongs to the first."""
    opening = [mail_id for mail_id in opened_by.values() if mail_id is not None]
    ours = messages.c.ticket_id.in_(list(opened_by)) | messages.c.id.in_(opening)
    found = connection.execute(select(messages).where(ours).order_by(messages.c.id)).all()
    files = _attachments(connection, [row.id for row in found])
    return [
        {
            "id": row.id,
            "action": row.action,
            "kind": row.kind,
            "verdict": row.verdict,
            "standing": row.standing,
            "message_id": row.message_id,
            "from": row.sender,
            "subject": row.subject,
            "date": _iso(row.dated_at),
            "received_at": _iso(row.received_at),
            "text": row.text,
            "reply_text": row.reply_text,
            "attachments": files.get(row.id, []),
            "defects": row.defects,
            "trace": [
                dict(zip(("stage", "name", "words", "where", "effect"), match, strict=True)) for match in row.trace
            ],
            "silent_because": row.silent_because,
            "config_version": row.config_version,
        }
        for row in found
    ]


def _attachments(connection: Connection, mail_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    query = select(attachments).where(attachments.c.mail_id.in_(mail_ids)).order_by(attachments.c.part)
    for row in connection.execute(query):
        names = ("part", "filename", "content_type", "size", "sha256", "inline", "state")
        found.setdefault(row.mail_id, []).append({name: row._mapping[name] for name in names})
    return found


def load_existing(tx: Connection, entries: Iterable[Mapping[str, Any]], config: Config) -> None:
    """Open the tickets of an ``existing_tickets.yml``, with the mails that docs/design.md says they have sent."""
    for entry in entries:
        _load(tx, entry, config)


def _load(tx: Connection, entry: Mapping[str, Any], config: Config) -> None:
    draft, opened, closed = _draft(entry, config), _instant(entry["opened"]), entry.get("closed")
    happened, head = chained(entry["ref"], Head(), [Event("loaded", "mailgate", {"status": draft.status})], opened)
    row = draft_row(draft, entry["ref"], head, opened) | {"closed_at": _instant(closed) if closed else None}
    ticket_id: int = tx.execute(insert(tickets).returning(tickets.c.id), row).scalar_one()
    tx.execute(insert(events), [{"ticket_id": ticket_id, **event} for event in happened])
    tx.execute(insert(participants), {"ticket_id": ticket_id, "address": draft.requester, "role": "requester"})
    if draft.keys:
        tx.execute(insert(ticket_keys), [{"ticket_id": ticket_id, "value": key} for key in draft.keys])
    sent = _sent(entry["ref"], draft, config.service.send_from or "")
    outbox.queue(tx, [outbox.Queued(mail, ticket_id, opened, to_stranger=False) for mail in sent])


def _draft(entry: Mapping[str, Any], config: Config) -> Draft:
    task, team, key = entry.get("task"), entry.get("team"), entry.get(config.key_name or "")
    mailbox = next((name for name, mailbox in config.service.mailboxes.items() if mailbox.team == team), "")
    return Draft(
        mailbox=mailbox,
        requester=entry["requester"].lower(),
        subject=entry.get("subject") or task or "",
        received_at=_instant(entry["opened"]),
        status=Status(entry["status"]),
        waiting_for=WaitingFor(entry["waiting_for"]) if entry.get("waiting_for") else None,
        category=task.partition(".")[0] if task else None,
        task=task,
        team=team,
        assignee=entry.get("assignee"),
        keys=(key,) if key else (),
        fields={config.key_name: (key,)} if key and config.key_name else {},
        missing=tuple(entry.get("missing") or ()),
    )


def _instant(day: date | datetime) -> datetime:
    """The moment an entry states, or the first of the day it states, in UTC."""
    if isinstance(day, datetime):
        return day.astimezone(UTC) if day.tzinfo else day.replace(tzinfo=UTC)
    return datetime.combine(day, time(), UTC)


def _sent(ref: str, draft: Draft, send_from: str) -> list[Outbound]:
    """The mails it counts as having sent; one to a whole team or to a third party may be answered by anybody."""
    to = {"received": draft.requester, "more_needed": draft.requester, "done": draft.requester}
    to |= {"assigned": draft.assignee} if draft.assignee else {}
    to |= {"new": "", "sent": ""}
    domain = send_from.rpartition("@")[2]
    return [
        Outbound(
            message=message,
            recipient=recipient,
            sender=send_from,
            subject=draft.subject,
            message_id=f"<{ref}.{message}@{domain}>",
            content=b"",
            cause="",
            serial=serial,
            automatic=message not in ("new", "assigned", "sent"),
            state=SendState.SENT,
        )
        for serial, (message, recipient) in enumerate(to.items(), start=1)
    ]
