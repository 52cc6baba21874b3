"""Puts the returns of units together when nobody is waited for any more, and sends the whole once it is approved.

Everything it knows is in the store, and each step is one transaction: it may be stopped anywhere, and another takes
over. A version goes to its approver once, and once to whoever asked, whoever else does it too (the key of the outbox).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailgate import journal
from mailgate.ingest.parse import attachment_bytes
from mailgate.model.commission import Child, Commission, State
from mailgate.model.config import Mode
from mailgate.model.decision import Decision, Ignore, Reply
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.people import Person
from mailgate.model.reading import Reading
from mailgate.model.ticket import Change, Event, Status, Ticket
from mailgate.notify import returned
from mailgate.notify.compose import About, Context, File, compose
from mailgate.notify.labels import mail_label, team_label
from mailgate.notify.returned import Piece, Return
from mailgate.notify.spreadsheet import WORKBOOK, as_xlsx
from mailgate.store import commissions, people
from mailgate.store.apply import carry_out
from mailgate.store.commissions import StoredReturn
from mailgate.store.engine import Connection, Store
from mailgate.store.spool import Spooled
from mailgate.tickets import answer
from mailgate.tickets.commission import COMPILED, SENT, Compile, Send, carried_by, next_step
from mailgate.tickets.return_words import rows_of, tables_of, words_of_return
from mailgate.tickets.telling import ASKED
from mailgate.tickets.thread import lead_of
from mailgate.workers.loop import failure_of

JOB = "commissions"
RETURN = "commission_return"
ARCHIVE = "application/zip"


def asked_with(mail: Spooled, reading: Reading, reply: Reply) -> list[File]:
    """The files of the mail that asks for returns, such as the form to fill in, for the mail that asks a unit.

    None where what was asked is not to be told.
    """
    if reply.message != ASKED or "words" not in reply.fields or not reading.message.attachments:
        return []
    raw = mail.raw
    files = [file for file in reading.message.attachments if not file.inline]
    return [File(_ascii(file.filename), file.content_type, attachment_bytes(raw, file.part)) for file in files]


def _ascii(name: str) -> str:
    """*name* as it may stand in a header without more ado."""
    return re.sub(r'[^ -~]|["\\]', "_", name) or "file"


@dataclass(frozen=True, slots=True)
class Compiling:
    store: Store
    context: Context
    clock: Callable[[], datetime]

    def turn(self) -> None:
        """Do what is due for each commission; one that fails keeps no other waiting."""
        now = self.clock()
        with self.store.read() as connection:
            due = [(found, step) for found in commissions.underway(connection) if (step := next_step(found, now))]
        for each in due:
            error = failure_of(lambda each: self._take(*each, now), each)
            if error is not None:
                journal.worker_failed(JOB, error)

    def _take(self, found: Commission, step: Compile | Send, now: datetime) -> None:
        """Take *step*, unless something came in meanwhile: the next turn sees it."""
        parent = found.parent
        with self.store.read() as connection:
            whole = self._whole(connection, found, now)
            members = people.members(connection, [parent.team])[parent.team] if parent.team else ()
        match step:
            case Compile(version=version):
                readers = self._approvers(parent, members)
                mails = [self._mail(COMPILED, to, place, parent, whole, version, now) for place, to in readers]
                said: dict[str, object] = {"version": version, "returns": found.returns}
                happened, changes = Event(COMPILED, "mailgate", said), [Change(parent)]
            case Send(version=version):
                mails = [self._mail(RETURN, parent.requester, 1, parent, whole, version, now)]
                happened, changes = Event(SENT, "mailgate", {"version": version}), self._closing(found, now)
        with self.store.deciding([parent.ref]) as connection:
            if commissions.known(connection, [parent]).get(parent.id) == found:
                replies = tuple(reply for reply, _ in mails)
                outcome = Ignore(happened.what, parent)
                done = Decision(outcome, "", changes=tuple(changes), events=(happened,), replies=replies)
                carry_out(self.store, connection, done, [], [mail for _, mail in mails], now)

    def _closing(self, found: Commission, now: datetime) -> list[Change]:
        """The whole is done, and nobody is waited for."""
        first = found.parent.first_reply_at or now
        closed = Change(found.parent, status=Status.DONE, closed_at=now, first_reply_at=first, runs=False)
        return [closed, *carried_by(closed, found, self.context.config, now)]

    def _approvers(self, parent: Ticket, members: Sequence[Person]) -> Iterable[tuple[int, str]]:
        """Whoever has the ticket, else the lead of its team, else its members; each with a number."""
        lead = lead_of(parent.team, self.context.config) if parent.team else None
        reader = parent.assignee or lead
        return enumerate([reader] if reader else [person.address for person in members], start=1)

    def _mail(
        self, message: str, to: str, place: int, parent: Ticket, whole: "_Whole", version: int, now: datetime
    ) -> tuple[Reply, Outbound]:
        config = self.context.config
        mailbox = config.service.mailboxes.get(parent.mailbox)
        about = About(
            ref=parent.ref,
            serial=parent.last_serial + place,
            mailbox=parent.mailbox,
            at=now,
            received_at=parent.received_at,
            cause=f"version {version}",
            due_at=parent.due_at,
            task=mail_label(config, parent.task),
            team=team_label(config, parent.team),
            marking=parent.marking,
            answers=parent.opening_id if message == RETURN else "",
            to_team=message == COMPILED,
            restricted=bool(parent.show_to),
            automatic=message != RETURN,  # a person let it go
            state=SendState.OBSERVED if mailbox is not None and mailbox.mode is not Mode.LIVE else SendState.READY,
        )
        fields = {"version": str(version), "outstanding": ", ".join(whole.outstanding), "left_out": whole.left_out}
        reply = answer.to(to, message, config, fields)
        table = returned.lines(whole.returns, self.context.zone)
        reply = replace(reply, lists={"returns": table})
        return reply, compose(reply, about, self.context, whole.files(parent.ref, version))

    def _whole(self, connection: Connection, found: Commission, now: datetime) -> "_Whole":
        came = commissions.contents(connection, found)
        history = [
            self._return(child, stored, _kind(stored))
            for stored in came
            for child in found.children
            if child.ticket.id == stored.ticket_id
        ]
        last = {stored.ticket_id: stored for stored in came}
        returns = [
            self._return(child, last.get(child.ticket.id), child.state(now), with_files=True)
            for child in found.children
            if child.state(now) is not State.CANCELLED
        ]
        outstanding = [child.ticket.unit for child in found.in_state(now, State.OUTSTANDING, State.WAITED_FOR)]
        return _Whole(returns, outstanding, as_xlsx(returned.workbook(returns, history, self.context.zone)))

    def _return(self, child: Child, stored: StoredReturn | None, state: str, *, with_files: bool = False) -> Return:
        unit = child.ticket.unit
        if stored is None:
            return Return(unit, state)
        words = words_of_return(stored.reply_text, unit)
        raw = stored.raw(self.store.objects) if stored.files and with_files else b""
        names = returned.named(unit, [file.filename for file in stored.files])
        contents = [attachment_bytes(raw, file.part) if raw else b"" for file in stored.files]
        pieces = [Piece(*each) for each in zip(names, contents, strict=True)]
        rows, tables = rows_of(words), tables_of(words)
        return Return(unit, state, stored.at, stored.sender, words, rows, tables, pieces, stored.held)


@dataclass(frozen=True, slots=True)
class _Whole:
    """The consolidated return: what each unit sent last, who sent nothing, and the workbook."""

    returns: Sequence[Return]
    outstanding: Sequence[str]
    workbook: bytes

    @property
    def left_out(self) -> str:
        """Why the files of the units are not in the mail, if they are not."""
        return "yes" if any(each.files for each in self.returns) and returned.folder(self.returns) is None else ""

    def files(self, ref: str, version: int) -> Sequence[File]:
        archive = returned.folder(self.returns)
        book = File(f"{ref} version {version}.xlsx", WORKBOOK, self.workbook)
        return (book, File(f"{ref} version {version} files.zip", ARCHIVE, archive)) if archive else (book,)


def _kind(stored: StoredReturn) -> State:
    if stored.is_late:
        return State.LATE_NIL if stored.is_nil else State.LATE
    return State.NIL if stored.is_nil else State.RETURNED
