"""Writes the summaries for managers when they are due, each once for its reader and day, whoever else does it too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from mailgate.errors import Refused
from mailgate.model.capacity import Level
from mailgate.model.commission import Commission
from mailgate.model.config import Config, Mode
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.sending import Digest
from mailgate.model.spans import Span, Unit
from mailgate.notify import digest, spreadsheet
from mailgate.notify.compose import About, Context, File, compose, render
from mailgate.notify.digest import DAILY, WEEKLY, Reader, Troubles
from mailgate.notify.report import report
from mailgate.rules.capacity import does_anything
from mailgate.rules.promise import calendar_of, calendars
from mailgate.sla.calendar import before, instant
from mailgate.sla.figures import BY, Case, Period, days
from mailgate.store import cases, commissions, levels, outbox, people, seals, troubles
from mailgate.store.engine import Connection, Store
from mailgate.tickets.managers import day_of, readers

A_DAY, A_WEEK = Span(1, Unit.WORKING_DAYS), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store knows of the requests of a *period*, of mails that need a person, and of capacity levels."""

    period: Period
    found: Sequence[Case]
    quarantined: Sequence[str | None]
    undelivered: Sequence[str | None]
    levels: Sequence[Level]
    commissions: Sequence[Commission]
    seal: str
    config: Config

    def of(self, reader: Reader) -> tuple[Sequence[Case], Troubles]:
        """Those of *reader*: *quarantined* are the teams of their mailboxes, *undelivered* references of requests."""
        own = [case for case in self.found if reader.sees(case)]
        refs, teams = {case.ref for case in own}, reader.leads | reader.teams
        return own, Troubles(
            sum(reader.everything or team in teams for team in self.quarantined),
            sum(reader.everything or ref in refs for ref in self.undelivered),
            [level for level in self.levels if reader.is_of(level.unit, self.config)],
            [each for each in self.commissions if reader.everything or each.parent.team in teams],
            self.seal,
        )


@dataclass(frozen=True, slots=True)
class Digests:
    store: Store
    context: Context
    clock: Callable[[], datetime]

    def turn(self) -> None:
        """Queue what is due and not there yet."""
        now, config = self.clock(), self.context.config
        for message, wanted in wanted_by(config).items():
            day = day_of(wanted, now, calendar_of(None, config))
            if day is not None:
                self._write(message, wanted, day, now)

    def _write(self, message: str, wanted: Digest, day: date, now: datetime) -> None:
        cause = f"{message} {day}"
        with self.store.read() as connection:
            first_at = troubles.first_mail_at(connection)
            if first_at is None or first_at >= min(self._period(message, day, now).end, self._due_at(wanted, day)):
                return  # it would be about a time before there was anything here
            everybody = readers(wanted, people.listing(connection), self.context.config)
            due = [each for each in everybody if not troubles.was_written(connection, message, each.address, cause)]
            known = self._known(connection, message, day, now) if due else None
        for reader in due:
            mails = list(self._mails(message, reader, known, cause, now)) if known else []
            with self.store.write() as tx:
                outbox.queue(tx, [outbox.Queued(mail, None, now, to_stranger=False) for mail in mails])

    def _due_at(self, wanted: Digest, day: date) -> datetime:
        return instant(day, wanted.at, calendar_of(None, self.context.config))

    def send(self, address: str, message: str) -> bool:
        """Queue the summary of today for one reader now; False where it is there already. Refused: it is nobody's."""
        now = self.clock()
        reader, known, day = self._asked(address, message, now)
        cause = f"{message} {day}"
        with self.store.read() as connection:
            if troubles.was_written(connection, message, address, cause):
                return False
        mails = list(self._mails(message, reader, known, cause, now))
        with self.store.write() as tx:
            outbox.queue(tx, [outbox.Queued(mail, None, now, to_stranger=False) for mail in mails])
        return True

    def page(self, address: str, message: str) -> str:
        """The HTML of the summary that *address* would get now."""
        now = self.clock()
        reader, known, _ = self._asked(address, message, now)
        about = self._about(reader, "preview", now)
        own, found = known.of(reader)
        return render(_SAYS[message](reader, own, known.period, found, about, self.context), about, self.context).html

    def _asked(self, address: str, message: str, now: datetime) -> tuple[Reader, _Known, date]:
        config = self.context.config
        wanted = wanted_by(config).get(message)
        if wanted is None:
            raise Refused(f'nobody gets a {message} summary: name who does under "digests" of the configuration')
        day = now.astimezone(self.context.zone).date()
        with self.store.read() as connection:
            everybody = {each.address: each for each in readers(wanted, people.listing(connection), config)}
            if address not in everybody:
                known = ", ".join(everybody) or "nobody"
                raise Refused(f"{address} gets no {message} summary; these do: {known}")
            return everybody[address], self._known(connection, message, day, now), day

    def _known(self, connection: Connection, message: str, day: date, now: datetime) -> _Known:
        config = self.context.config
        period = self._period(message, day, now)
        found = cases.of_period(connection, Period(period.begin, max(period.end, now)), config)
        came_to = (config.mailbox_of(address) for to in troubles.quarantined(connection) for address in to[:1])
        teams = [config.service.mailboxes[mailbox].team if mailbox else None for mailbox in came_to]
        in_force = levels.in_force(connection).by_unit.values()
        short = [level for level in in_force if does_anything(level.name, config)]
        asked = commissions.underway(connection)
        seal = seals.last(connection)
        undelivered = troubles.undelivered(connection)
        return _Known(period, found, teams, undelivered, short, asked, str(seal) if seal else "", config)

    def _period(self, message: str, day: date, now: datetime) -> Period:
        """Of the daily the time since that of the working day before, of the weekly the seven days before *day*."""
        if message == DAILY:
            return Period(before(now, A_DAY, calendar_of(None, self.context.config)), now)
        zone = self.context.zone
        return days(day - A_WEEK, day - timedelta(days=1), lambda each: datetime.combine(each, time(), zone))

    def _mails(self, message: str, reader: Reader, known: _Known, cause: str, now: datetime) -> Iterator[Outbound]:
        about = self._about(reader, cause, now)
        own, found = known.of(reader)
        reply = _SAYS[message](reader, own, known.period, found, about, self.context)
        with suppress(Refused):  # an address in the directory that no mail can be written to
            yield compose(reply, about, self.context, self._files(message, own, known.period))

    def _about(self, reader: Reader, cause: str, now: datetime) -> About:
        mailboxes = self.context.config.service.mailboxes
        is_live = any(mailbox.mode is Mode.LIVE for mailbox in mailboxes.values())
        return About(
            ref="",
            serial=0,
            mailbox=next(iter(mailboxes), ""),
            at=now,
            received_at=now,
            cause=cause,
            to_team=True,
            state=SendState.READY if is_live else SendState.OBSERVED,
        )

    def _files(self, message: str, own: Sequence[Case], period: Period) -> Sequence[File]:
        if message != WEEKLY:
            return ()
        told = calendars(self.context.config)
        sheets = [report(own, (by,), period, told) for by in BY]
        named = [spreadsheet.Sheet(f"by {by}", sheet.columns, sheet.rows) for by, sheet in zip(BY, sheets, strict=True)]
        return (File("figures.xlsx", spreadsheet.WORKBOOK, spreadsheet.as_xlsx(named)),)


_SAYS = {DAILY: digest.daily, WEEKLY: digest.weekly}


def wanted_by(config: Config) -> Mapping[str, Digest]:
    """The summaries that the configuration asks for."""
    wanted = {DAILY: config.service.digests.daily, WEEKLY: config.service.digests.weekly}
    return {message: each for message, each in wanted.items() if each is not None}
