"""What a mail costs does not grow with history: every query of the pipeline is asked for its plan, on both engines."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from mailgate.model.keeping import Keep
from mailgate.model.outbound import SendState
from mailgate.model.reading import Token
from mailgate.model.ticket import Change, Event, Status
from mailgate.store import outbox, retention, spool
from mailgate.store.apply import quarantine
from mailgate.store.engine import Store
from mailgate.store.schema import upgrade
from mailgate.store.tables import metadata, tickets
from tests.store import made
from tests.store.conftest import opened

LISTS = {"instance", "holds", "unwanted", "forgotten"}  # read as a whole, or from their end
TABLES = set(metadata.tables) - LISTS
OF_WHAT_WAITS = ("ix_spool_", "ix_outbox_")  # partial indexes of the work tables: only the waiting rows are read


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new one: what other tests left in a table would have its say in the plans."""
    on_postgresql = request.param == "postgresql"
    found = opened(request.getfixturevalue("empty_database") if on_postgresql else f"sqlite:///{tmp_path}/plans.db")
    upgrade(found)
    yield found
    found.close()


def test_no_query_of_the_pipeline_reads_a_whole_table(store: Store) -> None:
    assert read_as_a_whole(store, _go_through) == {}


def test_what_is_due_to_be_forgotten_is_found_by_an_index(store: Store) -> None:
    assert read_as_a_whole(store, _forget) == {}


def read_as_a_whole(store: Store, work: Callable[[Store], None]) -> dict[str, list[str]]:
    """Which statements of *work* read which tables from end to end."""
    ran: dict[str, Any] = {}

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE", "INSERT", "DELETE", "WITH")):
            ran[statement] = parameters[0] if isinstance(parameters, list) else parameters

    event.listen(store.engine, "before_cursor_execute", note)
    work(store)
    event.remove(store.engine, "before_cursor_execute", note)
    with store.read() as connection:
        reading = _of_postgresql if connection.dialect.name == "postgresql" else _of_sqlite
        if reading is _of_postgresql:
            connection.exec_driver_sql(
                "SET LOCAL enable_seqscan = off"
            )  # of tables with a row or two all else costs more
        read = {statement: list(reading(connection, statement, values)) for statement, values in ran.items()}
        connection.rollback()
    assert len(ran) > 30
    return {statement: tables for statement, tables in read.items() if tables}


def test_a_query_without_an_index_is_noticed(store: Store) -> None:
    with store.read() as connection:
        reading = _of_postgresql if connection.dialect.name == "postgresql" else _of_sqlite
        assert list(reading(connection, "SELECT id FROM messages WHERE subject = 'a'", ()))
        assert list(reading(connection, "SELECT count(*) FROM tickets WHERE ref || 'x' = 'a'", ()))


def _go_through(store: Store) -> None:
    """A request, an answer to it, and what is sent: each kind of look-up and of change once."""
    token = Token("MG-7K3F-99", 1, "reply", "mac")
    what = made.reading(keys=("A1",), refs=("MG-7K3F-99",), references=("<1@x>",), tokens=(token,), content="c")
    ticket = made.opened(store, what=what)
    made.looked_up(store, what, made.reading("ben@x"), good=frozenset({token}))
    change = Change(ticket, Status.DONE, keys=("B2",), watcher="ben@x")
    made.applied(store, made.follow_up(made.spooled(store), ticket, changes=(change,), events=(Event("x", "y"),)))
    outbox.record(store, [outbox.Result(each, SendState.FAILED) for each in outbox.claim(store, 9, 60)], made.NOW)
    made.put(store)
    spool.claim(store, 9, lease_seconds=0)
    spool.claim(store, 9, 60)


def _forget(store: Store) -> None:
    """A ticket of long ago, one whose words are due, mail without a ticket, and mail that nobody could read."""
    for ref, days in (("MG-7K3F-99", 3000), ("MG-7K3F-98", 100)):
        ticket = made.opened(store, ref, made.reading(keys=("A1",)))
        closing = {"closed_at": made.NOW - timedelta(days=days), "status": Status.DONE}
        with store.write() as tx:
            tx.execute(update(tickets).where(tickets.c.id == ticket.id).values(closing))
        outbox.record(store, [outbox.Result(each, SendState.SENT) for each in outbox.claim(store, 9, 60)], made.NOW)
    made.applied(store, made.ignored(made.spooled(store)))
    quarantine(store, made.spooled(store), "a reason", "Error", made.NOW)
    made.put(store)
    later = made.NOW + timedelta(days=40)
    for now in (later, later + timedelta(days=700)):
        retention.run(store, Keep(), now, rests=lambda _: None)


def _of_sqlite(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    """What *statement* reads from end to end."""
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        word, _, rest = row.detail.partition(" ")
        if word == "SCAN" and rest.split()[0] in TABLES and not any(each in rest for each in OF_WHAT_WAITS):
            yield row.detail


def _of_postgresql(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    """The same: a table, or an index without a condition."""
    found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
    nodes = [(found if isinstance(found, list) else json.loads(found))[0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", ())
        of_list = any(name in f"{node.get('Relation Name')} {node.get('Index Name')}" for name in LISTS)
        is_read = node.get("Relation Name") in TABLES or ("Index Name" in node and not of_list)
        is_bounded = "Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan"
        of_what_waits = node.get("Index Name", "").startswith(OF_WHAT_WAITS)
        if is_read and "Scan" in node["Node Type"] and not is_bounded and not of_what_waits:
            yield f"{node['Node Type']} of {node.get('Relation Name')} by {node.get('Index Name')}"
