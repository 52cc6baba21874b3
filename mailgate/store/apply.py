"""Doing what was decided: everything about a batch of mails in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, text, update

from mailgate.errors import TryLater
from mailgate.model.decision import Decision, Ignore, NewTicket, Reply
from mailgate.model.facts import Facts
from mailgate.model.message import VERIFIED, Kind, Verdict
from mailgate.model.outbound import Outbound
from mailgate.model.reading import Reading
from mailgate.model.ticket import Change, Draft, Event, FileState, Standing, Ticket
from mailgate.store import awaited, commissions, contacts, floods, history, known, levels, outbox, people, spool
from mailgate.store.changing import change_row, change_ticket, heads
from mailgate.store.engine import Store, insert_all, insert_new
from mailgate.store.history import LENGTHEN, chained
from mailgate.store.opening import GATEWAY, Opening, open_tickets
from mailgate.store.spool import Spooled
from mailgate.store.tables import OPEN, attachments, events, instance, messages, tickets


@dataclass(frozen=True, slots=True)
class Settled:
    """A mail that is decided. *references* has one for each new ticket, *outbound* one mail for each reply.

    *facts* are what it was decided by; None where nobody could read it.
    """

    spooled: Spooled
    reading: Reading
    decision: Decision
    references: tuple[str, ...]
    outbound: tuple[Outbound, ...]
    now: datetime
    facts: Facts | None = None

    @property
    def drafts(self) -> tuple[Draft, ...]:
        return self.decision.drafts


@dataclass(frozen=True, slots=True)
class Notice:
    """A ticket that no mail asked for, and the mails about it: a mail nobody could read, an alert."""

    draft: Draft
    reference: str
    outbound: tuple[Outbound, ...] = ()
    events: tuple[Event, ...] = ()


def apply(store: Store, connection: Connection, settled: Sequence[Settled]) -> None:
    """Write what was decided about mails, all of it or nothing, on the connection of ``store.deciding``.

    TryLater where a mail is no longer ours, or a ticket is no longer as it was when it was
    looked up, by another mail of the same batch too: then nothing happened, and the mails
    have to be looked up and decided again, if need be one by one.
    """
    with store.writing(connection) as tx:
        for now, mails in _by_instant(settled).items():
            spool.finish(tx, [each.spooled for each in mails], now)
        if any(each.drafts and each.facts for each in settled):
            levels.unchanged(tx, next(each.facts.levels for each in settled if each.facts))
        _change_tickets(tx, settled)
        ids = open_tickets(tx, [opening for each in settled for opening in _opened_by(each)])
        own = [_ticket_id(each, ids) for each in settled]
        _count_openings(tx, settled, ids)
        _save_messages(tx, settled, own)
        for each in settled:
            _take_along(tx, each.decision, each.references, ids)
        _meet(tx, settled, ids)
        for each in settled:
            if each.decision.returned is not None:
                commissions.add(tx, each.spooled.id, each.decision.returned, each.now)
        _note_contacts(tx, settled)
        for absence in (each.decision.absence for each in settled):
            if absence is not None:
                people.set_away(tx, absence.address, absence.until)
        for each in settled:
            if each.decision.level is not None:
                levels.order(tx, each.decision.level, each.now)
        outbox.queue(tx, [mail for each in settled for mail in _mails(each, ids)], set(ids.values()))


def carry_out(
    store: Store,
    connection: Connection,
    decision: Decision,
    references: Sequence[str],
    sent: Sequence[Outbound],
    now: datetime,
) -> None:
    """Do what no mail ordered, on the connection of ``store.deciding``.

    The first change of *decision* is that of the ticket that it is about; its history has the events.
    *references* has one for each new ticket, *sent* one mail for each reply.
    TryLater where a ticket is no longer as it was when it was looked up: then nothing happened.
    """
    own, *others = decision.changes
    with store.writing(connection) as tx:
        change_ticket(tx, own, decision.events, now)
        for change in others:
            change_ticket(tx, change, [], now)
        ids = open_tickets(tx, list(_openings(decision, references, sent, now)))
        _take_along(tx, decision, references, ids)
        both = zip(decision.replies, sent, strict=True)
        about = [(mail, _about(reply, decision, references, ids)) for reply, mail in both]
        queued = [outbox.Queued(mail, ticket_id, now, to_stranger=False) for mail, ticket_id in about]
        outbox.queue(tx, queued, set(ids.values()))


def quarantine(
    store: Store, spooled: Spooled, reason: str, error: str, now: datetime, notice: Notice | None = None
) -> None:
    """Keep a mail aside for a person: *reason* is a sentence, *error* the class of what went wrong, never content.

    *notice* opens the ticket "could not be read" in the same transaction; where that of an earlier time is still
    open, it is told instead.
    """
    with store.deciding(()) as connection, store.writing(connection) as tx:
        spool.set_aside(tx, spooled, reason, error, now)
        if notice is None:
            return
        telling = select(tickets.c.id).where(tickets.c.opened_by == spooled.id, text(OPEN)).limit(1)
        ticket_id = tx.execute(telling).scalar()
        if ticket_id is None:
            _open_notice(tx, notice, now, spooled.id)
        else:
            history.append(tx, ticket_id, notice.events, now)


def alert(store: Store, name: str, day: date, notice: Notice, now: datetime) -> bool:
    """Open the ticket of an alert and queue its mails, once for each *name* and *day*; False where it is there."""
    with store.deciding(()) as connection, store.writing(connection) as tx:
        row, said = {"name": f"alert {name}", "value": ""}, day.isoformat()
        tx.execute(insert_new(tx, instance), row)
        unsaid = (instance.c.name == row["name"]) & (instance.c.value < said)
        if tx.execute(update(instance).where(unsaid).values(value=said)).rowcount == 0:
            return False
        _open_notice(tx, notice, now)
    return True


def _open_notice(tx: Connection, notice: Notice, now: datetime, mail_id: int | None = None) -> None:
    opening = Opening(notice.draft, notice.reference, mail_id, "", notice.events, now, mails=notice.outbound)
    ids = open_tickets(tx, [opening])
    mails = [outbox.Queued(mail, ids[notice.reference], now, to_stranger=False) for mail in notice.outbound]
    outbox.queue(tx, mails, set(ids.values()))


def _count_openings(tx: Connection, settled: Sequence[Settled], ids: dict[str, int]) -> None:
    """What the caps on new tickets go by (E136)."""
    capped = [each for each in settled if each.reading.may_be_too_many]
    opening = [(each, each.decision.outcome) for each in capped if isinstance(each.decision.outcome, NewTicket)]
    floods.count(tx, [(ids[ref], each.reading, each.now) for each, _ in opening for ref in each.references])
    for each, outcome in opening:
        if outcome.collects and not floods.collect(tx, outcome.collects, ids[each.references[0]]):
            raise TryLater("another mail has begun to collect what its domain sends")  # and takes this one too


def _by_instant(settled: Iterable[Settled]) -> dict[datetime, list[Settled]]:
    found: dict[datetime, list[Settled]] = {}
    for each in settled:
        found.setdefault(each.now, []).append(each)
    return found


def _opened_by(settled: Settled) -> Iterable[Opening]:
    mail_id, message_id = settled.spooled.id, settled.reading.message.message_id
    return _openings(settled.decision, settled.references, settled.outbound, settled.now, mail_id, message_id)


def _openings(
    decision: Decision,
    references: Sequence[str],
    sent: Sequence[Outbound],
    now: datetime,
    mail_id: int | None = None,
    message_id: str = "",
) -> Iterable[Opening]:
    """The decision's events belong to the mail's own ticket: where it is a new one, the first.

    What asked for the tickets is the mail *mail_id*, unless the decision takes an earlier one along.
    """
    taken = decision.opens.takes_along if decision.opens else None
    if taken is not None:
        mail_id, message_id = taken.number, taken.reading.message.message_id
    for number, (draft, ref) in enumerate(zip(decision.drafts, references, strict=True)):
        happened = decision.events if number == 0 and decision.ticket is None else ()
        # what asks a unit is a thread of its own
        thread, parent = ("", references[0]) if draft.unit else (message_id, "")
        both = zip(decision.replies, sent, strict=True)
        mails = tuple(mail for reply, mail in both if reply.ticket is None and reply.draft == number)
        yield Opening(draft, ref, mail_id, thread, happened, now, decision.config_version, parent, mails)


def _ticket_id(settled: Settled, ids: dict[str, int]) -> int | None:
    """The ticket that the mail itself belongs to: of what was merged its own part (E158)."""
    ticket = settled.decision.part or settled.decision.ticket
    if ticket is None and settled.references:
        return ids[settled.references[0]]
    return ticket.id if ticket else None


def _mails(settled: Settled, ids: dict[str, int]) -> Iterable["outbox.Queued"]:
    stranger = settled.reading.verdict not in VERIFIED
    for reply, mail in zip(settled.decision.replies, settled.outbound, strict=True):
        ticket_id = _about(reply, settled.decision, settled.references, ids)
        yield outbox.Queued(mail, ticket_id, settled.now, stranger and reply.to == settled.reading.sender)


def _about(reply: Reply, decision: Decision, references: Sequence[str], ids: Mapping[str, int]) -> int | None:
    """The id of the ticket that *reply* is about."""
    about = reply.ticket or (None if references else decision.ticket)
    return about.id if about else ids[references[reply.draft]] if references else None


def _save_messages(tx: Connection, settled: Sequence[Settled], ticket_ids: Sequence[int | None]) -> None:
    insert_all(tx, messages, [_message(each, own) for each, own in zip(settled, ticket_ids, strict=True)])
    files = [
        {
            "mail_id": each.spooled.id,
            "part": file.part,
            "filename": file.filename,
            "content_type": file.content_type,
            "size": file.size,
            "sha256": file.sha256,
            "inline": file.inline,
            "state": FileState.HELD if each.decision.holds_files else None,
        }
        for each in settled
        for file in each.reading.message.attachments
    ]
    insert_all(tx, attachments, files)
    quiet = [each.decision.ticket.id for each in settled if each.decision.ticket and not _touched(each)]
    if quiet:  # such as thanks: nothing happens to the ticket, but it has words to be forgotten again
        tx.execute(update(tickets).where(tickets.c.id.in_(quiet)).values(forgotten=0))


def _take_along(tx: Connection, decision: Decision, references: Sequence[str], ids: Mapping[str, int]) -> None:
    """An earlier mail belongs to what was opened now (E158), and nobody doubts that it is its sender's."""
    taken = decision.opens.takes_along if decision.opens else None
    if taken is not None:
        own = messages.c.id == taken.number
        tx.execute(update(messages).where(own).values(ticket_id=ids[references[0]], standing=None))


def _meet(tx: Connection, settled: Sequence[Settled], ids: dict[str, int]) -> None:
    """Answers that came first and the mails that they answer (E123)."""
    for each in settled:
        opens = each.decision.opens
        if opens is None:
            continue
        awaited.wait(tx, each.spooled.id, opens.awaits, each.now)
        for part in opens.parts:
            joins = Event("merged", GATEWAY, {"into": each.references[0], "because": "what it answers came"})
            change_ticket(tx, Change(part, merged_into=ids[each.references[0]]), [joins], each.now)


def _message(settled: Settled, ticket_id: int | None) -> dict[str, Any]:
    reading, decision, message = settled.reading, settled.decision, settled.reading.message
    return {
        "id": settled.spooled.id,
        "ticket_id": ticket_id,
        "action": decision.action,
        "kind": message.kind,
        "verdict": reading.verdict,
        "mailbox": reading.mailbox,
        "message_id": message.message_id,
        "fingerprint": reading.fingerprint,
        "content": reading.content,
        "sender": reading.sender,
        "subject": message.subject,
        "text": message.text,
        "reply_text": message.reply_text,
        "dated_at": message.date,
        "received_at": settled.spooled.envelope.received_at,
        "decided_at": settled.now,
        "defects": message.defects,
        "trace": [[match.stage, match.name, match.words, match.where, match.effect] for match in decision.trace],
        "silent_because": decision.silent_because,
        "config_version": decision.config_version,
        "known": known.kept(reading, settled.facts) if settled.facts else None,
        "standing": Standing.DOUBTFUL if decision.is_doubtful and decision.ticket else None,
    }


def _note_contacts(tx: Connection, settled: Sequence[Settled]) -> None:
    """Who can be reached (E142): a person's mail says so, a failure to deliver one of ours the opposite."""
    wrote = (each.reading for each in settled if each.reading.message.kind is Kind.HUMAN)
    contacts.heard_from(tx, (reading.sender for reading in wrote if reading.verdict is not Verdict.FAIL))
    for each in settled:
        message = each.reading.message
        for address in each.facts.came_back if each.facts else ():
            note = contacts.flag if message.is_lasting_failure else contacts.failed_for_now
            if note(tx, address, each.now) and each.decision.ticket:
                event = Event("requester unreachable", GATEWAY, {"status": message.bounce_status}, {"address": address})
                history.append(tx, each.decision.ticket.id, [event], each.now)


def _change_tickets(tx: Connection, settled: Sequence[Settled]) -> None:
    """Changes and events of existing tickets, each of which must still be as it was looked up."""
    touched = [(each, ticket) for each in settled for ticket in _touched(each).values()]
    if not touched:
        return
    found = heads(tx, [ticket for _, ticket in touched])
    histories, ends = [], []
    for each, ticket in touched:
        own = each.decision.ticket
        happened = each.decision.events if own is not None and own.id == ticket.id else ()
        happened += tuple(
            event for change in each.decision.changes if change.ticket.id == ticket.id for event in change.events
        )
        rows, head = chained(ticket.ref, found[ticket.id], happened, each.now)
        histories += [{"ticket_id": ticket.id, **row} for row in rows]
        ends.append({"ticket": ticket.id, "count": head.count, "hash": head.hash, "now": each.now})
    insert_all(tx, events, histories)
    tx.execute(LENGTHEN, ends)
    for each in settled:
        for change in each.decision.changes:
            change_row(tx, change, each.now)


def _touched(settled: Settled) -> dict[int, Ticket]:
    """The tickets that are changed, or whose history goes on: what is only kept with one does not touch it."""
    own, decision = settled.decision.ticket, settled.decision
    is_kept = isinstance(decision.outcome, Ignore) and not decision.events
    tickets_of = [change.ticket for change in decision.changes] + ([own] if own and not is_kept else [])
    return {ticket.id: ticket for ticket in tickets_of}
