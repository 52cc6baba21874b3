"""Reminds whoever set a capacity level that it is to be looked at again; once, on the morning of that day."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from mailgate.errors import Refused
from mailgate.model.config import Mode
from mailgate.model.decision import Reply
from mailgate.model.outbound import SendState
from mailgate.notify.compose import About, Context, compose
from mailgate.rules.promise import calendar_of
from mailgate.sla.calendar import instant, local_date
from mailgate.store import deadlines, levels, outbox, troubles
from mailgate.store.engine import Connection, Store
from mailgate.tickets import levelling
from mailgate.tickets.alert import team_of
from mailgate.tickets.thread import lead_of

MORNING = time(7)


@dataclass(frozen=True, slots=True)
class Reminders:
    store: Store
    context: Context

    def turn(self, now: datetime) -> None:
        """Queue the reminders of levels that are due today or were, and are not there yet."""
        config = self.context.config
        calendar = calendar_of(None, config)
        today = local_date(now, calendar)
        if now < instant(today, MORNING, calendar):
            return
        with self.store.read() as connection:
            due = [
                (row, reader)
                for row in levels.to_review(connection, today)
                for reader in self._readers(connection, row.set_by)
                if not troubles.was_written(connection, levelling.REVIEW, reader, _cause(row))
            ]
        for row, reader in due:
            self._remind(row, reader, now)

    def _readers(self, connection: Connection, set_by: str) -> Sequence[str]:
        """Whoever set it; where the command line did not say who, those who may by mail, else a lead."""
        config = self.context.config
        holders = deadlines.with_roles(connection, config.service.capacity.set_by)
        lead = lead_of(team_of(config), config) if config.service.mailboxes else None
        found: Iterable[str] = [set_by] if "@" in set_by else [each.address for each in holders] or filter(None, [lead])
        return [address for address in found if config.is_ours(address.rpartition("@")[2])]

    def _remind(self, row: Any, reader: str, now: datetime) -> None:
        mailboxes = self.context.config.service.mailboxes
        is_live = any(mailbox.mode is Mode.LIVE for mailbox in mailboxes.values())
        about = About(
            ref="",
            serial=0,
            mailbox=next(iter(mailboxes), ""),
            at=now,
            received_at=now,
            cause=_cause(row),
            to_team=True,
            state=SendState.READY if is_live else SendState.OBSERVED,
        )
        fields = levelling.said_of_order(row.unit, row.level, row.review_on, row.reason)
        with suppress(Refused):  # an address in the directory that no mail can be written to
            mail = compose(Reply(levelling.REVIEW, reader, fields=fields), about, self.context)
            with self.store.write() as tx:
                outbox.queue(tx, [outbox.Queued(mail, None, now, to_stranger=False)])


def _cause(row: Any) -> str:
    return f"capacity level {row.id}"
