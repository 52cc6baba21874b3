"""Notes of what is being sent in a table of PostgreSQL, where another node can read them when theirs is gone.

The table is unlogged: a note costs no write to a disk, and outlives the process that made it and the machine it ran on.
When the database itself breaks down or another takes over for it, PostgreSQL empties the table, and of a claim without
notes everything is in doubt. A logged table without waiting for its disk would be worse: it could come back with its
last notes missing, and say of a mail that it was never begun.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from psycopg import Error
from psycopg.pq import ExecStatus
from sqlalchemy import Connection, Engine, text

from mailgate.errors import TryLater
from mailgate.store.begun import Begun, Ended, Note, line_of, notes_of
from mailgate.store.failures import translated

OPEN = text("INSERT INTO begun (token, taken, notes) VALUES (:token, false, '')")
TAKE = text("UPDATE begun SET taken = true WHERE token = :token RETURNING notes")
FORGET = text("DELETE FROM begun WHERE token = :token")
FORGET_OLD = text("""
    DELETE FROM begun WHERE opened_at < now() - interval '1 day'
        AND NOT EXISTS (SELECT FROM outbox WHERE outbox.token = begun.token AND state = 'sending')""")
# One for each mail: prepared where it can be, and by psycopg's way to libpq, which takes half the time of its cursors.
NOTE, NOTING = b"mailgate_note", b"UPDATE begun SET notes = notes || $1 WHERE token = $2 AND NOT taken"


@dataclass(slots=True)
class _Claim:
    """*ended*: how the last mail ended. It is written with the next, so that there is one note for each mail."""

    connection: Connection
    ended: str = ""


class BegunInTable(Begun):
    """A row for each claim. It has connections of its own, each for one claim at a time, whose notes commit at once.

    *prepares*: a connection is one session, so that what was prepared stays.
    """

    def __init__(self, engine: Engine, *, prepares: bool) -> None:
        self._prepares = prepares
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._claims: dict[str, _Claim] = {}
        self._idle: list[Connection] = []

    def open(self, token: str) -> None:
        with translated():
            connection = self._connected()
            with _closed_by_errors(connection):
                connection.execute(OPEN, {"token": token})
        self._claims[token] = _Claim(connection)

    def begin(self, token: str, mail_id: int) -> None:
        claim = self._claims.get(token)
        if claim is None:
            return
        notes = claim.ended + line_of(mail_id, Ended.OPEN)
        try:
            libpq, values = _libpq(claim.connection), [notes.encode(), token.encode()]
            done = libpq.exec_prepared(NOTE, values) if self._prepares else libpq.exec_params(NOTING, values)
        except Error as error:
            raise TryLater("the database cannot be reached") from error
        if done.command_tuples != 1:
            raise TryLater("the claim is not known any more: the database was away, or another node has taken it over")
        claim.ended = ""

    def end(self, token: str, mail_id: int, how: Ended, name: str = "") -> None:
        if token in self._claims:
            self._claims[token].ended += line_of(mail_id, how, name)

    def close(self, token: str) -> None:
        claim = self._claims.pop(token, None)
        if claim is not None:
            with translated(), _closed_by_errors(claim.connection):
                claim.connection.execute(FORGET, {"token": token})
            self._idle.append(claim.connection)

    def leave(self, token: str) -> None:
        claim = self._claims.pop(token, None)
        if claim is not None:
            self._idle.append(claim.connection)

    def read(self, token: str) -> Mapping[int, Note] | None:
        """From now on whoever made the claim can begin no further mail of it, should they only have stood still."""
        with translated(), self._engine.connect() as connection:
            notes = connection.execute(TAKE, {"token": token}).scalar()
        return None if notes is None else notes_of(notes.splitlines())

    def forget(self, token: str) -> None:
        with translated(), self._engine.connect() as connection:
            connection.execute(FORGET, {"token": token})

    def forget_old(self) -> None:
        with translated(), self._engine.connect() as connection:
            connection.execute(FORGET_OLD)

    def _connected(self) -> Connection:
        with suppress(IndexError):
            return self._idle.pop()
        connection = self._engine.connect()
        if not self._prepares:
            return connection
        with _closed_by_errors(connection):
            try:
                made = _libpq(connection).prepare(NOTE, NOTING).status == ExecStatus.COMMAND_OK
            except Error as error:
                raise TryLater("the database cannot be reached") from error
            if not made:
                raise TryLater("the database does not prepare the notes of what is being sent")
        return connection

    def disconnect(self) -> None:
        """When the store is closed."""
        while self._idle:
            connection = self._idle.pop()
            connection.invalidate()  # what it has prepared is not for the next one
            connection.close()


def _libpq(connection: Connection) -> Any:
    return connection.connection.driver_connection.pgconn  # type: ignore[union-attr]


@contextmanager
def _closed_by_errors(connection: Connection) -> Iterator[None]:
    """After an error nobody knows what a connection still has prepared."""
    try:
        yield
    except BaseException:
        connection.invalidate()
        connection.close()
        raise
