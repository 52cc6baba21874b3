"""The store on SQLite: one file, one writer at a time."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.engine import ExceptionContext

from mailgate import journal
from mailgate.errors import Refused, TryLater
from mailgate.folders import make_durably, sync
from mailgate.store.begun import BegunInFiles
from mailgate.store.engine import Store
from mailgate.store.failures import translated
from mailgate.store.locks import FileLock, NamedLocks, hurried
from mailgate.store.objects import Objects

# docs/reliability.md R16: before this, SQLite can lose committed data in WAL mode.
SAFE_WITH_WAL = (3, 51, 3)
PATIENCE_SECONDS = 20.0
MOST_DAMAGE = 10  # that is told
# docs/reliability.md section 7. The index of words keeps what it deleted until its parts become one.
SCRUBBING = (
    "PRAGMA secure_delete=ON",
    "INSERT INTO message_words (message_words) VALUES ('optimize')",
    "PRAGMA temp_store=FILE",  # of the whole store, which may be larger than memory
    "VACUUM",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA secure_delete=OFF",
)
DISK_ERROR = 10  # SQLITE_IOERR and all its kinds


def library() -> ModuleType:
    """The SQLite of the wheel where there is one, else the interpreter's."""
    try:
        return import_module("pysqlite3.dbapi2")
    except ImportError:
        return import_module("sqlite3.dbapi2")


class SqliteStore(Store):
    def __init__(self, url: URL, objects: Objects) -> None:
        if not url.database or url.database == ":memory:":
            raise Refused("store.url needs a file: write sqlite:///PATH")
        path = Path(url.database)
        _make_private(path)
        self._path = path
        self._library = library()
        wal = self._library.sqlite_version_info >= SAFE_WITH_WAL
        self._journal_mode = "wal" if wal else "delete"
        engine = create_engine(
            url,
            module=self._library,
            pool_size=8,
            max_overflow=16,
            pool_timeout=PATIENCE_SECONDS,
            hide_parameters=True,  # an error's text never quotes a mail (S75)
        )
        event.listen(engine, "connect", self._prepare)
        event.listen(engine, "handle_error", _distrust)
        super().__init__(engine, objects, BegunInFiles(path.with_name(path.name + ".sending")))
        self._deciding = NamedLocks(path.with_name(path.name + ".deciding"))
        self._writing = FileLock(path.with_name(path.name + ".writing"))

    def _prepare(self, connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so, and nowhere else (R18)
        connection.create_function("moment", 0, lambda: time.time_ns() // 1000)
        for pragma in (
            f"busy_timeout={int(PATIENCE_SECONDS * 1000)}",
            f"journal_mode={self._journal_mode}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-16384",
            "wal_autocheckpoint=8192",  # 32 MiB: a page of an index that changes with every mail is written back once
            "journal_size_limit=67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        with self.read() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.read() as connection, self.writing(connection):
            yield connection

    @contextmanager
    def deciding(self, locks: Iterable[str]) -> Iterator[Connection]:
        with self._deciding.held(locks, PATIENCE_SECONDS), self.read() as connection:
            yield connection

    @contextmanager
    def writing(self, connection: Connection) -> Iterator[Connection]:
        # The lock file comes first because SQLite's own waiting sleeps up to 100 ms at a time.
        with translated(), self._writing.held(PATIENCE_SECONDS), hurried():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @property
    def is_shared(self) -> bool:
        return False

    def check(self) -> None:
        with self.read() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if (mode, synchronous) != (self._journal_mode, 2):
            raise Refused(f"{self._path} does not take journal_mode={self._journal_mode}: put it on a local disk")
        if found != "ok":
            raise Refused(f"{self._path} is damaged: restore the last backup")

    def damage(self) -> list[str]:
        with self.read() as connection:
            return damage(connection.connection.driver_connection)

    @contextmanager
    def single_instance(self) -> Iterator[None]:
        lock = FileLock(self._path.with_name(self._path.name + ".gateway"))
        try:
            if not lock.take(0):
                raise Refused(f"another gateway is running on {self._path}: stop it first, or give this one its own")
            try:
                yield
            finally:
                lock.free()
        finally:
            lock.close()

    def scrub(self) -> None:
        with translated(), self._writing.held(PATIENCE_SECONDS), self.engine.connect() as connection:
            for statement in SCRUBBING:
                connection.exec_driver_sql(statement)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:  # somebody reads what was
                if time.monotonic() > deadline:
                    raise TryLater("the write-ahead log is in use: stop the gateway for a moment, and do it again")
                time.sleep(0.1)

    def close(self) -> None:
        super().close()
        self._writing.close()


def damage(connection: Any) -> list[str]:
    """What SQLite finds wrong with its file, in its own words."""
    try:
        found = [row[0] for row in connection.execute(f"PRAGMA integrity_check({MOST_DAMAGE})")]
    except library().DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else found


def _distrust(failure: ExceptionContext) -> None:
    """After an error of the disk, of ``fsync`` above all, every connection is closed and opened anew.

    The kernel may have dropped what it could not write, and says so once: what a connection knows of the file may be
    wrong. What was not committed is written again by whoever asks for it again.
    """
    code = getattr(failure.original_exception, "sqlite_errorcode", 0)
    if code & 0xFF == DISK_ERROR and not failure.is_disconnect:
        failure.is_disconnect = True  # to SQLAlchemy: the whole pool is from before
        journal.store_reopened()


def _make_private(path: Path) -> None:
    """The file and its folder, for our user alone; SQLite gives its own files the mode of the first (S78)."""
    try:
        make_durably(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync(path.parent)
    except OSError as error:
        raise Refused(f"{path} cannot be opened ({error.strerror}): check store.url and who owns the folder") from error
