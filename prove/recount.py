"""What a summary counts, counted again from the events alone, minute by minute.

Written apart from the figures of the code under test, which reads the rows of tickets: here only what happened counts.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from sqlalchemy import Connection, select

from mailgate.store import tables
from prove.oracle import Oracle

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FirstDue = Callable[[str, datetime, int], datetime]
"""When a ticket of a team that came then is due at first, if it may take so many times as long."""


@dataclass
class Told:
    """One ticket, as far as its events have told."""

    came: datetime
    due: datetime
    team: str
    status: str
    waiting_for: str | None
    since: datetime
    paused: int = 0

    @property
    def stands(self) -> bool:
        return self.status == "done" or self.waiting_for in ("requester", "capacity")

    def becomes(self, status: str, waiting_for: str | None, at: datetime, oracle: Oracle) -> None:
        if (status, waiting_for) != (self.status, self.waiting_for):
            self.paused += oracle.open_minutes(self.since, at) if self.stands else 0
            self.status, self.waiting_for, self.since = status, waiting_for, at

    def is_late(self, at: datetime) -> bool:
        return self.due < (self.since if self.stands else at)


def recounted(
    connection: Connection, begin: datetime, end: datetime, oracles: Mapping[str, Oracle], first_due: FirstDue
) -> dict[str, str]:
    """The figures from *begin* until before *end*, which is now, in the words of a summary."""
    found = [each for each in _told(connection, oracles, first_due) if each.came < end]
    finished = [each for each in found if each.status == "done" and begin <= each.since < end]
    still_open = [each for each in found if each.status != "done"]
    in_time = sum(each.since <= each.due for each in finished)
    took = [max(0, oracles[each.team].open_minutes(each.came, each.since) - each.paused) for each in finished]
    return {
        "new_count": str(sum(begin <= each.came for each in found) or ""),
        "finished_count": str(len(finished) or ""),
        "open_count": str(len(still_open) or ""),
        "late_count": str(sum(each.is_late(end) for each in still_open) or ""),
        "share": f"{100 * in_time / len(finished):.0f}%" if finished else "",
        "hours": f"{round(median(took) / 60, 1):g}" if took else "",
    }


def _told(connection: Connection, oracles: Mapping[str, Oracle], first_due: FirstDue) -> list[Told]:
    events = tables.events.c
    found: dict[int, Told] = {}
    query = select(events.ticket_id, events.at, events.what, events.data).order_by(events.ticket_id, events.serial)
    for ticket_id, microseconds, what, data in connection.execute(query):
        at, said = EPOCH + timedelta(microseconds=microseconds), json.loads(data)
        if what == "opened":
            due = first_due(said["team"], at, 2 if said.get("does") == "slowed" else 1)
            waits_for = "capacity" if said.get("does") == "paused" else None
            found[ticket_id] = Told(at, due, said["team"], said["status"], waits_for, at)
            continue
        ticket = found[ticket_id]
        if "status" in said:
            ticket.becomes(said["status"], said.get("waiting_for"), at, oracles[ticket.team])
        if "due_at" in said:
            ticket.due = datetime.fromisoformat(said["due_at"]["now"])
    return list(found.values())
