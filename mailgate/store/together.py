"""Which tickets are forgotten together, and how far: what was merged, what is of one commission or of one mail.

The content of a mail is needed as long as any of the tickets that it opened; a part as long as its whole.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, select

from mailgate.model.keeping import Keep, Periods
from mailgate.model.outbound import SendState
from mailgate.store import emptying, holds
from mailgate.store.tables import messages, outbox, outbox_mails, tickets

PENDING = (SendState.READY, SendState.SENDING, SendState.HELD, SendState.GATHERING)


class Forgotten(IntEnum):
    """How much of a ticket is gone: nothing, the words of its mails, everybody who had to do with it, its history."""

    NOTHING = 0
    WORDS = 1
    PEOPLE = 2
    HISTORY = 3


Pair = tuple[int, int]


@dataclass(slots=True)
class Due:
    """By *now* and what *keep* says: how much of a ticket may be forgotten that was closed at an instant."""

    keep: Keep
    now: datetime
    _of: dict[str, tuple[datetime, ...]] = field(default_factory=dict)

    def far(self, mailbox: str, closed_at: datetime | None) -> Forgotten:
        """How far a ticket may be; nothing of one that is open."""
        if closed_at is None:
            return Forgotten.NOTHING
        return Forgotten(sum(closed_at <= before for before in self._before(mailbox)))

    def latest(self, far: Forgotten) -> datetime:
        """Of tickets closed after this instant none may be further than *far*, whatever mailbox they are of."""
        return max(self._before(mailbox)[far] for mailbox in ("", *self.keep.mailboxes))

    def _before(self, mailbox: str) -> tuple[datetime, ...]:
        if mailbox not in self._of:
            periods: Periods = self.keep.of(mailbox)
            kinds = (periods.mail_and_attachments, periods.tickets, periods.audit_trail)
            self._of[mailbox] = tuple(period.before(self.now) for period in kinds)
        return self._of[mailbox]


def due(tx: Connection, ids: Collection[int], by: Due) -> dict[int, Forgotten]:
    """How far each of these tickets may be: as far as each one may that belongs to it. They stay as they are meanwhile.

    Nothing of what is held, or has a mail of ours that is still to leave, may be forgotten.
    """
    rows, pairs = _found(tx, ids)
    kept = {*holds.held(tx, rows), *_pending(tx, rows)}
    far = {row.id: Forgotten.NOTHING if row.id in kept else by.far(row.mailbox, row.closed_at) for row in rows.values()}
    groups = _groups(rows, pairs)
    return {ticket_id: min(far[each] for each in groups[ticket_id]) for ticket_id in ids}


def _found(tx: Connection, ids: Collection[int]) -> tuple[dict[int, Any], set[Pair]]:
    """The rows of these tickets and of all that belong to them, locked, and which belongs to which."""
    columns = (tickets.c.id, tickets.c.mailbox, tickets.c.closed_at, tickets.c.merged_into, tickets.c.parent)
    rows: dict[int, Any] = {}
    pairs: set[Pair] = set()
    looking = set(ids)
    while looking:
        locked = select(*columns).where(tickets.c.id.in_(sorted(looking))).order_by(tickets.c.id).with_for_update()
        found = tx.execute(locked).all()
        rows |= {row.id: row for row in found}
        pairs |= {(row.id, other) for row in found for other in (row.merged_into, row.parent) if other}
        for some in emptying.portions(looking):
            pairs |= {*_below(tx, some), *_of_one_mail(tx, some)}
        looking = {each for pair in pairs for each in pair} - rows.keys()
    return rows, pairs


def _below(tx: Connection, ids: list[int]) -> Iterator[Pair]:
    for above in (tickets.c.merged_into, tickets.c.parent):
        yield from ((row[0], row[1]) for row in tx.execute(select(tickets.c.id, above).where(above.in_(ids))))


def _of_one_mail(tx: Connection, ids: list[int]) -> Iterator[Pair]:
    """The tickets that a mail opened beside the one it belongs to."""
    both = select(tickets.c.id, messages.c.ticket_id).join(messages, messages.c.id == tickets.c.opened_by)
    both = both.where(messages.c.ticket_id != tickets.c.id)
    for own in (tickets.c.id, messages.c.ticket_id):
        yield from ((row[0], row[1]) for row in tx.execute(both.where(own.in_(ids))))


def _pending(tx: Connection, ids: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for some in emptying.portions(ids):
        query = select(outbox_mails.c.ticket_id).join(outbox, outbox.c.id == outbox_mails.c.id)
        found.update(tx.scalars(query.where(outbox_mails.c.ticket_id.in_(some), outbox.c.state.in_(PENDING))))
    return found


def _groups(ids: Iterable[int], pairs: Iterable[Pair]) -> dict[int, set[int]]:
    """By ticket all that belong together with it, itself too."""
    groups = {ticket_id: {ticket_id} for ticket_id in ids}
    for one, other in pairs:
        if groups[one] is not groups[other]:
            groups[one] |= groups[other]
            groups |= dict.fromkeys(groups[other], groups[one])
    return groups
