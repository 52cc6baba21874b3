"""Tells people what is late or soon will be: one mail for one request, one for all where there are several.

Each is told of what is still so: not of what was answered or closed meanwhile, and of two rungs of one clock the last.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailgate import journal
from mailgate.errors import Refused
from mailgate.model.config import Mode
from mailgate.model.decision import Reply
from mailgate.model.outbound import Outbound, SendState, Way
from mailgate.model.ticket import Ticket
from mailgate.notify.alerts import outgoing
from mailgate.notify.compose import About, Context, compose
from mailgate.notify.dates import in_words
from mailgate.notify.labels import mail_label, team_label
from mailgate.notify.privacy import assignee_seen
from mailgate.store import deadlines, people, rows
from mailgate.store.engine import Connection, Store
from mailgate.tickets.commands import SEVERAL
from mailgate.tickets.thread import lead_of
from mailgate.workers.loop import failure_of

AT_RISK, BREACHED = "at_risk", "breached"
MOST_READERS = 100  # in one turn
MOST_LINES = 200  # in one mail; the rest is told in the next
PROMISES = {"first_reply": "first reply", "finish": "finished"}


@dataclass(frozen=True, slots=True)
class Told:
    """One line of what *reader* hears: the clock *kind* of *ticket* that is due, or was."""

    ticket: Ticket
    kind: str
    is_late: bool
    rung: str

    @property
    def due_at(self) -> datetime:
        found = self.ticket.first_reply_due if self.kind == "first_reply" else self.ticket.due_at
        return found or self.ticket.received_at

    @property
    def is_over(self) -> bool:
        """Whether it has become what it should."""
        return not self.ticket.is_open or (self.kind == "first_reply" and self.ticket.first_reply_at is not None)


@dataclass(frozen=True, slots=True)
class Overdue:
    store: Store
    context: Context

    def turn(self, now: datetime) -> int:
        """To how many people something was written."""
        with self.store.read() as connection:
            readers = deadlines.readers(connection, MOST_READERS)
        told: list[bool] = []
        for reader in readers:
            error = failure_of(lambda reader: told.append(self._tell(reader, now)), reader)
            if error is not None:  # they are told at the next turn, and others now
                journal.worker_failed(SEVERAL, error)
        return sum(told)

    def _tell(self, reader: str, now: datetime) -> bool:
        with self.store.write() as tx:
            waiting = deadlines.waiting(tx, reader, MOST_LINES)
            lines = _lines(waiting, rows.by_id(tx, {row.ticket_id for row in waiting}))
            mails = list(self._mails(tx, reader, lines, now))
            deadlines.told(tx, [row.id for row in waiting], mails, now)
        return bool(mails)

    def _mails(
        self, tx: Connection, reader: str, lines: Sequence[Told], now: datetime
    ) -> Iterator[tuple[int, Outbound]]:
        """What goes to *reader*, by ticket; what only observes is kept apart from what is sent."""
        own = people.by_address(tx, [reader]).get(reader)
        for state in (SendState.READY, SendState.OBSERVED):
            same = [line for line in lines if self._state(line.ticket) is state]
            if not same:
                continue
            in_team = own.team if own else None
            about = [(line, self._about(line, reader, in_team, state, now)) for line in same]
            with suppress(Refused):  # an address in the directory that no mail can be written to
                for mail in self._said(reader, about):
                    yield same[0].ticket.id, mail

    def _said(self, reader: str, lines: Sequence[tuple[Told, About]]) -> Iterator[Outbound]:
        (first, about), *others = lines
        if not others:
            yield from outgoing(self._reply(reader, first), about, self.context)
            return
        fields = {
            "overdue": "\n".join(self._line(reader, *each) for each in lines if each[0].is_late),
            "soon": "\n".join(self._line(reader, *each) for each in lines if not each[0].is_late),
        }
        yield compose(Reply(SEVERAL, reader, fields=fields), about, self.context)
        texts = outgoing(self._reply(reader, first), about, self.context) if first.is_late else ()
        yield from (mail for mail in texts if mail.way is Way.TEXT)

    def _reply(self, reader: str, line: Told) -> Reply:
        ticket = line.ticket
        fields = {
            "promise": PROMISES[line.kind],
            "sla_name": ticket.sla_policy or "",
            "priority": ticket.priority or "",
            "assignee": ticket.assignee or "",
        }
        return Reply(BREACHED if line.is_late else AT_RISK, reader, fields=fields)

    def _line(self, reader: str, line: Told, about: About) -> str:
        assignee = line.ticket.assignee or ""
        who = assignee_seen(assignee, Reply(SEVERAL, reader), about, self.context.config) if assignee else "nobody yet"
        due = f"{line.ticket.ref}: {PROMISES[line.kind]} by {in_words(line.due_at, self.context.zone)}"
        return f"{due}, {who}" if who else due

    def _about(self, line: Told, reader: str, in_team: str | None, state: SendState, now: datetime) -> About:
        ticket, config = line.ticket, self.context.config
        return About(
            ref=ticket.ref,
            serial=ticket.last_serial + 1,
            mailbox=ticket.mailbox,
            at=now,
            received_at=ticket.received_at,
            cause=f"{line.kind} {line.rung}",
            due_at=line.due_at,
            task=mail_label(config, ticket.task),
            key=ticket.keys[0] if ticket.keys else "",
            team=team_label(config, ticket.team),
            marking=ticket.marking,
            to_team=ticket.team is not None and (in_team == ticket.team or reader == lead_of(ticket.team, config)),
            restricted=bool(ticket.show_to),
            state=state,
        )

    def _state(self, ticket: Ticket) -> SendState:
        mailbox = self.context.config.service.mailboxes.get(ticket.mailbox)
        return SendState.OBSERVED if mailbox is not None and mailbox.mode is not Mode.LIVE else SendState.READY


def _lines(waiting: Sequence[Any], tickets: dict[int, Ticket]) -> list[Told]:
    """What is still so, what is late first, then the longest due first."""
    last = {(row.ticket_id, row.kind): row for row in waiting}
    found = [Told(tickets[row.ticket_id], row.kind, row.is_late, f"{row.rung} {row.nth}") for row in last.values()]
    return sorted((line for line in found if not line.is_over), key=lambda line: (not line.is_late, line.due_at))
