"""What doctor tells of a store, on both engines."""

import pytest

from mailgate.store import postgresql as on_postgresql
from mailgate.store.engine import Store
from mailgate.store.examination import FORBIDDEN, examine
from mailgate.store.schema import upgrade
from tests.store.conftest import opened

WORK = ("spool", "outbox", "clocks")


def findings(store: Store) -> dict[str, tuple[bool, str]]:
    return {what: (is_well, says) for is_well, what, says in examine(store)}


def test_a_sound_store_is_told_with_its_version_and_settings(store: Store) -> None:
    found = findings(store)
    if not store.is_shared:
        assert list(found) == ["store"]
        assert found["store"][0]
        assert "synchronous=FULL" in found["store"][1]
        return
    assert found["store"][1].startswith("PostgreSQL")
    assert {what: is_well for what, (is_well, _) in found.items()} == {
        "store": True,
        **{f"store {name}": True for name in (*FORBIDDEN, *WORK)},
        "store synchronous_standby_names": False,  # the test's server has none
    }


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("synchronous_commit", "local"),
        ("synchronous_commit", "remote_write"),
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
    ],
)
def test_a_session_that_waits_too_long_or_not_long_enough_is_told(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, setting: str, wrong: str
) -> None:
    monkeypatch.setitem(on_postgresql.SETTINGS, setting, wrong)
    store = opened(empty_database)
    is_well, says = findings(store)[f"store {setting}"]
    store.close()
    assert not is_well
    assert says.startswith(f'It is "{wrong}": set ')


@pytest.mark.parametrize("table", WORK)
def test_what_mends_a_table_of_waiting_work_is_told(empty_database: str, table: str) -> None:
    store = opened(empty_database)
    upgrade(store)
    spoil = f"ALTER TABLE {table} RESET (fillfactor), SET (autovacuum_enabled = off)"
    with store.write() as tx:
        tx.exec_driver_sql(spoil)
    is_well, says = findings(store)[f"store {table}"]
    assert not is_well
    command = says.partition(": run ")[2].removesuffix(".")
    assert command == f"ALTER TABLE {table} SET (fillfactor = 70, autovacuum_enabled = on)"
    with store.write() as tx:
        tx.exec_driver_sql(command)
    assert findings(store)[f"store {table}"][0]
    store.close()


def test_a_store_without_tables_is_told_without_them(empty_database: str) -> None:
    store = opened(empty_database)
    assert not {f"store {table}" for table in WORK} & findings(store).keys()
    store.close()
