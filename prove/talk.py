"""F10: people write, answer, order, merge and split while the gateway dies; a model says what has to become of it.

Hypothesis makes up the conversation and looks for the shortest one that goes wrong. Letters wait in the post until a
step hands some of them over, in any order; then they are decided by one worker or by two, one of which may be slower
or die. The model (``book``) is told what was decided in which order, and what it expects is held against the store.
"""

import email
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime, parseaddr, parsedate_to_datetime
from random import Random
from threading import Event
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import text

from mailgate.errors import Refused
from mailgate.model.decision import Order
from mailgate.model.message import Envelope
from mailgate.model.outbound import Way
from mailgate.model.people import Person
from mailgate.notify.compose import Context
from mailgate.store import outbox, spool
from mailgate.store.apply import Settled
from mailgate.store.engine import open_store
from mailgate.workers import intake, loop
from mailgate.workers.delivery import Around, Delivery
from mailgate.workers.order import give
from prove.book import Book, Case, Letter, Ours
from prove.ground import AGENTS, MAILBOX, ORDERS, OTHER, REQUESTERS, STEPS, Dying, Ground, Killed
from prove.inside import Post
from prove.inspection import History, Inspection

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # long ago: whatever the store times by its own clock is due
PICK = st.integers(0, 9)
MOST_CASES = 4  # that are asked for, so that what happens happens to the same ones
OPENING = ("received", "more_needed")
WAITS, AT_ONCE, SENDING = "waits", "at once", "sending"
HOW = st.sampled_from((WAITS, WAITS, AT_ONCE, AT_ONCE, AT_ONCE, *STEPS, SENDING))


class Talk(RuleBasedStateMachine):
    """One conversation; *ground* is set before the run."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self.operator = self.ground.empty()
        self.store = open_store(self.operator)
        self.now, self.book, self.numbers = MONDAY, Book(), itertools.count(1)
        self.post: list[tuple[Letter, str]] = []  # not handed over yet, and to which mailbox
        self.arrived: dict[str, tuple[Letter, str, datetime]] = {}
        self.ours: list[Ours] = []
        self.mails: dict[str, Message] = {}
        self.copies = Counter[str]()
        self.acknowledged = defaultdict[str, set[str]](set)  # by reference
        self.histories: dict[str, History] = {}
        self.has_died_sending = False
        self.sent = Post([])

    def teardown(self) -> None:
        self.store.close()

    # ------------------------------------------------------------ what people do

    @initialize()
    def begins(self) -> None:
        for sender in REQUESTERS[:2]:
            self._writes(sender)
        self.comes(0, 99, AT_ONCE, by_two=False)

    @precondition(lambda self: len(self.book.cases) < MOST_CASES)
    @rule(pick=PICK, how=HOW)
    def asks(self, pick: int, how: str) -> None:
        self._writes(_one(REQUESTERS, pick), how=how)

    @rule(pick=PICK, how=HOW)
    def sends_again(self, pick: int, how: str) -> None:
        """The same words in a mail of its own."""
        before = _one([letter for letter, _, _ in self.arrived.values() if letter.answers is None], pick)
        self._posts(replace(before, message_id=self._id(), written_at=self.now), MAILBOX, how)

    @rule(pick=PICK, by_another_road=st.booleans(), how=HOW)
    def comes_twice(self, pick: int, by_another_road: bool, how: str) -> None:
        """A sender that did not hear us tries again; or a mail went to two of our mailboxes."""
        letter, mailbox, _ = _one(list(self.arrived.values()), pick)
        self._posts(letter, OTHER if by_another_road else mailbox, how)

    @rule(pick=PICK, how=HOW)
    def answers(self, pick: int, how: str) -> None:
        ours = _one(self._to(REQUESTERS), pick)
        self._writes(ours.recipient, ours, how=how)

    @precondition(lambda self: any(self.book.parts()))
    @rule(pick=PICK)
    def answers_about_a_part(self, pick: int) -> None:
        ours = _one([each for each in self._to(REQUESTERS) if each.case.part_of] or self._to(REQUESTERS), pick)
        self._writes(ours.recipient, ours, how=AT_ONCE)

    @rule(pick=PICK, do=st.sampled_from(("done", "take", "waiting", "ask")), how=HOW)
    def orders(self, pick: int, do: str, how: str) -> None:
        ours = _one(self._to(_addresses(AGENTS)), pick)
        self._writes(ours.recipient, ours, do, how)

    @precondition(lambda self: any(self._undoable()))
    @rule(pick=PICK, by_another=st.sampled_from((False, False, True)))
    def takes_it_back(self, pick: int, by_another: bool) -> None:
        """Whoever gave the last order about a case does, or somebody else."""
        case = _one(list(self._undoable()), pick)
        to = [each for each in self._to(_addresses(AGENTS)) if each.case is case]
        own = [each for each in to if each.recipient == case.orders[-1].by]
        ours = _one(to if by_another or not own else own, pick)
        self._writes(ours.recipient, ours, "undo", AT_ONCE)

    @rule(pick=PICK, do=st.sampled_from(("done", "cancel", "reopen")))
    def orders_by_hand(self, pick: int, do: str) -> None:
        self._gives(_one(self.book.cases, pick), do)

    @rule(pick=PICK, to=PICK)
    def merges(self, pick: int, to: int) -> None:
        self._gives(_one(self.book.cases, pick), "duplicate", _one(self.book.cases, to))

    @precondition(lambda self: any(self.book.parts()))
    @rule(pick=PICK)
    def splits(self, pick: int) -> None:
        self._gives(_one(list(self.book.parts()), pick), "separate")

    @rule(days=st.sampled_from((1, 6, 30)))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    # ------------------------------------------------------------ what the gateway does

    @precondition(lambda self: self.post)
    @rule(
        shuffle=PICK,
        count=st.integers(1, 5),
        dies=st.sampled_from((AT_ONCE, AT_ONCE, *STEPS, SENDING)),
        by_two=st.booleans(),
    )
    def comes(self, shuffle: int, count: int, dies: str, by_two: bool) -> None:
        """Some of the post arrives, in some order, and is decided; a worker may die, or be overtaken."""
        self.now += timedelta(minutes=1)
        Random(shuffle).shuffle(self.post)
        coming, self.post = self.post[:count], self.post[count:]
        middle = len(coming) // 2 if by_two and dies == AT_ONCE else 0
        for letter, mailbox in coming[:middle]:
            self._arrives(letter, mailbox)
        slow = self._worker()
        claimed = slow.claim() if middle else ()
        for letter, mailbox in coming[middle:]:
            self._arrives(letter, mailbox)
        if dies in STEPS:
            self._dies(dies)
        self._works()
        self._decided(loop.work(slow, claimed))
        self._works()
        self._delivers(dies=dies == SENDING and not self.has_died_sending)

    def _gives(self, case: Case, do: str, other: Case | None = None) -> None:
        """An order at the command line."""
        looked = Inspection(self.store, self.book, self.histories)
        self.now += timedelta(minutes=1)
        order, runs = Order(do, to=looked.ref(other) if other else None), self.book.given(case, do, self.now, other)
        refused = ""
        try:
            give(self.store, self.context, looked.ref(case), order, self.now)
        except Refused as error:
            refused = str(error)
        assert runs is not bool(refused), f"{do} was {refused or 'carried out'}"
        self._delivers(dies=False)

    def _works(self) -> None:
        """All that nobody has is decided."""
        worker = self._worker()
        while claimed := worker.claim():
            self._decided(loop.work(worker, claimed))

    def _decided(self, settled: Sequence[Settled]) -> None:
        """The book is told in the order in which it was done: mails that share no lock may overtake one another."""
        for each in settled:
            letter, _, arrived_at = self.arrived[each.spooled.key]
            self.book.decided(replace(letter, key=each.spooled.key), arrived_at, self.now)

    def _dies(self, step: str) -> None:
        try:
            with STEPS[step]():
                loop.turn(self._worker())
        except Killed as killed:
            self._decided(killed.having_done)
            self._starts_again()

    def _starts_again(self) -> None:
        """Another process, which puts back what the one that is gone had."""
        self.store.close()
        self.store = open_store(self.operator)
        spool.release_leases_of(self.store, os.getpid())
        outbox.release_leases_of(self.store, os.getpid())

    def _delivers(self, *, dies: bool) -> None:
        with self.store.write() as tx:  # what waits behind another mail to staff (E137) waits by the store's clock
            tx.execute(text("UPDATE outbox SET run_at = 0 WHERE state = 'ready'"))
        if dies:
            self.has_died_sending = True
            try:
                self._delivery(Dying(self.sent.sent)).turn()
            except Killed:
                self._starts_again()
        while self._delivery(self.sent).turn():
            pass
        looked = Inspection(self.store, self.book, self.histories)
        self._keeps_the_post({looked.ref(case): case for case in self.book.cases})
        problems = looked.wrong(self.arrived, self.acknowledged, REQUESTERS[:2])
        assert not problems, "\n".join(problems)
        self._have_gone_once()

    def _keeps_the_post(self, cases: Mapping[str, Case]) -> None:
        """Its readers have what was sent."""
        for attempt in self.sent.sent:
            mail = email.message_from_bytes(attempt.content)
            ref = str(mail["Subject"]).partition("]")[0].removeprefix("[")
            self.copies[attempt.message_id] += 1
            if attempt.message in OPENING:
                self.acknowledged[ref].add(attempt.message_id)
            if ref in cases and attempt.message_id not in self.mails:
                sent_at = parsedate_to_datetime(str(mail["Date"]))
                self.ours.append(Ours(attempt.message_id, attempt.recipient, cases[ref], sent_at))
            self.mails[attempt.message_id] = mail
        self.sent.sent.clear()

    def _delivery(self, channel: Post) -> Delivery:
        return Delivery(Way.MAIL, channel, Around(self.store, lambda: self.now, lambda: 0.5, Event(), lambda *_: None))

    def _worker(self) -> intake.Intake:
        return intake.Intake(self.store, self.context, lambda: self.now)

    # ------------------------------------------------------------ the account

    def _have_gone_once(self) -> None:
        most = 2 if self.has_died_sending else 1
        assert all(count <= most for count in self.copies.values()), "a mail of ours has gone too often"
        with self.store.read() as connection:
            sent = connection.execute(
                text("SELECT message_id FROM outbox_mails JOIN outbox USING (id) WHERE state <> 'cancelled'")
            ).scalars()
            assert set(sent) == set(self.copies), "a mail of ours has not gone"

    # ------------------------------------------------------------ letters

    @property
    def context(self) -> Context:
        return self.ground.context

    def _undoable(self) -> Iterator[Case]:
        """Cases whose last order came by mail."""
        return (case for case in self.book.cases if case.orders and case.orders[-1].before and case.orders[-1].by)

    def _to(self, readers: Sequence[str]) -> list[Ours]:
        """The mails to *readers*, the last first."""
        return [each for each in reversed(self.ours) if each.recipient in readers]

    def _id(self) -> str:
        return f"<{next(self.numbers)}@people.example>"

    def _writes(self, sender: str, answers: Ours | None = None, order: str = "", how: str = WAITS) -> None:
        number = next(self.numbers)
        words = ORDERS[order] if order else f"It is about chair number {number}."
        self._posts(Letter("", self._id(), sender, words, self.now, answers, order), MAILBOX, how)

    def _posts(self, letter: Letter, mailbox: str, how: str) -> None:
        """It waits in the post, or comes at once with what waits there, to a worker that may die."""
        self.post.append((letter, mailbox))
        if how != WAITS:
            self.comes(0, 99, how, by_two=False)

    def _arrives(self, letter: Letter, mailbox: str) -> None:
        if letter.answers and self.book.is_in_between(letter.answers.case, self.now):
            return  # whether that is within ten working days is for other tests to ask
        results = "Authentication-Results: mx; dmarc=pass header.from=mail.example\r\n"
        raw = (results if letter.sender == REQUESTERS[2] else "") + self._written(letter)
        envelope = Envelope(letter.sender, (mailbox,), self.now, source="file", vouched=True)
        key = spool.ingest_key(envelope, raw.encode())
        with self.store.write() as tx:
            spool.put(tx, [(key, envelope, raw.encode())])
        if key not in self.arrived:
            self.arrived[key] = (letter, mailbox, self.now)

    def _written(self, letter: Letter) -> str:
        to, subject, thread = MAILBOX, "A chair", ""
        if letter.answers:
            ours = self.mails[letter.answers.message_id]
            to, subject = parseaddr(str(ours["Reply-To"]))[1], f"Re: {ours['Subject']}"
            thread = f"In-Reply-To: {letter.answers.message_id}\r\n"
        return (
            f"From: {letter.sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: {letter.message_id}\r\n"
            f"Date: {format_datetime(letter.written_at)}\r\n{thread}\r\n{letter.words}\r\n"
        )


def _one(among: Sequence[Any], pick: int) -> Any:
    return among[pick % len(among)]


def _addresses(among: Sequence[Person]) -> list[str]:
    return [person.address for person in among]
