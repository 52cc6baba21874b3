"""Opens the tickets by which people hear what the gateway found wrong with itself."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailgate import journal
from mailgate.errors import Refused
from mailgate.model.config import Mode
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.ticket import Event
from mailgate.notify.compose import About, Context, compose
from mailgate.store import people
from mailgate.store.apply import Notice, alert
from mailgate.store.engine import Store
from mailgate.store.facts import free_references
from mailgate.tickets import alert as alerts
from mailgate.tickets import reference


@dataclass(frozen=True, slots=True)
class Alerts:
    """Tells people, once for each *name* and day."""

    store: Store
    context: Context

    def tell(self, name: str, subject: str, detail: str, now: datetime, day: date | None = None) -> None:
        """*subject* and *detail* are sentences of ours with counts, never what a mail says. *day*: today."""
        config = self.context.config
        team, draft = alerts.team_of(config), alerts.draft(subject, config, now)
        with self.store.read() as connection:
            members = people.members(connection, [team])[team]
            ref = free_references(connection, 1, lambda: reference.make(config.service.reference, secrets.randbelow))[0]
        is_live = config.service.mailboxes[draft.mailbox].mode is Mode.LIVE
        named = config.service.teams.get(team)
        about = About(
            ref=ref,
            serial=0,
            mailbox=draft.mailbox,
            at=now,
            received_at=now,
            cause=f"alert {name} {now.date()}",
            team=(named.label if named else None) or team,
            state=SendState.READY if is_live else SendState.OBSERVED,
        )
        mails: list[Outbound] = []
        for reply in alerts.replies(subject, detail, config, members):
            with suppress(Refused):  # an address in the directory that no mail can be written to
                mails.append(compose(reply, replace(about, serial=len(mails) + 1), self.context))
        event = Event("alert", "mailgate", {"alert": subject, "detail": detail})
        if alert(self.store, name, day or now.date(), Notice(draft, ref, tuple(mails), (event,)), now):
            journal.alerted(name, ref)
