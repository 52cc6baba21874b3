"""Models and migrations, and the start of a store."""

import os
import stat
from contextlib import nullcontext
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text, update

from mailgate.errors import Refused
from mailgate.store import schema
from mailgate.store.engine import Store, upsert
from mailgate.store.tables import instance, metadata
from tests.store.conftest import opened


def test_models_and_migrations_agree(store: Store) -> None:
    with store.read() as connection:
        opts = {"compare_type": True, "target_metadata": metadata, "include_name": _is_modelled}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def _is_modelled(name: str | None, *_: object) -> bool:
    """Whether models describe it: what each engine has for itself stands in a migration alone."""
    return not (name or "").startswith(("message_words", "begun"))


def test_models_and_migrations_have_the_same_partial_indexes_and_checks(tmp_path: Path) -> None:
    made = opened(f"sqlite:///{tmp_path}/models.db")
    with made.write() as connection:
        metadata.create_all(connection)
    by_migration = opened(f"sqlite:///{tmp_path}/migrations.db")
    schema.upgrade(by_migration)
    assert _shape(made) == _shape(by_migration)


def _shape(store: Store) -> list[tuple[str, str]]:
    """Every index and check as SQLite states it, without spaces and quotes."""
    with store.read() as connection:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
        checks = [(table, str(inspect(connection).get_check_constraints(table))) for table in metadata.tables]
    store.close()
    indexes = [(name, "".join(sql.split()).replace('"', "")) for name, sql in rows if sql.startswith("CREATE INDEX")]
    return sorted(indexes + checks)


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_current_head() == schema.HEAD


def test_a_new_store_gets_its_tables_and_one_loop_id(empty_database: str, tmp_path: Path) -> None:
    for url in (empty_database, f"sqlite:///{tmp_path}/new.db"):
        store = opened(url)
        assert not schema.schema_is_current(store)
        schema.upgrade(store)
        assert schema.schema_is_current(store)
        first = schema.loop_id(store)
        schema.upgrade(store)
        assert schema.loop_id(store) == first
        store.check()
        store.close()


@pytest.mark.parametrize(("compatible_from", "works"), [("0000", True), (schema.HEAD, True), ("9998", False)])
def test_a_newer_store_is_used_where_its_tables_only_grew(store: Store, compatible_from: str, works: bool) -> None:
    said = {"version": "9999", "since": compatible_from}
    with store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :version"), said)
        tx.execute(upsert(tx, instance), {"name": schema.COMPATIBLE, "value": compatible_from})
    try:
        assert schema.schema_is_current(store) is works
        with nullcontext() if works else pytest.raises(Refused, match="newer mailgate"):
            schema.upgrade(store)
    finally:
        with store.write() as tx:
            tx.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": schema.HEAD})


def test_a_store_of_a_newer_version_is_refused_in_one_sentence(empty_database: str, tmp_path: Path) -> None:
    for url in (empty_database, f"sqlite:///{tmp_path}/new.db"):
        store = opened(url)
        schema.upgrade(store)
        with store.write() as tx:
            tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            tx.execute(update(instance).where(instance.c.name == schema.COMPATIBLE).values(value="9999"))
        with pytest.raises(Refused, match="newer mailgate"):
            schema.upgrade(store)
        store.close()


def test_S78_the_files_of_a_store_are_for_our_user_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = opened(f"sqlite:///{tmp_path}/var/mailgate.db")
        schema.upgrade(store)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "var").iterdir()}
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert {"mailgate.db", "mailgate.db-wal", "mailgate.db-shm"} <= set(modes)
    assert set(modes.values()) == {0o600}
    store.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense", "sqlite:////proc/no/x"])
def test_an_unusable_url_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(Refused) as refusal:
        opened(url)
    assert "\n" not in str(refusal.value)
    assert "store.url" in str(refusal.value)
