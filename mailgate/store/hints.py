"""A hint between nodes that there is something to do: NOTIFY, beside the polling that finds it in any case.

It goes from a thread of its own, a few times a second at most, and never with a mail: NOTIFY locks the whole database
at its commit. Behind a pooler that lends a connection for one transaction nothing is heard, and polling does it all.
"""

from collections.abc import Callable
from threading import Event
from typing import Any

from psycopg import Error
from sqlalchemy import Connection

from mailgate.errors import TryLater
from mailgate.store.engine import Store
from mailgate.store.failures import translated

LISTEN, NOTIFY = "LISTEN mailgate_work", "NOTIFY mailgate_work"
EVERY_SECONDS = 0.25


class Hints:
    """Calls *wake* when another process on the database of *store*, a PostgreSQL, has called ``tell``."""

    def __init__(self, store: Store, wake: Callable[[], None]) -> None:
        self._engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._wake = wake
        self._told = Event()
        self._connection: Connection | None = None

    def tell(self) -> None:
        """Something was committed that others may do. To be called as often as you like."""
        self._told.set()

    def turn(self) -> int:
        """Hear and say what there is, within a quarter of a second; 1: another turn is due. Raises TryLater."""
        try:
            with translated():
                driver = self._driver()
                heard = [note.pid for note in driver.notifies(timeout=EVERY_SECONDS)]
                if self._told.is_set():
                    self._told.clear()
                    driver.execute(NOTIFY)
        except BaseException as error:
            self.close()
            if isinstance(error, Error):
                raise TryLater("the database cannot be reached") from error
            raise
        if any(pid != driver.info.backend_pid for pid in heard):
            self._wake()
        return 1

    def _driver(self) -> Any:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.exec_driver_sql(LISTEN)
        return self._connection.connection.driver_connection

    def close(self) -> None:
        """What listens is not for the next one who asks for a connection."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
