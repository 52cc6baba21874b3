"""What the conversations of F10 stand on: an engine, a service, and ways to die."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import text

from mailgate.app import context_of
from mailgate.model.config import Config
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as Place
from mailgate.model.outbound import Attempt
from mailgate.model.people import Person
from mailgate.notify.compose import Context
from mailgate.store import apply, people
from mailgate.store.engine import open_store
from mailgate.store.schema import upgrade
from mailgate.workers import intake
from prove.inside import Post

MAILBOX, OTHER = "help@desk.example", "second@desk.example"
REQUESTERS = ("ann@desk.example", "ben@desk.example", "jo@mail.example")  # the last of another organisation
AGENTS = tuple(Person(f"{name.lower()}@desk.example", name, "agent", team="desk") for name in ("Cleo", "Dev"))
ORDERS = {
    "done": "Done",
    "take": "#take",
    "waiting": "#waiting for the supplier",
    "ask": "#ask Which one?",
    "undo": "Undo",
}
SERVICE = {
    "domains": ["desk.example"],
    "teams": {"desk": {"label": "Desk"}},
    "mailboxes": {MAILBOX: {"team": "desk"}, OTHER: {"team": "desk"}},
    "commands": {"done": ["done"], "take": ["#take"], "waiting": ["#waiting"], "ask": ["#ask"], "undo": ["undo"]},
}


class Killed(BaseException):
    """The process ended here, *having_done* what it was at, or not."""

    def __init__(self, having_done: Any = ()) -> None:
        self.having_done = having_done


class Dying(Post):
    """A way out whose process ends once it has sent a mail."""

    def send(self, attempt: Attempt) -> str:
        super().send(attempt)
        raise Killed


@contextmanager
def killed_at(owner: Any, name: str, *, having_done: bool) -> Iterator[None]:
    """Whoever calls *name* of *owner* dies, before it or after it."""
    real = getattr(owner, name)

    def dying(*values: Any, **named: Any) -> None:
        raise Killed(real(*values, **named) if having_done else ())

    setattr(owner, name, dying)
    try:
        yield
    finally:
        setattr(owner, name, real)


STEPS = {
    "reading": partial(killed_at, intake, "read", having_done=False),
    "before the commit": partial(killed_at, apply, "_save_messages", having_done=False),
    "after the commit": partial(killed_at, intake.Intake, "_settle", having_done=True),
}
"""Where the worker dies that decides."""


@dataclass(frozen=True)
class Ground:
    """What all conversations of a run stand on: an engine whose store can be emptied, and what was read once."""

    context: Context
    empty: Callable[[], Operator]


@contextmanager
def ground(folder: Path, url: str | None = None) -> Iterator[Ground]:
    """On SQLite, or on the PostgreSQL at *url*, whose tables this makes."""
    clean = folder / "clean.db"
    operator = Operator(store=Place(url=url or f"sqlite:///{clean}", raw=f"{folder}/raw"), keys=f"{folder}/keys")
    config = Config.model_validate({"version": "talk", "service": SERVICE}).model_copy(update={"operator": operator})
    numbers = itertools.count(1)
    store = open_store(operator)
    upgrade(store)
    with store.write() as tx:
        people.put(tx, AGENTS)
    context = context_of(config, store)

    def copied() -> Operator:
        number = next(numbers)
        (folder / f"{number - 1}.db").unlink(missing_ok=True)
        shutil.copy(clean, folder / f"{number}.db")
        return operator.model_copy(update={"store": Place(url=f"sqlite:///{folder}/{number}.db", raw=f"{folder}/raw")})

    def emptied() -> Operator:
        with store.write() as tx:
            tx.execute(text("TRUNCATE raw_mails, tickets, outbox_mails CASCADE"))
        return operator

    if url is None:
        store.close()
    yield Ground(context, emptied if url else copied)
    store.close()
