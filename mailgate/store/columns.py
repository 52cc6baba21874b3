"""How values stand in columns, the same on both engines."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000  # microseconds, the unit of every stored instant

# An index entry of PostgreSQL must stay below 2,704 bytes: 400 characters and a digest do in any script.
LONGEST_NAME = 400

Id: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER numbers itself on SQLite


def instant(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def microseconds(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


class Moment(FunctionElement[int]):
    """The time by which leases run, in microseconds since 1970: the database's own, which nodes share.

    Part of the statement, not a value: so that statements with it are made once, when the program starts.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(Moment, "sqlite")
def _of_sqlite(*_: Any, **__: Any) -> str:
    return "moment()"  # which ``sqlite`` gives to each connection: SQLite's own clock knows no microseconds


@compiles(Moment, "postgresql")
def _of_postgresql(*_: Any, **__: Any) -> str:
    return "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint)"


MOMENT = Moment()


def storable(text: str) -> str:
    """*text* without what a database refuses: NUL and lone surrogates become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    return text


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def canonical(value: Any) -> str:
    """*value* as JSON of which there is exactly one form, in ASCII."""
    return _CANONICAL.encode(value)


class Words(TypeDecorator[str]):
    """Text as people wrote it, made storable."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Name(Words):
    """Text that is looked up by an index: an overlong one is kept as its beginning and its digest."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = storable(value)
        if len(text) <= LONGEST_NAME:
            return text
        return f"{text[:LONGEST_NAME]}#{hashlib.sha256(text.encode()).hexdigest()}"


class Instant(TypeDecorator[datetime]):
    """An aware instant as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


_EMPTY: dict[str, Callable[[], Any]] = {"[]": list, "{}": dict}  # what most rows have: not worth a parser


class Json(TypeDecorator[Any]):
    """A value as canonical JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        empty = _EMPTY.get(value)
        return empty() if empty else json.loads(value)
