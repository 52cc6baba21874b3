"""An empty store of each engine, for every test that asks for one."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from mailgate.model import config
from mailgate.store.engine import Store, open_store
from mailgate.store.schema import upgrade
from tests import servers

NAMES = (f"test_{number}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A cluster for the whole run; its one database with tables is what each test copies."""
    with servers.postgresql() as url:
        _create(url, "pattern")
        pattern = opened(_named(url, "pattern"))
        upgrade(pattern)
        pattern.close()
        yield url


@pytest.fixture
def empty_database(postgresql: str) -> str:
    """A database without tables."""
    name = next(NAMES)
    _create(postgresql, name)
    return _named(postgresql, name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store with its tables."""
    if request.param == "sqlite":
        found = opened(f"sqlite:///{tmp_path}/store/mailgate.db")
        upgrade(found)
    else:
        url, name = request.getfixturevalue("postgresql"), next(NAMES)
        _create(url, f"{name} TEMPLATE pattern")
        found = opened(_named(url, name))
    yield found
    found.close()


def opened(url: str) -> Store:
    return open_store(config.Operator(store=config.Store(url=url)))


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _create(url: str, what: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {what}")
    engine.dispose()
