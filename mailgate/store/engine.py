"""One store, whichever engine it stands on."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, Insert, Table, insert
from sqlalchemy import Connection as Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mailgate.errors import Refused
from mailgate.model.operator import Operator
from mailgate.store.begun import Begun
from mailgate.store.failures import translated
from mailgate.store.objects import Objects, open_objects

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Store(ABC):
    """The way in. Whatever the database does wrong for the moment is raised as TryLater.

    *objects* has the content of large mails, *begun* notes about mails that are being sent.
    """

    def __init__(self, engine: Engine, objects: Objects, begun: Begun) -> None:
        self.engine = engine
        self.objects = objects
        self.begun = begun

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading, each statement of which sees what is committed by then."""
        with translated(), self.engine.connect() as connection:
            yield connection

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Connection]:
        """A connection for reading, all statements of which see the same: to be left soon."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Connection]:
        """One transaction, committed at the end, rolled back on any exception."""

    @abstractmethod
    def deciding(self, locks: Iterable[str]) -> AbstractContextManager[Connection]:
        """A connection for looking up and, through ``writing``, applying; meanwhile nobody else decides about *locks*.

        What was written is sure to be durable only when the block has ended without an exception.
        """

    @abstractmethod
    def writing(self, connection: Connection) -> AbstractContextManager[Connection]:
        """All or nothing of what is written in the block, on the *connection* of ``deciding``."""

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Whether other machines may be working on it at the same time."""

    @abstractmethod
    def check(self) -> None:
        """Refused, with what to do, unless the engine is sound and keeps what it has committed."""

    @abstractmethod
    def damage(self) -> list[str]:
        """What the engine itself finds wrong with what it has stored; nothing where all is sound, or it cannot tell."""

    @abstractmethod
    def single_instance(self) -> AbstractContextManager[None]:
        """Hold this while a gateway serves: Refused where the store allows only one and has it already."""

    @abstractmethod
    def scrub(self) -> None:
        """Write the database's files anew, so that none holds what was deleted; whoever writes waits. TryLater."""

    def close(self) -> None:
        self.engine.dispose()


def insert_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert *rows*, where there are any."""
    if rows:
        connection.execute(_inserting(table), rows)


@cache
def _inserting(table: Table) -> Insert:
    return insert(table)


def insert_new(connection: Connection, table: Table, *returning: "Column[Any]") -> Any:
    """An insert that leaves out the rows whose unique keys exist, and returns these columns of the others."""
    return _insert_new(connection.dialect.name, table, returning)


@cache
def _insert_new(dialect: str, table: Table, returning: "tuple[Column[Any], ...]") -> Any:
    new = _INSERTS[dialect](table).on_conflict_do_nothing()
    return new.returning(*returning) if returning else new


def upsert(connection: Connection, table: Table) -> Insert:
    """An insert that overwrites the row with the same primary key."""
    insert = _INSERTS[connection.dialect.name](table)
    changing = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
    overwriting: Insert = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changing)
    return overwriting


def is_made(operator: Operator) -> bool:
    """Whether there is a store to open: an SQLite file would be made by opening it."""
    url = make_url(operator.store.url)
    return url.get_backend_name() != "sqlite" or bool(url.database and Path(url.database).exists())


def open_store(operator: Operator) -> Store:
    """The store of ``store.url``, made if it is an SQLite file that does not exist. Its tables come by ``upgrade``."""
    try:
        url = make_url(operator.store.url)
    except ArgumentError as error:
        raise Refused(
            "store.url is not the URL of a database: write sqlite:///PATH or postgresql+psycopg://…"
        ) from error
    objects = open_objects(operator.store.raw)
    match url.get_backend_name():
        case "sqlite":
            from mailgate.store.sqlite import SqliteStore

            return SqliteStore(url, objects)
        case "postgresql":
            from mailgate.store.postgresql import PostgresqlStore

            return PostgresqlStore(url, objects)
        case other:
            raise Refused(f"store.url names {other}: only sqlite and postgresql+psycopg are supported")
