"""What ``doctor`` tells of a store beyond what ``Store.check`` refuses to start with."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, text

from mailgate.store.engine import Store
from mailgate.store.sqlite import SAFE_WITH_WAL, library

# What a setting of the server must not be, and what to do then (docs/reliability.md section 6).
FORBIDDEN: Mapping[str, tuple[str, str]] = {
    "fsync": ("off", "switch it on, or accepted mail is lost when the power fails"),
    "full_page_writes": ("off", "switch it on, or the database may not survive a power cut"),
    "synchronous_commit": ("off", "switch it on, or accepted mail is lost when the server dies"),
    "statement_timeout": ("0", "set one, so that no statement holds locks for ever"),
    "lock_timeout": ("0", "set one, so that nobody waits for ever"),
    "idle_in_transaction_session_timeout": ("0", "set one, so that a dead client does not hold locks"),
    "synchronous_standby_names": ("", "one machine: without a synchronous standby a lost primary loses mail"),
}

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
        value = connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()
        is_well = value != wrong
        yield is_well, f"store {name}", f"It is {value}." if is_well else f'It is "{value}": {what_to_do}.'
