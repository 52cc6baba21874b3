"""An empty store of each engine, for every test that asks for one."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.store.engine import Store, open_store
from mailgate.store.schema import upgrade
from mailgate.store.tables import instance, metadata
from tests import servers

NAMES = (f"test_{number}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A cluster for the whole run."""
    with servers.postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def shared(postgresql: str) -> Iterator[Store]:
    """One database with its tables, which every test empties: making one takes longer than most tests."""
    store = opened(_new_database(postgresql, "shared"))
    upgrade(store)
    yield store
    store.close()


@pytest.fixture
def empty_database(postgresql: str) -> str:
    """The URL of a database without tables."""
    return _new_database(postgresql, next(NAMES))


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store with its tables."""
    if request.param == "postgresql":
        found: Store = request.getfixturevalue("shared")
        with found.write() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(table.delete().where(table.c.name != "loop_id") if table is instance else table.delete())
        yield found
        return
    found = opened(f"sqlite:///{tmp_path}/store/mailgate.db")
    upgrade(found)
    yield found
    found.close()


def opened(url: str) -> Store:
    return open_store(Operator(store=StoreSettings(url=url)))


def _new_database(url: str, name: str) -> str:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)
