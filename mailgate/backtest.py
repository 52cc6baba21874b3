"""Old rules against new, over the mails that the store knows: each is decided twice, by what was known then.

What a mail said and what was looked up about it is as it was when it came (store/known.py): other disclaimers
or markings, and tickets that other rules would have opened, are not seen.
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from multiprocessing import get_context
from typing import Any

from mailgate import decide, understand
from mailgate.model.config import Config
from mailgate.model.decision import Decision
from mailgate.model.operator import Operator
from mailgate.model.reading import Trace
from mailgate.rules.moves import Move, moves
from mailgate.store import known
from mailgate.store.engine import Store, open_store
from mailgate.store.known import KnownMail

BATCH = 500
WORTH_PROCESSES = 4 * BATCH  # below that the start of processes takes longer than they save


DECIDED_BY = {"categories", "rules", "commands", "small_talk", "sla", "priorities", "teams", "messages"}
"""The keys of the service that say nothing about how a mail is read."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A mail that would have gone elsewhere; *ref* is the ticket it went to."""

    id: int
    ref: str | None
    moves: tuple[Move, ...]
    before: Trace
    after: Trace


@dataclass(frozen=True, slots=True)
class Batch:
    """Some mails: *through* is the id of the last, *mails* how many they are, *moved* those that moved."""

    through: int
    mails: int
    moved: tuple[Moved, ...]


@dataclass(frozen=True)
class Rules:
    """What is compared."""

    before: Config
    after: Config

    @cached_property
    def read_alike(self) -> bool:
        """Whether a mail says the same to both: they differ in nothing but in what is decided by."""
        before, after = (rules.service.model_dump(exclude=DECIDED_BY) for rules in (self.before, self.after))
        return before == after


def backtest(operator: Operator, rules: Rules, since: datetime, behind: int = 0) -> Iterator[Batch]:
    """Every mail that came *since* and whose id is *behind* that one, in order of the ids; on all processors."""
    with closing(open_store(operator)) as store:
        with store.read() as connection:
            count = known.count(connection, since, behind)
        if count < WORTH_PROCESSES:
            yield from (_compared(mails, rules) for mails in batches(store, since, behind))
            return
        edges = _edges(store, since, behind)
        handed = (operator, rules, since)  # once: what a configuration was made into is kept for as long as it lives
        with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_begin, initargs=handed) as pool:
            waiting: deque[Future[Batch]] = deque()
            while True:
                ahead = 2 * (os.cpu_count() or 1) - len(waiting)
                waiting += [pool.submit(_part, *edge) for edge in islice(edges, ahead)]
                if not waiting:
                    return
                yield waiting.popleft().result()


def batches(store: Store, since: datetime, behind: int = 0) -> Iterator[list[KnownMail]]:
    """The mails that are known, from the oldest; between two batches nothing is held in the store."""
    for after, through in _edges(store, since, behind):
        with store.read() as connection:
            yield known.mails(connection, since, after, through)


def decided(mail: KnownMail, config: Config) -> Decision:
    """What *config* makes of the mail."""
    return decide.decide(understand.reread(mail.reading, config), config, mail.facts)


def _edges(store: Store, since: datetime, behind: int) -> Iterator[tuple[int, int]]:
    """The ids between which a batch lies, each without the first and with the last."""
    while True:
        with store.read() as connection:
            through = known.edge(connection, since, behind, BATCH)
        if through is None:
            return
        yield behind, through
        behind = through


_HANDED: list[Any] = []


def _begin(*handed: Any) -> None:
    """The first thing that a process of its own does."""
    _HANDED[:] = handed


def _part(after: int, through: int) -> Batch:
    """One batch, in a process of its own."""
    operator, rules, since = _HANDED
    with closing(open_store(operator)) as store, store.read() as connection:
        return _compared(known.mails(connection, since, after, through), rules)


def _compared(mails: list[KnownMail], rules: Rules) -> Batch:
    compared = (_moved(mail, rules) for mail in mails)
    return Batch(mails[-1].id, len(mails), tuple(one for one in compared if one.moves))


def _moved(mail: KnownMail, rules: Rules) -> Moved:
    reading = understand.reread(mail.reading, rules.before)
    again = reading if rules.read_alike else understand.reread(mail.reading, rules.after)
    before, after = decide.decide(reading, rules.before, mail.facts), decide.decide(again, rules.after, mail.facts)
    return Moved(mail.id, mail.ref, moves(before, after), before.trace, after.trace)
