"""K10: two gateways, an echo and twelve kinds of machines write to each other for seven simulated days.

Each machine answers whatever it gets, after seconds or hours. There are three of each kind: a stranger's, one whose
domain is proved, a colleague's. It has an owner, who writes to the gateways every day as people do: so there is always
something to answer. The ledger is the post office's own: what it took from whom, and whether a person wrote it.
"""

import email
import heapq
import io
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import text

from mailgate.ingest import automatic
from mailgate.model.message import Kind
from mailgate.model.outbound import Attempt
from mailgate.tickets import answer
from prove.inside import Gateway, Standing
from prove.machines import CHALLENGE, ECHO, KINDS, Letter, Machine
from prove.outcome import Outcome

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # long ago: whatever the store times by its own clock is due
DAY = timedelta(days=1)
MOST_A_DAY = 5
STORM = 5_000  # mails of ours, and it is plain that nothing stops it
HERE, THERE = "council.example", "borough.example"
ROADS = {HERE: "smtp://relay.example:25", THERE: "maildir:var/outbox"}  # with a return path of its own, and without
MACHINES = (*KINDS, ECHO)
KNOWN_BY_SPEED = (CHALLENGE, ECHO)
"""Of a colleague, whose requests nobody counts, nothing gives these away but how fast they answer (E135)."""
OPENING = ("received", "more_needed")
QUESTIONS = ("Please help me with matter {0}.", "When do you open on day {0}?", "The lamp at number {0} is broken.")


@dataclass(frozen=True)
class Inhabitant:
    """An address with the machine that reads its mail, and an owner who writes by hand."""

    address: str
    machine: Machine
    standing: Standing


class World:
    """The post office, its clock and its ledger: what was *handed* over, and when whom we *mailed*."""

    def __init__(self, folder: Path, seed: int, owners_write: int) -> None:
        self.now, self._chance, self._numbers = MONDAY, random.Random(seed), itertools.count(1)
        self._order, self._coming = itertools.count(), list[tuple[datetime, int, Callable[[], None]]]()
        self._owners_write = owners_write
        self.gateways = {domain: Gateway(folder, domain, via, lambda: self.now) for domain, via in ROADS.items()}
        self.people = {each.address: each for each in _inhabitants()}
        self.handed = {domain: dict[str, bool]() for domain in ROADS}
        self.mailed = defaultdict[tuple[str, str], list[datetime]](list)  # by gateway and reader
        self.acknowledged = Counter[tuple[str, str]]()  # by reader and reference
        self.machines = set[str]()  # the ids of what says that a machine wrote it
        self.answered = set[str]()
        self.to_staff = 0
        self._last: dict[str, tuple[Attempt, str]] = {}

    def live(self, days: int) -> None:
        """From Monday on, until nothing comes any more or a storm breaks out."""
        for person in self.people.values():
            for number in range(days * self._owners_write):
                at = MONDAY + number * DAY / self._owners_write + self._soon(hours=20 / self._owners_write)
                self._at(at, partial(self._writes, person))
        for here, there in ((HERE, THERE), (THERE, HERE)):  # somebody gave one the other's address
            self._at(MONDAY, partial(self._arrives, self._by_hand(self.gateways[here].mailbox, there), by_hand=False))
        end = MONDAY + days * DAY
        while self._coming and self._coming[0][0] <= end and not self.is_storm():
            self.now, _, happens = heapq.heappop(self._coming)
            happens()

    def is_storm(self) -> bool:
        return self.mails() > STORM

    def mails(self) -> int:
        return self.to_staff + sum(map(len, self.mailed.values()))

    def close(self) -> None:
        for gateway in self.gateways.values():
            gateway.store.close()

    def _at(self, at: datetime, happens: Callable[[], None]) -> None:
        heapq.heappush(self._coming, (at, next(self._order), happens))

    def _soon(self, **most: float) -> timedelta:
        """Often within seconds, now and then much later."""
        return timedelta(**most) * self._chance.random() ** 4

    # ------------------------------------------------------------ mail to us

    def _writes(self, person: Inhabitant) -> None:
        """What an owner writes: a question, or something to the last mail that came."""
        mail, domain = self._last.get(person.address, (None, ""))
        if mail is None or self._chance.random() < 0.7:
            own = person.address.partition("@")[2]
            domain = own if own in ROADS else self._chance.choice(list(ROADS))
            return self._arrives(self._by_hand(person.address, domain), by_hand=True)
        ours = email.message_from_bytes(mail.content)
        letter = self._by_hand(person.address, domain, f"Re: {ours['Subject']}", mail.message_id)
        return self._arrives(letter, by_hand=True)

    def _by_hand(self, sender: str, domain: str, subject: str = "", answers: str = "") -> Letter:
        number, to = next(self._numbers), self.gateways[domain].mailbox
        message_id = f"<person{number}@{sender.partition('@')[2]}>"
        thread = f"In-Reply-To: {answers}\r\n" if answers else ""
        raw = (
            f"From: {sender}\r\nTo: {to}\r\nSubject: {subject or f'Matter {number}'}\r\nMessage-ID: {message_id}\r\n"
            f"Date: {email.utils.format_datetime(self.now)}\r\n{thread}\r\n"
            f"{self._chance.choice(QUESTIONS).format(number)}\r\n"
        )
        return Letter(sender, to, message_id, raw.encode())

    def _arrives(self, letter: Letter, *, by_hand: bool) -> None:
        """At a gateway, now and then twice; then it answers."""
        gateway = self.gateways.get(letter.to.partition("@")[2])
        if gateway is None:
            return
        sender = self.people.get(letter.path)
        standing = sender.standing if sender else Standing.STRANGER
        is_ours = letter.path.endswith(f"@{gateway.domain}")
        standing = Standing.STRANGER if standing is Standing.COLLEAGUE and not is_ours else standing
        for _ in range(2 if self._chance.random() < 0.05 else 1):
            key = gateway.receives(letter, standing)
            self.handed[gateway.domain][key] = by_hand
        for attempt in gateway.works():
            self._goes(gateway, attempt)

    # ------------------------------------------------------------ mail of ours

    def _goes(self, gateway: Gateway, attempt: Attempt) -> None:
        reader, ours = self.people.get(attempt.recipient), email.message_from_bytes(attempt.content)
        if attempt.recipient.startswith("lead@"):
            self.to_staff += 1
        else:
            self.mailed[gateway.domain, attempt.recipient].append(self.now)
            self.answered |= set(str(ours["In-Reply-To"]).split())
        if attempt.message in OPENING:
            self.acknowledged[attempt.recipient, str(ours["Subject"]).partition("]")[0]] += 1
        if reader is not None:
            self._last[reader.address] = (attempt, gateway.domain)
            letter = reader.machine.answer(reader.address, attempt, ours, self._numbers)
            if letter is not None and not reader.machine.hides:
                self.machines.add(letter.message_id)
        else:
            letter = self._for_another(gateway, attempt)
        if letter is not None:
            self._at(self.now + self._soon(hours=6), partial(self._arrives, letter, by_hand=False))

    def _for_another(self, gateway: Gateway, attempt: Attempt) -> Letter | None:
        """To the other gateway, by a relay that now and then loses what tells that nobody wrote it."""
        raw = attempt.content
        if self._chance.random() < 0.5:
            head, _, body = raw.partition(b"\r\n\r\n")
            kept = [line for line in head.split(b"\r\n") if line.lower().startswith(KEPT)]
            raw = b"\r\n".join(kept) + b"\r\n\r\n" + body
        return Letter(attempt.sender or gateway.mailbox, attempt.recipient, attempt.message_id, raw)


KEPT = (b"from:", b"to:", b"subject:", b"message-id:", b"date:", b"mime-version:", b"content-", b" ")


def week(folder: Path, seed: int, days: int, owners_write: int = 1, *, spoilt: bool = False) -> Outcome:
    """*days* of it; *spoilt*: the gateways take no mail for a machine's, and answer whatever comes."""
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(io.StringIO()))  # thousands of lines of the log
        if spoilt:
            stack.enter_context(_answering_everything())
        world = World(folder, seed, owners_write)
        stack.callback(world.close)
        world.live(days)
        problems = [*_storms(world), *_lost(world)]
    answers = sum(map(len, world.mailed.values()))
    counts = {"mails to us": sum(map(len, world.handed.values())), "answers": answers, "to staff": world.to_staff}
    return Outcome({"days": days, **counts}, problems[:10])


def _inhabitants() -> Iterator[Inhabitant]:
    for number, machine in enumerate(MACHINES):
        for standing in (Standing.STRANGER, Standing.VERIFIED):
            yield Inhabitant(f"jo@{standing.value}{number}.example", machine, standing)
        if machine not in KNOWN_BY_SPEED:
            yield Inhabitant(f"jo{number}@{HERE}", machine, Standing.COLLEAGUE)


@contextmanager
def _answering_everything() -> Iterator[None]:
    """Without the rules against loops: every mail is a person's, and nothing keeps us silent."""
    before = automatic.kind_of, answer.silent_because
    vars(automatic)["kind_of"] = lambda seen: (Kind.HUMAN, "")
    vars(answer)["silent_because"] = lambda *_: ""
    try:
        yield
    finally:
        vars(automatic)["kind_of"], vars(answer)["silent_because"] = before


# ------------------------------------------------------------------ the account


def _storms(world: World) -> Iterator[str]:
    if world.is_storm():
        yield f"a storm: {world.mails()} mails in {world.now - MONDAY}"
    for (domain, address), times in world.mailed.items():
        most = max(sum(since <= at < since + DAY for at in times) for since in times)
        if most > MOST_A_DAY:
            yield f"{most} mails by {domain} to {_who(world, address)} within a day"
    for (address, ref), count in world.acknowledged.items():
        if count > 1:
            yield f"{_who(world, address)} heard {count} times that {ref}] was received"
    yield from (f"an answer to what a machine says that it wrote: {each}" for each in world.answered & world.machines)


def _who(world: World, address: str) -> str:
    known = world.people.get(address)
    return f"{address} ({known.machine.name}, {known.standing.value})" if known else address


def _lost(world: World) -> Iterator[str]:
    """What was handed over is kept once and decided, what a person wrote is with a ticket, what we wrote has gone."""
    for domain, gateway in world.gateways.items():
        with gateway.store.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT raw_mails.key, spool.state, messages.ticket_id FROM raw_mails JOIN spool ON"
                    " spool.id = raw_mails.id LEFT JOIN messages ON messages.id = raw_mails.id"
                )
            ).all()
            left = connection.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).all()
        found = {row.key: row for row in rows}
        for key, by_hand in world.handed[domain].items():
            row = found.pop(key, None)
            if row is None or row.state != "done":
                yield f"{domain}: a mail is {row.state if row else 'lost'}"
            elif by_hand and row.ticket_id is None:
                yield f"{domain}: what a person wrote is with no ticket"
        yield from (f"{domain}: a mail that nobody sent" for _ in found)
        yield from (f"{domain}: {count} mails of ours are {state}" for state, count in left if state not in ENDED)


ENDED = ("sent", "cancelled")
