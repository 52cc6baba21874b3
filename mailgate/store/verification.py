"""Is everything still what was written? Each history from its first event on, each seal, each large mail (S77).

It is read in portions, each as it stands at one moment, while mail may arrive: what is in memory does not grow with
what there is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, true

from mailgate.errors import GiveUp
from mailgate.store import forgotten, spool
from mailgate.store.engine import Store
from mailgate.store.history import GENESIS, Head, followed
from mailgate.store.tables import events, raw_mails, sealed_heads, seals, tickets
from mailgate.store.tables import forgotten as records
from mailgate.tickets.seal import FIRST_BEFORE, Covered, SealedHead, mac_of, seal

TICKETS, SEALS = 500, 100  # of a portion


@dataclass(frozen=True, slots=True)
class Finding:
    """*where* something is wrong ("MG-7K3F-99 event 5", "seal 12"), and *what*, as a sentence."""

    where: str
    what: str


@dataclass(slots=True)
class Counts:
    """How much was looked at."""

    tickets: int = 0
    events: int = 0
    seals: int = 0
    objects: int = 0


@dataclass(frozen=True, slots=True)
class Verification:
    """Looks through *store* with the *keys* of its seals; *written_down*: seals that somebody kept outside."""

    store: Store
    keys: Mapping[str, bytes] = field(repr=False)
    written_down: Mapping[int, bytes] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    def findings(self) -> Iterator[Finding]:
        """What is wrong, of each history the first event alone; a damaged database ends it, as nothing else is sure."""
        damage = self.store.damage()
        yield from (Finding("database", f"is damaged: {each}.") for each in damage)
        if not damage:
            yield from self._deletions()
            yield from self._histories()
            yield from self._seals()
            yield from self._objects()

    def _deletions(self) -> Iterator[Finding]:
        with self.store.snapshot() as connection:
            bad = forgotten.verify(connection)
        if bad is not None:
            yield Finding(f"deleted history {bad}", "has another record than the one that was written.")

    # ------------------------------------------------------------ the histories

    def _histories(self) -> Iterator[Finding]:
        after: int | None = -1
        while after is not None:
            with self.store.snapshot() as connection:
                portion = select(tickets.c.id, tickets.c.ref, tickets.c.events, tickets.c.head, tickets.c.sealed)
                known = connection.execute(portion.where(tickets.c.id > after).order_by(tickets.c.id).limit(TICKETS))
                found = known.all()
                until = found[-1].id if len(found) == TICKETS else None
                yield from list(self._portion(connection, found, after, until))
            after = until

    def _portion(
        self, connection: Connection, found: Iterable[Any], after: int, until: int | None
    ) -> Iterator[Finding]:
        """What is wrong with the histories of the tickets with an id above *after*, up to *until*."""
        happened = select(events).where(_between(events.c.ticket_id, after, until))
        covered = select(sealed_heads, seals.c.key, seals.c.forgotten).outerjoin(
            seals, seals.c.number == sealed_heads.c.seal
        )
        covered = covered.where(_between(sealed_heads.c.ticket_id, after, until))
        gone = select(records).where(_between(records.c.ticket_id, after, until))
        deleted = _by_ticket(connection.execute(gone.order_by(records.c.ticket_id, records.c.serial)))
        histories = _by_ticket(connection.execute(happened.order_by(events.c.ticket_id, events.c.serial)))
        ends = _by_ticket(connection.execute(covered.order_by(sealed_heads.c.ticket_id, sealed_heads.c.seal)))
        for ticket in found:
            self.counts.tickets += 1
            sealed, before = ends.pop(ticket.id, []), deleted.get(ticket.id, [])
            yield from self._history(ticket, histories.pop(ticket.id, []), sealed, before)
        for ticket_id in sorted({*histories, *ends}):
            yield Finding(f"ticket {ticket_id}", "is gone, and its history or its seals are still there.")

    def _history(self, ticket: Any, rows: list[Any], ends: list[Any], deleted: list[Any]) -> Iterator[Finding]:
        """*deleted* are the records of histories that this ticket had before."""
        head, hashes = Head(), [Head().hash]
        for row in rows:
            following = followed(head, ticket.ref, row)
            if following is None:
                yield _event(ticket, head.count + 1, "is not what was written.")
                return
            head = following
            hashes.append(head.hash)
        self.counts.events += head.count
        if (bad := self._unlike_its_seals(ticket, hashes, ends, deleted)) is not None:
            yield bad
        elif head != Head(ticket.events, ticket.head):
            yield _event(ticket, min(head.count, ticket.events) + 1, "is not where the history ends by its ticket.")
        elif ticket.sealed != (ends[-1].events if ends else 0):
            yield _event(ticket, (ends[-1].events if ends else 0) + 1, "counts as sealed, and no seal covers it.")

    def _unlike_its_seals(
        self, ticket: Any, hashes: list[bytes], ends: list[Any], deleted: list[Any]
    ) -> Finding | None:
        """The first end of a history that is not the one that was sealed; *hashes* begins before the first event."""
        good = 0
        for end in ends:
            record = next((each for each in deleted if each.serial > (end.forgotten or 0)), None)
            if record is not None:
                if not self._was_deleted(ticket, end, record):
                    return _event(ticket, end.events, f"was deleted, and is not what seal {end.seal} covers.")
                continue
            if end.events >= len(hashes):
                return _event(ticket, len(hashes), f"is gone: seal {end.seal} covers {end.events}.")
            key = self.keys.get(end.key)
            if key and not compare_digest(mac_of(key, ticket.id, end.events, hashes[end.events]), end.mac):
                which = f"one of the events {good + 1} to {end.events}" if good + 1 < end.events else "it"
                return _event(ticket, good + 1, f"was written anew: {which} is not what seal {end.seal} covers.")
            good = end.events
        return None

    def _was_deleted(self, ticket: Any, end: Any, record: Any) -> bool:
        """Whether the sealed *end* may be of the history that was deleted by *record*."""
        key = self.keys.get(end.key)
        if end.events < record.events or key is None:
            return True
        return end.events == record.events and compare_digest(mac_of(key, ticket.id, end.events, record.head), end.mac)

    # ------------------------------------------------------------ the seals

    def _seals(self) -> Iterator[Finding]:
        before, number, unknown = FIRST_BEFORE, 0, set[str]()
        while True:
            with self.store.snapshot() as connection:
                found = connection.execute(
                    select(seals, records.c.hash)
                    .outerjoin(records, records.c.serial == seals.c.forgotten)
                    .where(seals.c.number > number)
                    .order_by(seals.c.number)
                    .limit(SEALS)
                ).all()
                ends = connection.execute(
                    select(sealed_heads)
                    .where(_between(sealed_heads.c.seal, number, found[-1].number if len(found) == SEALS else None))
                    .order_by(sealed_heads.c.seal, sealed_heads.c.ticket_id)
                ).all()
            covered = {each: list(rows) for each, rows in groupby(ends, attrgetter("seal"))}
            for row in found:
                if row.number != number + 1:
                    yield Finding(f"seal {number + 1}", "is gone.")
                heads = [SealedHead(each.ticket_id, each.events, each.mac) for each in covered.pop(row.number, [])]
                if row.key not in self.keys:
                    if row.key not in unknown:
                        yield Finding(
                            f"seal {row.number}", f'was made with the key "{row.key}": put it back into keys.'
                        )
                    unknown.add(row.key)
                elif not _is_genuine(row, before, heads, self.keys[row.key]):
                    yield Finding(f"seal {row.number}", "or what it covers is not what was written.")
                if not compare_digest(self.written_down.get(row.number, row.seal), row.seal):
                    yield Finding(f"seal {row.number}", "is not the one that was written down.")
                before, number = row.seal, row.number
                self.counts.seals += 1
            for each in covered:
                yield Finding(f"seal {each}", "is gone, and what it covers is still there.")
            if len(found) < SEALS:
                break
        for each in sorted(self.written_down):
            if each > number:
                yield Finding(f"seal {each}", "was written down and is gone, with what came after it.")

    # ------------------------------------------------------------ the large mails

    def _objects(self) -> Iterator[Finding]:
        after: int | None = 0
        columns = (raw_mails.c.id, raw_mails.c.sender, raw_mails.c.recipients, raw_mails.c.location)
        while after is not None:
            large = select(*columns).where(raw_mails.c.id > after, raw_mails.c.location.is_not(None))
            with self.store.read() as connection:
                found = connection.execute(large.order_by(raw_mails.c.id).limit(TICKETS)).all()
            for row in found:
                self.counts.objects += 1
                try:
                    content = self.store.objects.read(row.location)
                except GiveUp:
                    yield Finding(f"mail {row.id}", "has lost its content: restore its object in store.raw.")
                    continue
                if not spool.is_content_of(row, content):
                    yield Finding(f"mail {row.id}", "has another content in store.raw than the one that came.")
            after = found[-1].id if len(found) == TICKETS else None


def _is_genuine(row: Any, before: bytes, heads: list[SealedHead], key: bytes) -> bool:
    covered = Covered(before, heads, row.forgotten, row.hash if row.forgotten else GENESIS)
    if covered.forgotten_hash is None:
        return False
    made = seal(key, row.key, row.number, row.at, covered)
    return made.tickets == row.tickets and compare_digest(made.seal, row.seal)


def _event(ticket: Any, serial: int, what: str) -> Finding:
    return Finding(f"{ticket.ref} event {serial}", what)


def _between(column: ColumnElement[int], after: int, until: int | None) -> ColumnElement[bool]:
    """Above *after*, up to *until*, None being no end."""
    return (column > after) & (column <= until if until is not None else true())


def _by_ticket(rows: Iterable[Any]) -> dict[int, list[Any]]:
    return {ticket_id: list(some) for ticket_id, some in groupby(rows, attrgetter("ticket_id"))}
