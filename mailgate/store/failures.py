"""The database's errors in the program's words, at the one door they leave by."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError

from mailgate.errors import TryLater
from mailgate.store.locks import Unreachable

# The result codes of SQLite, without their extensions, that say nothing about what was asked.
SQLITE_SENTENCES = {
    5: "the store is locked by another process",
    6: "the store is locked by another process",
    7: "there was not enough memory for the store",
    8: "the store may not be written: check the owner and mode of its file and folder",
    9: "the store was interrupted",
    10: "the disk under the store reported an error",
    11: "the store's file is damaged: run mailgate db verify",
    13: "the disk under the store is full",
    14: "the store's file cannot be opened: check the owner and mode of its folder",
    15: "the store is locked by another process",
    26: "the store's file is not a database: check store.url, or restore a backup",
}
SQLITE_CONSTRAINT = 19
SQLITE_ONE_MAIL_ONLY = {7, 13}  # a smaller mail may still fit

# The same for PostgreSQL: whole SQLSTATEs, and the classes they begin with.
POSTGRESQL_SENTENCES = {
    "08": "the database cannot be reached: check store.url, and that its server runs",
    "25006": "the database is read-only: is it a replica?",
    "28": "the database does not let us in: check the user and password in store.url",
    "3D": "the database named in store.url does not exist",
    "40": "another process changed the same rows",
    "53": "the database is out of resources",
    "55P03": "the rows are locked by another process",
    "57": "the database is shutting down or cut the statement off",
    "58": "the database reported an error of its disk",
}
POSTGRESQL_UNIQUE = "23505"
POSTGRESQL_ONE_MAIL_ONLY = {"53100", "53200"}


@contextmanager
def translated() -> Iterator[None]:
    """Raise TryLater instead of the database's error wherever the same call may succeed later."""
    try:
        yield
    except TimeoutError as error:
        raise Unreachable("every connection to the store is in use") from error
    except DBAPIError as error:
        later = _later(error)
        if later is None:
            raise
        raise later from error


def _later(error: DBAPIError) -> TryLater | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _sqlite(code & 0xFF, str(error.orig))
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _postgresql(state, lost=error.connection_invalidated)
    if error.connection_invalidated or isinstance(error, OperationalError):  # the server did not answer at all
        return Unreachable(POSTGRESQL_SENTENCES["08"])
    return None


def _sqlite(code: int, words: str) -> TryLater | None:
    if code == SQLITE_CONSTRAINT and words.startswith("UNIQUE"):
        return TryLater("another process stored the same thing first")
    sentence = SQLITE_SENTENCES.get(code)
    if sentence is None:
        return None
    return TryLater(sentence) if code in SQLITE_ONE_MAIL_ONLY else Unreachable(sentence)


def _postgresql(state: str, *, lost: bool) -> TryLater | None:
    if state == POSTGRESQL_UNIQUE:
        return TryLater("another process stored the same thing first")
    sentence = POSTGRESQL_SENTENCES.get(state) or POSTGRESQL_SENTENCES.get(state[:2])
    if sentence is None:
        return Unreachable(POSTGRESQL_SENTENCES["08"]) if lost else None
    transient = state in POSTGRESQL_ONE_MAIL_ONLY or state[:2] == "40"
    return TryLater(sentence) if transient else Unreachable(sentence)
