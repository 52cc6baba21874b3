"""What is asked often or over a long history is answered from an index, on both engines (docs/performance.md P17)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from mailgate.model.config import Config, Service
from mailgate.sla.figures import Period
from mailgate.store import cases, deadlines, holding, levels
from mailgate.store.engine import Store
from tests.store import made

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CONFIG = Config(version="1", service=Service())
DAY = Period(NOW - timedelta(days=1), NOW)
ASKED = {
    "what the ladder looks at": lambda connection: deadlines.due(connection, NOW, 200),
    "when it looks next": deadlines.next_check_at,
    "who is still to be told": lambda connection: deadlines.waiting(connection, "cleo@council.example", 200),
    "what a summary counts": lambda connection: cases.of_period(connection, DAY, CONFIG),
    "what a level slows": lambda connection: holding.candidates(connection, "Harbour", 0, 500, only_held=False),
    "what a level holds": lambda connection: holding.candidates(connection, "Harbour", 0, 500, only_held=True),
}
READS_ALL = re.compile(r"SCAN \w+$|[ >-]*Seq Scan on")
TINY = ("capacity_levels", "people", "held_tickets")
"""Tables with a few rows, which may be read as they stand."""


@pytest.mark.parametrize("name", ASKED)
def test_P17_it_is_found_in_an_index(name: str, store: Store) -> None:
    made.opened(store)
    with store.write() as tx:
        if tx.dialect.name == "postgresql":
            tx.execute(text("SET LOCAL enable_seqscan = off"))  # of one row, reading the table is cheaper
        plans = _plans(tx, ASKED[name])
    assert plans
    assert [line for line in plans if READS_ALL.match(line) and not any(table in line for table in TINY)] == []


def _plans(tx: Connection, ask: Any) -> list[str]:
    """How the database answers each statement of *ask*."""
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        asked.append((statement, values))

    event.listen(tx, "before_cursor_execute", note)
    ask(tx)
    event.remove(tx, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if tx.dialect.name == "sqlite" else "EXPLAIN"
    return [str(row[-1]) for sql, values in asked for row in tx.exec_driver_sql(f"{explain} {sql}", values)]


def test_levels_are_looked_up_without_reading_tickets(store: Store) -> None:
    with store.write() as tx:
        assert not [line for line in _plans(tx, levels.in_force) if " tickets" in line]
