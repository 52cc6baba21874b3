"""Every morning each agent hears what is theirs to do, in order of its due time."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time

from mailgate.errors import Refused
from mailgate.model.config import Config, Mode
from mailgate.model.facts import Listing
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.reading import Asking
from mailgate.notify.compose import About, Context, compose
from mailgate.rules.promise import calendar_of
from mailgate.sla.calendar import instant, is_working_day, local_date
from mailgate.store import listings, outbox
from mailgate.store.engine import Store
from mailgate.tickets import answer

MORNING = time(7)


@dataclass(frozen=True, slots=True)
class Worklists:
    store: Store
    context: Context
    clock: Callable[[], datetime]

    def turn(self) -> None:
        """Queue the worklists of those whose morning it is: once a day, however often and wherever this runs."""
        now = self.clock()
        with self.store.read() as connection:
            lists = {agent: listings.own_work(connection, agent) for agent in listings.agents(connection)}
        mails = [mail for agent, listing in lists.items() for mail in self._mails(agent, listing, now)]
        with self.store.write() as tx:
            outbox.queue(tx, [outbox.Queued(mail, None, now, to_stranger=False) for mail in mails])

    def _mails(self, agent: str, listing: Listing, now: datetime) -> Iterator[Outbound]:
        config = self.context.config
        first = listing.tickets[0].ticket if listing.tickets else None
        if first is None or not config.is_ours(agent.rpartition("@")[2]) or not is_morning(first.team, now, config):
            return
        mailbox = config.service.mailboxes.get(first.mailbox)
        about = About(
            ref="",
            serial=0,
            mailbox=first.mailbox,
            at=now,
            received_at=now,
            cause=f"worklist {local_date(now, calendar_of(first.team, config))}",
            to_team=True,
            state=SendState.READY if mailbox and mailbox.mode is Mode.LIVE else SendState.OBSERVED,
        )
        with suppress(Refused):  # an address in the directory that no mail can be written to
            yield compose(answer.listing(agent, Asking.MINE, listing, config), about, self.context)


def is_morning(team: str | None, now: datetime, config: Config) -> bool:
    """Whether a working day of the team has begun."""
    calendar = calendar_of(team, config)
    today = local_date(now, calendar)
    return is_working_day(today, calendar) and now >= instant(today, MORNING, calendar)
