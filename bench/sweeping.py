"""P17: one sweep over a million open tickets of which a thousand are due, against one over ten thousand; CPU time."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from bench.peers import configured
from bench.table import Row
from mailgate.app import context_of
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as Place
from mailgate.model.people import Person
from mailgate.store import people
from mailgate.store.columns import microseconds
from mailgate.store.engine import open_store
from mailgate.store.schema import upgrade
from mailgate.workers.sweep import Sweep

FEW, MANY, DUE, ROUNDS, OWNERS = 10_000, 1_000_000, 1000, 3, 49
BEGAN = datetime(2026, 11, 23, 9, tzinfo=UTC)
FILLED = (
    """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO tickets (id, ref, opening_id, mailbox, status, requester, subject, category, task, priority, team,
        assignee, sla_policy, keys, fields, missing, tags, marking, received_at, due_at, changed_at, last_serial,
        events, head)
    SELECT i, printf('MG-%07d', i), '', 'northmere.court@justice.example', 'open', 'p' || (i % 5000) || '@x.example',
        'a', 'court', 'court.papers', 'normal', 'court-admin', 'owner' || (i % :owners) || '@justice.example',
        'standard', '[]', '{}', '[]', '[]', '', :began, :began, :began, 0, 0, zeroblob(32) FROM n
    """,
    """
    INSERT INTO clocks (ticket_id, kind, policy, started_at, due_at, next_check_at)
    SELECT id, 'finish', 'standard', :began, :later, :later FROM tickets
    """,
)


def measure() -> list[Row]:
    with _store(FEW) as few, _store(MANY) as many:
        rounds = [(_sweep(few, FEW, turn), _sweep(many, MANY, turn)) for turn in range(ROUNDS)]
    ratio = statistics.median(large / small for small, large in rounds)
    small, large = (statistics.median(each) * 1e3 for each in zip(*rounds, strict=True))
    compared = f"{large:.0f} ms of CPU, of {FEW:,} {small:.0f} ms; each rung counted"
    measure = f"a sweep over {MANY:,} open tickets, {DUE:,} due"
    return [Row("P17", measure, f"{ratio:.2f} x", "1.5 x", "1.1 x", compared)]


@contextmanager
def _store(count: int) -> Iterator[Sweep]:
    """A sweep over a store of so many open tickets, none of them due."""
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as folder:
        operator = Operator(
            store=Place(url=f"sqlite:///{folder}/mailgate.db", raw=f"{folder}/raw"), keys=f"{folder}/keys"
        )
        config = configured().model_copy(update={"operator": operator})
        store = open_store(operator)
        upgrade(store)
        Path(folder, "raw").mkdir(exist_ok=True)
        sweep = Sweep(store, context_of(config, store), lambda: BEGAN, lambda: True)
        sweep.turn()  # the ladder is new to the store: this looks at all there is
        later = microseconds(BEGAN + timedelta(days=300))
        values = {"count": count, "owners": OWNERS, "began": microseconds(BEGAN), "later": later}
        with store.write() as tx:
            for statement in FILLED:
                named = {name: value for name, value in values.items() if f":{name}" in statement}
                tx.execute(text(statement), named)
            owners = [f"owner{number}@justice.example" for number in range(OWNERS)]
            people.put(tx, [Person(owner, owner, team="court-admin") for owner in owners])
        yield sweep
        store.close()


def _sweep(sweep: Sweep, count: int, turn: int) -> float:
    """The seconds of CPU that a sweep takes once a thousand tickets, spread over all, are due."""
    due_at = BEGAN + timedelta(hours=4 + turn)
    with sweep.store.write() as tx:
        wanted = text("UPDATE clocks SET due_at = :at, next_check_at = :at WHERE ticket_id = :ticket")
        apart = count // DUE
        tickets = range(1 + turn, count + 1, apart)
        tx.execute(wanted, [{"at": microseconds(due_at), "ticket": ticket} for ticket in tickets])
    begun = time.process_time()
    Sweep(sweep.store, sweep.context, lambda: due_at, lambda: True).turn()
    seconds = time.process_time() - begun
    with sweep.store.read() as connection:
        taken = connection.execute(text("SELECT count(*) FROM rungs WHERE rung = 'due'")).scalar_one()
    assert taken == DUE * (turn + 1), f"{taken} rungs were taken"
    return seconds
