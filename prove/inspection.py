"""F10: what is in the store, by plain SQL, held against what the model of a conversation expects."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text

from mailgate.store.engine import Store
from mailgate.store.history import verify
from prove.book import OPEN, Book, Case

MAILS = text(
    "SELECT raw_mails.key, spool.state, tickets.ref, (SELECT count(*) FROM messages AS each WHERE"
    " each.id = raw_mails.id) AS kept FROM raw_mails LEFT JOIN spool ON spool.id = raw_mails.id"
    " LEFT JOIN messages ON messages.id = raw_mails.id LEFT JOIN tickets ON tickets.id = messages.ticket_id"
)
TICKETS = text(
    "SELECT tickets.*, raw_mails.key, whole.ref AS part_of FROM tickets JOIN raw_mails ON"
    " raw_mails.id = tickets.opened_by LEFT JOIN tickets AS whole ON whole.id = tickets.merged_into"
)
EVENTS = text("SELECT ticket_id, serial, what, data, hash FROM events ORDER BY ticket_id, serial")
History = list[tuple[Any, ...]]


class Inspection:
    """What it found wrong at one moment. *histories* are those of the last time, and are brought up to date."""

    def __init__(self, store: Store, book: Book, histories: dict[str, History]) -> None:
        with store.read() as connection:
            self.mails = {row.key: row for row in connection.execute(MAILS)}
            rows = connection.execute(TICKETS).all()
            self._opened = Counter(row.key for row in rows)
            self.tickets = {row.key: row for row in rows}
            self._broken = [row.ref for row in rows if verify(connection, row.ref) is not None]
            self._events = _by_ticket(connection)
        self._book, self._histories = book, histories

    def ref(self, case: Case) -> str:
        """The reference of the ticket that stands for *case*; "" where there is none."""
        row = self.tickets.get(case.mails[0])
        return row.ref if row else ""

    def wrong(
        self, arrived: Collection[str], acknowledged: Mapping[str, Collection[str]], always_answered: Collection[str]
    ) -> list[str]:
        """Each difference as a sentence; colleagues are *always_answered* when a ticket is opened for them."""
        found = [*self._mails(arrived), *self._openings()]
        for case in self._book.cases:
            if row := self.tickets.get(case.mails[0]):
                found += [f"{row.ref}: {problem}" for problem in (*self._ticket(case, row), *self._history(row))]
                told = len(acknowledged.get(row.ref, ()))
                if told > 1 or (not told and case.requester in always_answered):
                    found.append(f"{row.ref}: its opening was acknowledged {told} times")
        return found

    def _mails(self, arrived: Collection[str]) -> Iterator[str]:
        """Each mail is kept once, decided, and on one trail: that of its case."""
        if set(self.mails) != set(arrived):
            yield f"{len(arrived)} mails came and {len(self.mails)} are stored"
        expected = {key: case for case in self._book.cases for key in case.mails}
        for key, row in self.mails.items():
            if row.state != "done" or row.kept != 1:
                yield f"mail {key[:6]} is {row.state}, and kept {row.kept} times"
            elif key in expected and row.ref != self.ref(expected[key]):
                yield f"mail {key[:6]} is with {row.ref}, not with {self.ref(expected[key])}"

    def _openings(self) -> Iterator[str]:
        """One ticket for each case, and never two by one mail."""
        yield from (f"mail {key[:6]} opened {count} tickets" for key, count in self._opened.items() if count > 1)
        expected = {case.mails[0] for case in self._book.cases}
        yield from (f"mail {key[:6]} opened no ticket" for key in expected - self.tickets.keys())
        yield from (f"mail {key[:6]} opened a ticket" for key in self.tickets.keys() - expected)

    def _ticket(self, case: Case, row: Any) -> Iterator[str]:
        is_closed = case.status not in OPEN or case.part_of is not None
        expected = {
            "status": case.status,
            "waiting_for": case.waiting_for,
            "assignee": case.assignee,
            "requester": case.requester,
            "part_of": self.ref(case.part_of) if case.part_of else None,
            "linked_to": self.ref(case.linked_to) if case.linked_to else None,
        }
        for name, value in expected.items():
            if getattr(row, name) != value:
                yield f"{name} is {getattr(row, name)}, not {value}"
        if is_closed != (row.closed_at is not None):
            yield f"closed_at is {row.closed_at}, and it is {case.status}"

    def _history(self, row: Any) -> Iterator[str]:
        """It only grows, its chain holds, and it says by itself what state the ticket is in."""
        events = self._events.get(row.id, [])
        before = self._histories.get(row.ref, [])
        if events[: len(before)] != before:
            yield "its history was changed"
        if row.ref in self._broken:
            yield "its history is not what was written"
        self._histories[row.ref] = events
        said = [(what, json.loads(data)) for _, what, data, _ in events]
        statuses = [data["status"] for _, data in said if data.get("status")]
        if statuses[-1:] != [row.status]:
            yield f"its history says that it is {statuses[-1:]}, and it is {row.status}"
        moves = [data.get("to") for _, data in said if data.get("do") in ("duplicate", "separate")]
        if moves and (moves[-1] is not None) != (row.part_of is not None):
            yield f"its history says that it is part of {moves[-1]}, and it is part of {row.part_of}"


def _by_ticket(connection: Connection) -> dict[int, History]:
    found: dict[int, History] = {}
    for ticket_id, *event in connection.execute(EVENTS):
        found.setdefault(ticket_id, []).append(tuple(event))
    return found
