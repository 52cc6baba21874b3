"""What is held about a person, a case or a ticket, and taking all of it away, in one transaction.

What they asked for, and what they wrote, vanishes. What others asked for and wrote stays, without the address or the
number, wherever that can be read. Figures and the chains of hashes stay.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, delete, func, null, or_, select, text, type_coerce, update

from mailgate.errors import Refused
from mailgate.model.ticket import OPEN_STATUSES, Event, Status
from mailgate.store import emptying, history, holds, redacting, rows
from mailgate.store.columns import canonical
from mailgate.store.engine import Store
from mailgate.store.tables import (
    QUARANTINED,
    capacity_levels,
    clocks,
    contacts,
    events,
    messages,
    openings,
    outbox_mails,
    participants,
    people,
    raw_mails,
    spool,
    tellings,
    ticket_keys,
    tickets,
)
from mailgate.store.together import Forgotten
from mailgate.tickets import redaction
from mailgate.tickets.tombstone import Erased

ERASED = "erased"
OPERATOR = "operator"
SAYS = (
    *(messages.c.sender, messages.c.subject, messages.c.text, messages.c.reply_text),
    *(messages.c.known, messages.c.trace, messages.c.defects, messages.c.silent_because, messages.c.message_id),
)
"""Where a mail may name somebody."""
SAID_OF = (
    tickets.c.subject,
    tickets.c.fields,
    tickets.c.missing,
    tickets.c.tags,
    tickets.c.assignee,
    tickets.c.opening_id,
)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom or what to erase, as it is stored: a small-letter address, a key without spaces, a reference."""

    kind: Erased
    value: str

    @property
    def word(self) -> str:
        """What may stand in the mails of others; a reference of ours tells nothing about anybody."""
        return "" if self.kind is Erased.TICKET else self.value


@dataclass(frozen=True, slots=True)
class Found:
    """What there is, as ids: *own* tickets and mails vanish, and so do *quarantined* ones; others only lose the word.

    *entries*: how often the person stands in a list of addresses.
    """

    own_tickets: frozenset[int]
    own_mails: frozenset[int]
    other_tickets: frozenset[int]
    other_mails: frozenset[int]
    quarantined: frozenset[int]
    entries: int

    @property
    def is_nothing(self) -> bool:
        mails = self.own_mails | self.other_mails | self.quarantined
        return not (mails or self.tickets or self.entries)

    @property
    def tickets(self) -> frozenset[int]:
        return self.own_tickets | self.other_tickets


def look(connection: Connection, store: Store, target: Target) -> Found:
    """Everything that is about *target*. It reads every mail's text: minutes, where there are millions."""
    own = _own_tickets(connection, target)
    mails = _own_mails(connection, target, own)
    others = (_opening(connection, own) | _naming(connection, target.word)) - mails if target.word else set()
    touched = {*_tickets_of(connection, others | mails), *_taking_part(connection, target)} - own
    return Found(
        own_tickets=frozenset(own),
        own_mails=frozenset(mails),
        other_tickets=frozenset(touched),
        other_mails=frozenset(others),
        quarantined=frozenset(_quarantined(connection, store, target)),
        entries=_listed(connection, target),
    )


def check(connection: Connection, found: Found) -> None:
    """Refused where a hold keeps any of it."""
    kept: dict[int, str] = {}
    for some in emptying.portions(found.tickets):
        kept |= holds.held(connection, some)
    if kept:
        ticket_id, value = min(kept.items())
        ref = connection.scalar(select(tickets.c.ref).where(tickets.c.id == ticket_id))
        raise Refused(f"{ref} is kept by a legal hold of {value}: nothing of it may be erased until that is released")


def erase(tx: Connection, store: Store, target: Target, found: Found, by: str, now: datetime) -> dict[str, int]:
    """Take everything away, and tell so in the history of each ticket; the rows concerned, by what they were."""
    sent = _sent(tx, target, found)
    counts = emptying.empty_mails(tx, found.own_mails, now)
    emptying.make_unknown(tx, found.own_mails)
    counts["quarantined_mails"] = _empty_quarantined(tx, found, now)
    counts["mails_of_others"] = redacting.mails(tx, store, found.other_mails, target.word)
    to_them = _sent_to(tx, target, found)
    counts["our_mails"] = emptying.delete_sent(tx, to_them) + emptying.empty_sent(tx, sent - to_them)
    counts["tickets"] = len(found.own_tickets)
    counts["cancelled_tickets"] = _cancel(tx, found, now)
    emptying.empty_tickets(tx, found.own_tickets)
    counts["tickets_of_others"] = redacting.tickets_of_others(tx, found.other_tickets, target.word)
    counts["events"] = _empty_events(tx, target, found)
    counts["directory"] = _unlist(tx, target)
    happened = Event(ERASED, OPERATOR, {"what": target.kind}, {"by": by})
    for some in emptying.portions(found.tickets):
        history.append_each(tx, {ticket_id: [happened] for ticket_id in some}, now)
    for some in emptying.portions(found.own_tickets):
        tx.execute(update(tickets).where(tickets.c.id.in_(some)).values(forgotten=Forgotten.PEOPLE))
    return counts


# ------------------------------------------------------------------ what there is


def _own_tickets(connection: Connection, target: Target) -> set[int]:
    match target.kind:
        case Erased.PERSON:
            query = select(tickets.c.id).where(tickets.c.requester == target.value)
        case Erased.CASE:
            query = select(ticket_keys.c.ticket_id).where(ticket_keys.c.value == target.value)
        case Erased.TICKET:
            query = select(tickets.c.id).where(tickets.c.ref == target.value)
    found = set(connection.scalars(query))
    return found | {part.id for parts in rows.parts(connection, found).values() for part in parts}


def _own_mails(connection: Connection, target: Target, own: set[int]) -> set[int]:
    """The mails of the tickets, but those that are others' too, and whatever the person wrote."""
    found = {each for some in emptying.portions(own)
             for each in connection.scalars(select(messages.c.id).where(messages.c.ticket_id.in_(some)))}  # fmt: skip
    found |= _opening(connection, own)
    alone = {each for each in found if not _tickets_of(connection, [each]) - own}
    if target.kind is Erased.PERSON:
        alone |= set(connection.scalars(select(messages.c.id).where(messages.c.sender == target.value)))
    return alone


def _opening(connection: Connection, ticket_ids: set[int]) -> set[int]:
    opening = (
        select(messages.c.id).join(tickets, tickets.c.opened_by == messages.c.id).where(tickets.c.id.in_(some))
        for some in emptying.portions(ticket_ids)
    )
    return {each for query in opening for each in connection.scalars(query)}


def _tickets_of(connection: Connection, mail_ids: Sequence[int] | set[int]) -> set[int]:
    """Every ticket that these mails belong to or opened."""
    found: set[int] = set()
    for some in emptying.portions(mail_ids):
        owner = select(messages.c.ticket_id).where(messages.c.id.in_(some), messages.c.ticket_id.is_not(None))
        found.update(connection.scalars(owner))
        found.update(connection.scalars(select(tickets.c.id).where(tickets.c.opened_by.in_(some))))
    return found


def _naming(connection: Connection, word: str) -> set[int]:
    """The mails whose text names *word*, however it is spaced."""
    named = or_(*(_says(column, word) for column in SAYS))
    found = set(connection.scalars(select(messages.c.id).where(named)))
    envelopes = or_(_says(raw_mails.c.sender, word), _says(raw_mails.c.recipients, word))
    decided = select(raw_mails.c.id).join(messages, messages.c.id == raw_mails.c.id)
    return found | set(connection.scalars(decided.where(envelopes)))


def _says(column: "Column[Any]", word: str) -> Any:
    said = func.replace(func.lower(type_coerce(column, Text)), " ", "")
    return said.contains("".join(canonical(word)[1:-1].lower().split()), autoescape=True)


def _taking_part(connection: Connection, target: Target) -> set[int]:
    """The tickets of others that the person takes part in, or whose facts or history name the word."""
    if not target.word:
        return set()
    found = set(connection.scalars(select(participants.c.ticket_id).where(participants.c.address == target.word)))
    found |= set(connection.scalars(select(tickets.c.id).where(or_(*(_says(each, target.word) for each in SAID_OF)))))
    return found | set(connection.scalars(select(events.c.ticket_id).where(_named_in_events(target))))


def _named_in_events(target: Target) -> Any:
    return or_(_says(events.c.personal, target.word), _says(events.c.actor, target.word))


def _quarantined(connection: Connection, store: Store, target: Target) -> Iterator[int]:
    """The mails that nobody could read, and that name the word."""
    if not target.word:
        return
    query = select(raw_mails).join(spool, spool.c.id == raw_mails.c.id).where(text(QUARANTINED))
    for row in connection.execute(query).all():
        raw = row.content if row.location is None else store.objects.read(row.location)
        if redaction.is_said(raw, target.word) or redaction.is_in(" ".join((row.sender, *row.recipients)), target.word):
            yield row.id


def _listed(connection: Connection, target: Target) -> int:
    """In how many lists of addresses the person stands."""
    if target.kind is not Erased.PERSON:
        return 0
    counted = (select(func.count()).select_from(table).where(column == target.value) for table, column in _lists())
    return sum(connection.execute(query).scalar_one() for query in counted)


def _lists() -> tuple[tuple[Table, "Column[Any]"], ...]:
    return (
        (people, people.c.address),
        (contacts, contacts.c.address),
        (openings, openings.c.sender),
        (tellings, tellings.c.reader),
        (participants, participants.c.address),
    )


def _sent(connection: Connection, target: Target, found: Found) -> set[int]:
    """The mails of ours to others that say what is to vanish, or were written because of it."""
    keys: set[str] = set()
    for some in emptying.portions(found.own_mails):
        keys.update(connection.scalars(select(raw_mails.c.key).where(raw_mails.c.id.in_(some))))
    about = redacting.naming(connection, found.other_tickets, target.word) if target.word else set()
    if keys and found.other_tickets:
        for some in emptying.portions(found.other_tickets):
            relayed = select(outbox_mails.c.id, outbox_mails.c.cause).where(outbox_mails.c.ticket_id.in_(some))
            about |= {row.id for row in connection.execute(relayed) if row.cause in keys}
    return about


def _sent_to(connection: Connection, target: Target, found: Found) -> set[int]:
    """The mails of ours to the person, and those about the tickets that vanish."""
    to_them = select(outbox_mails.c.id).where(func.lower(outbox_mails.c.recipient) == target.word.lower())
    mails = set(connection.scalars(to_them)) if target.word else set()
    for some in emptying.portions(found.own_tickets):
        mails.update(connection.scalars(select(outbox_mails.c.id).where(outbox_mails.c.ticket_id.in_(some))))
    return mails


# ------------------------------------------------------------------ taking it away


def _empty_quarantined(tx: Connection, found: Found, now: datetime) -> int:
    emptying.empty_mails(tx, found.quarantined, now)
    emptying.delete_mails(tx, found.quarantined)
    return len(found.quarantined)


def _cancel(tx: Connection, found: Found, now: datetime) -> int:
    """Nobody can work on an open ticket that says nothing."""
    count = 0
    for some in emptying.portions(found.own_tickets):
        is_open = tickets.c.id.in_(some) & tickets.c.status.in_(OPEN_STATUSES)
        ended = {"status": Status.CANCELLED, "waiting_for": None, "waiting_since": None}
        closed = func.coalesce(tickets.c.closed_at, type_coerce(now, tickets.c.closed_at.type))
        count += tx.execute(update(tickets).where(is_open).values(closed_at=closed, **ended)).rowcount
        own = clocks.c.ticket_id.in_(some)
        tx.execute(update(clocks).where(own).values(next_check_at=None))
        tx.execute(update(clocks).where(own, clocks.c.stopped_at.is_(None)).values(stopped_at=now))
    return count


def _empty_events(tx: Connection, target: Target, found: Found) -> int:
    """Take away who acted, and the personal part, with its salt: the hash of both stays, and the chain with it."""
    nobody = {"actor": null(), "personal": null(), "salt": null()}
    count = sum(
        tx.execute(update(events).where(events.c.ticket_id.in_(some)).values(nobody)).rowcount
        for some in emptying.portions(found.own_tickets)
    )
    if target.word:
        count += tx.execute(update(events).where(_named_in_events(target)).values(nobody)).rowcount
    return count


def _unlist(tx: Connection, target: Target) -> int:
    if target.kind is not Erased.PERSON:
        return 0
    count = sum(tx.execute(delete(table).where(column == target.value)).rowcount for table, column in _lists())
    ordered = update(capacity_levels).where(capacity_levels.c.set_by == target.value)
    return count + tx.execute(ordered.values(set_by="")).rowcount
