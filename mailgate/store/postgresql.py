"""The store on PostgreSQL, which any number of nodes share."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ARRAY, URL, BigInteger, Connection, bindparam, create_engine, text

from mailgate.errors import Refused
from mailgate.store.begun_table import BegunInTable
from mailgate.store.engine import Store
from mailgate.store.failures import translated
from mailgate.store.objects import Objects

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
LOCK = text("SELECT pg_advisory_xact_lock(number) FROM unnest(:numbers) AS number").bindparams(
    bindparam("numbers", type_=ARRAY(BigInteger))
)


class PostgresqlStore(Store):
    def __init__(self, url: URL, objects: Objects) -> None:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=16,
            pool_timeout=20,
            connect_args={
                **PATIENCE,
                "application_name": "mailgate",
                "options": " ".join(f"-c {name}={value}" for name, value in SETTINGS.items()),
            },
        )
        self._notes = BegunInTable(engine)
        super().__init__(engine, objects, self._notes)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with translated(), self.engine.begin() as connection:
            yield connection

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
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                value = connection.execute(text("SELECT current_setting(:name)"), {"name": setting}).scalar_one()
                if value == "off":
                    raise Refused(f"PostgreSQL runs with {setting}=off and may lose accepted mail: switch it on")

    @contextmanager
    def single_instance(self) -> Iterator[None]:
        """Any number of gateways may run."""
        yield

    def close(self) -> None:
        self._notes.disconnect()
        super().close()


def lock_number(lock: str) -> int:
    """The number that stands for *lock* on every node; two locks that share one wait for each other, no more."""
    digest = hashlib.blake2b(lock.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
