"""The store on PostgreSQL, which any number of nodes share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import ARRAY, URL, BigInteger, Connection, bindparam, create_engine, event, text
from sqlalchemy.exc import ProgrammingError

from mailgate.errors import Refused
from mailgate.store.begun_table import BegunInTable
from mailgate.store.engine import Store
from mailgate.store.failures import translated
from mailgate.store.locks import Unreachable, lock_number
from mailgate.store.objects import Objects
from mailgate.store.tables import metadata

SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "20s",
    "statement_timeout": "120s",
    "synchronous_commit": "on",
    # What a node holds that is cut off or stands still is free before its lease on a mail ends (60 s).
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25s",
}
# The same seen from here: whoever waits for a database that is cut off hears of it within half a minute.
PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
# A pooler gives each transaction another session: what is set or prepared in one is not there in the next.
POOLER = "pooler"
POOLED: dict[str, Any] = {"prepare_threshold": None}
WARNINGS = "warnings"
LOCK = text("SELECT pg_advisory_xact_lock(number) FROM unnest(:numbers) AS number").bindparams(
    bindparam("numbers", type_=ARRAY(BigInteger))
)


class PostgresqlStore(Store):
    def __init__(self, url: URL, objects: Objects) -> None:
        self._is_pooled = is_pooled = _is_pooled(url)
        engine = create_engine(
            url.set(drivername="postgresql+psycopg").difference_update_query([POOLER]),
            pool_size=8,
            max_overflow=16,
            pool_timeout=20,
            hide_parameters=True,  # an error's text never quotes a mail (S75)
            connect_args={
                **PATIENCE,
                "application_name": "mailgate",
                **(POOLED if is_pooled else _session()),
            },
        )
        event.listen(engine, "connect", _keep_warnings)
        self._notes = BegunInTable(engine, prepares=not is_pooled)
        super().__init__(engine, objects, self._notes)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        with translated(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with translated(), self.engine.connect() as connection:
            with connection.begin():
                yield connection
                warnings = connection.info[WARNINGS]
                warnings.clear()
            if warnings:
                raise Unreachable("the database warned that a commit may be on the primary alone")

    @contextmanager
    def deciding(self, locks: Iterable[str]) -> Iterator[Connection]:
        numbers = sorted({lock_number(lock) for lock in locks})  # in one order everywhere, so that nobody deadlocks
        with self.write() as connection:
            connection.execute(LOCK, {"numbers": numbers})
            yield connection

    @contextmanager
    def writing(self, connection: Connection) -> Iterator[Connection]:
        with translated(), connection.begin_nested():
            yield connection

    @property
    def is_shared(self) -> bool:
        return True

    def check(self) -> None:
        with self.read() as connection:
            if connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
                raise Unreachable(
                    "the database is a standby, which may not be written: store.url has to lead to the primary"
                )
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                value = connection.execute(text("SELECT current_setting(:name)"), {"name": setting}).scalar_one()
                if value == "off":
                    raise Refused(f"PostgreSQL runs with {setting}=off and may lose accepted mail: switch it on")

    def damage(self) -> list[str]:
        """Its own programs look: data checksums at every read, ``pg_amcheck`` on demand."""
        return []

    @contextmanager
    def single_instance(self) -> Iterator[None]:
        """Any number of gateways may run."""
        yield

    def scrub(self) -> None:
        """FULL, as a plain VACUUM leaves the bytes where they are; what PostgreSQL knows of each column goes too."""
        with translated(), self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            if not self._is_pooled:  # the session is somebody else's next: what the role may take has to be enough
                connection.exec_driver_sql("SET statement_timeout = 0")
            for table in metadata.tables:
                connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table}")
            connection.exec_driver_sql("VACUUM (FULL) pg_catalog.pg_statistic")
            with suppress(ProgrammingError):  # only some may ask for it: without it the old files stay for minutes more
                connection.exec_driver_sql("CHECKPOINT")
            if not self._is_pooled:
                connection.exec_driver_sql("RESET statement_timeout")

    def close(self) -> None:
        self._notes.disconnect()
        super().close()


def _session() -> dict[str, Any]:
    """The start of a session that is ours alone."""
    return {"options": " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())}


def _is_pooled(url: URL) -> bool:
    """Whether a pooler in transaction mode stands in front of the server."""
    pooler = url.query.get(POOLER)
    if pooler not in (None, "transaction"):
        raise Refused('store.url names a pooler that is not known: write "pooler=transaction", or leave it out')
    return pooler is not None


def _keep_warnings(connection: Any, record: Any) -> None:
    """Let what the server warns of be found in the connection's info.

    A commit that stopped waiting for its synchronous standby, as somebody cancelled it, is reported as a success, with
    a warning. Its words depend on the server's language, and nothing else makes a commit warn.
    """
    warnings: list[str] = []
    record.info[WARNINGS] = warnings

    def keep(said: Any) -> None:
        if said.severity_nonlocalized == "WARNING":
            warnings.append(said.sqlstate)

    connection.add_notice_handler(keep)
