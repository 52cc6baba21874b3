"""What ``doctor`` tells of a store beyond what ``Store.check`` refuses to start with."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Table, text

from mailgate.store.engine import Store
from mailgate.store.sqlite import SAFE_WITH_WAL, library
from mailgate.store.tables import metadata

# What a setting of the server must not be, as our sessions see it, and what to do then (docs/reliability.md section 6).
FORBIDDEN: Mapping[str, tuple[tuple[str, ...], str]] = {
    "fsync": (("off",), "switch it on, or accepted mail is lost when the power fails"),
    "full_page_writes": (("off",), "switch it on, or the database may not survive a power cut"),
    "synchronous_commit": (
        ("off", "local", "remote_write"),
        "set it to on, or accepted mail is lost when the server dies",
    ),
    "autovacuum": (("off",), "switch it on, or what finds waiting work becomes slow"),
    "statement_timeout": (("0",), "set one, so that no statement holds locks for ever"),
    "lock_timeout": (("0",), "set one, so that nobody waits for ever"),
    "idle_in_transaction_session_timeout": (("0",), "set one, so that a dead client does not hold locks"),
    "synchronous_standby_names": (("",), "one machine: without a synchronous standby a lost primary loses mail"),
}
STANDBYS = text("SELECT application_name, sync_state FROM pg_stat_replication ORDER BY application_name")
STORAGE = text("SELECT reloptions FROM pg_class WHERE oid = to_regclass(:name)")

Finding = tuple[bool, str, str]


def examine(store: Store) -> Iterator[Finding]:
    """Whether it is as it should be, what was looked at, and a sentence."""
    with store.read() as connection:
        if connection.dialect.name == "sqlite":
            yield from _sqlite(connection)
        else:
            yield from _postgresql(connection)


def _sqlite(connection: Connection) -> Iterator[Finding]:
    version = library().sqlite_version
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    synchronous = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[
        connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    ]
    if library().sqlite_version_info >= SAFE_WITH_WAL:
        yield True, "store", f"SQLite {version}, journal_mode={mode}, synchronous={synchronous}."
    else:
        says = f"SQLite {version} is slow here, because it is unsafe with WAL (R16): install the wheel pysqlite3."
        yield False, "store", says


def _postgresql(connection: Connection) -> Iterator[Finding]:
    version = connection.execute(text("SELECT current_setting('server_version')")).scalar_one()
    yield True, "store", f"PostgreSQL {version}."
    for name, (wrong, what_to_do) in FORBIDDEN.items():
        value = _setting(connection, name)
        is_well = value not in wrong
        yield is_well, f"store {name}", f"It is {value}." if is_well else f'It is "{value}": {what_to_do}.'
    if _setting(connection, "synchronous_standby_names"):
        yield _standby(connection)
    for table in metadata.sorted_tables:
        yield from _storage(connection, table)


def _setting(connection: Connection, name: str) -> str:
    return str(connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one())


def _standby(connection: Connection) -> Finding:
    """Whether a standby that commits wait for is there; its state is told to those who may know."""
    found = connection.execute(STANDBYS).all()
    synchronous = [row.application_name for row in found if row.sync_state in ("sync", "quorum")]
    if synchronous:
        return True, "store standby", f"Commits wait for {', '.join(synchronous)}."
    if any(row.sync_state is None for row in found):
        says = "PostgreSQL does not tell us whether one is synchronous: GRANT pg_monitor to the user of store.url."
        return False, "store standby", says
    return False, "store standby", "No synchronous one is connected: no mail is taken until there is one. Look at it."


def _storage(connection: Connection, table: Table) -> Iterator[Finding]:
    """How a table of waiting work is kept, where it is one and is there."""
    wanted = table.dialect_options["postgresql"]["with"] or {}
    row = connection.execute(STORAGE, {"name": table.name}).first() if wanted else None
    if row is None:
        return
    has = dict(option.split("=", 1) for option in row.reloptions or ())
    wrong = [f"{name} = {value}" for name, value in wanted.items() if has.get(name) != value]
    if has.get("autovacuum_enabled") in ("off", "false"):
        wrong.append("autovacuum_enabled = on")
    if wrong:
        yield False, f"store {table.name}", f"It becomes slow: run ALTER TABLE {table.name} SET ({', '.join(wrong)})."
    else:
        yield True, f"store {table.name}", "It is kept as a table of waiting work."
