"""The way into the store: transactions, locks, and errors in our own words."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, func, insert, select
from sqlalchemy.exc import IntegrityError

from mailgate.errors import Refused, TryLater
from mailgate.model.people import Person
from mailgate.store import facts, group_commit, people, spool
from mailgate.store import sqlite as on_sqlite
from mailgate.store.apply import apply
from mailgate.store.columns import LONGEST_NAME
from mailgate.store.engine import Store
from mailgate.store.locks import lock_number
from mailgate.store.schema import upgrade
from mailgate.store.tables import instance, tickets
from tests.store import made
from tests.store.conftest import opened


def values(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(select(instance.c.value).where(instance.c.name.in_(["a", "c"]))))


def test_what_was_written_before_an_exception_is_rolled_back(store: Store) -> None:
    def failing(tx: Connection) -> None:
        tx.execute(insert(instance), {"name": "a", "value": "1"})
        raise RuntimeError

    with pytest.raises(RuntimeError), store.write() as tx:
        failing(tx)
    with store.deciding(()) as connection:
        with pytest.raises(RuntimeError), store.writing(connection) as tx:
            failing(tx)
        with store.writing(connection) as tx:
            tx.execute(insert(instance), {"name": "c", "value": "3"})
    assert values(store) == ["3"]


def test_a_unique_key_that_exists_means_that_somebody_else_was_first(store: Store) -> None:
    with pytest.raises(TryLater, match="first"), store.write() as tx:
        tx.execute(insert(instance), [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}])


def test_a_bug_of_ours_stays_a_bug(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as tx:
        tx.execute(insert(instance), {"name": "a", "value": None})


def test_E152_twenty_workers_that_decide_about_one_lock_open_one_ticket(store: Store) -> None:
    mails = [made.spooled(store) for _ in range(20)]
    started = threading.Barrier(20)

    def work(number: int) -> None:
        what = made.reading(message_id="<same@council.example>")
        started.wait()
        with store.deciding(what.locks) as connection:
            (known,) = facts.look_up(connection, [what], lambda _: False, [made.NOW])
            ref = f"MG-TEST-{number:02}"
            settled = made.ignored if known.same_id else made.new_ticket
            apply(store, connection, [settled(mails[number], *([] if known.same_id else [ref]), what=what)])

    with ThreadPoolExecutor(20) as workers:
        list(workers.map(work, range(20)))
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(tickets)).scalar_one() == 1


def test_processes_decide_about_different_things_at_the_same_time(store: Store) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    first, second = opened(url), opened(url)
    with first.deciding(["a"]), second.deciding(["b"]):
        pass
    first.close()
    second.close()


def test_locks_have_stable_numbers_that_fit() -> None:
    assert lock_number("X263380") == lock_number("X263380") != lock_number("X263381")
    assert all(-(2**63) <= lock_number(f"{number}\ud800") < 2**63 for number in range(100))


@pytest.mark.parametrize("text", ["nul \0 inside", "lone \ud800 surrogate", "\0", "\udfff\0ü", "emoji 🎫", "ü" * 3000])
def test_S25_hostile_text_is_stored_and_found_again(store: Store, text: str) -> None:
    with store.write() as tx:
        people.put(tx, [Person(f"{text}@x", text, text, text, text)])
    with store.read() as connection:
        (found,) = people.by_address(connection, [f"{text}@x"]).values()
    assert "\0" not in found.name
    assert found.name.encode()
    assert len(found.address) <= LONGEST_NAME + 65


def test_S57_hostile_filters_find_nothing_and_break_nothing(store: Store) -> None:
    from mailgate.store.tickets import FILTERS, listing

    made.opened(store)
    hostile = ["'; DROP TABLE tickets; --", "%", "_", "\\", "\0", "x" * 1_000_000, "\ud800", '"', "' OR 1=1 --"]
    with store.read() as connection:
        for name in (*FILTERS, "key"):
            assert [listing(connection, **{name: text}) for text in hostile] == [[]] * len(hostile)
        with pytest.raises(Refused, match="cannot be filtered"):
            listing(connection, **{"id; DROP TABLE tickets": "1"})
        assert len(listing(connection)) == 1


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Store]:
    store = opened(f"sqlite:///{tmp_path}/mailgate.db")
    upgrade(store)
    yield store
    store.close()


def test_R17_sqlite_runs_with_full_synchronisation_and_foreign_keys(on_file: Store) -> None:
    with on_file.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_R16_an_sqlite_that_may_lose_data_runs_without_wal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_sqlite, "SAFE_WITH_WAL", (99, 0, 0))
    store = opened(f"sqlite:///{tmp_path}/old.db")
    upgrade(store)
    with store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    store.check()
    made.opened(store)
    store.close()


def test_R18_a_writer_waits_for_another_process(on_file: Store, tmp_path: Path) -> None:
    program = (
        "import sys, pysqlite3.dbapi2 as s; c = s.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.readline(); c.execute('COMMIT')"
    )
    command = [sys.executable, "-c", program, f"{tmp_path}/mailgate.db"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        threading.Timer(0.2, lambda: (other.stdin.write("\n"), other.stdin.flush())).start()  # type: ignore[union-attr]
        made.put(on_file)


def test_a_locked_store_means_try_later(on_file: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_sqlite, "PATIENCE_SECONDS", 0.05)
    impatient = opened(f"sqlite:///{tmp_path}/mailgate.db")
    with on_file.write(), pytest.raises(TryLater, match="held by another"):
        made.put(impatient)
    with on_file.deciding(["a"]), pytest.raises(TryLater, match="held by another"), impatient.deciding(["b", "a"]):
        pass
    made.put(impatient)
    impatient.close()


def test_a_damaged_file_is_told_at_the_start(on_file: Store, tmp_path: Path) -> None:
    for _ in range(50):
        made.spooled(on_file)
    on_file.close()
    path = tmp_path / "mailgate.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 20] = bytes(4096 * 17)
    path.write_bytes(content)
    damaged = opened(f"sqlite:///{path}")
    with pytest.raises((Refused, TryLater), match="damaged"):
        damaged.check()
    damaged.close()


def test_only_one_gateway_runs_on_one_file(on_file: Store, tmp_path: Path) -> None:
    second = opened(f"sqlite:///{tmp_path}/mailgate.db")
    with on_file.single_instance(), pytest.raises(Refused, match="another gateway"), second.single_instance():
        pass
    with second.single_instance():
        pass
    second.close()


def test_a_database_that_does_not_answer_means_try_later() -> None:
    store = opened("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(TryLater, match="cannot be reached"), store.read():
        pass
    store.close()


def test_a_lost_connection_means_try_later_and_the_next_one_works(empty_database: str) -> None:
    store = opened(empty_database)
    upgrade(store)

    def write_while_the_server_gives_up() -> None:
        with store.write() as tx:
            ours = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with store.read() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({ours})")
            tx.execute(insert(instance), {"name": "a", "value": "1"})

    with pytest.raises(TryLater, match="database"):
        write_while_the_server_gives_up()
    made.put(store)
    store.close()


def test_a_full_disk_puts_off_the_mail_that_does_not_fit_and_no_other(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path}/small.db")
    upgrade(store)
    event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=200"))
    store.engine.dispose()
    group = group_commit.GroupCommit(store)
    answers = [group.put(made.envelope(), raw) for raw in (b"1", bytes(2_000_000), b"2")]
    assert [type(answer.exception(timeout=60)) for answer in answers] == [type(None), TryLater, type(None)]
    group.close()
    with store.read() as connection:
        assert spool.waiting(connection) == 2
    store.close()


def test_an_unknown_pooler_is_refused() -> None:
    with pytest.raises(Refused, match="pooler=transaction"):
        opened("postgresql+psycopg://nobody@127.0.0.1:1/none?pooler=session")
