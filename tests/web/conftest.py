"""Pages on a real store, and a clock that a test sets."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection

import pytest

from mailgate.model.health import AccountHealth, AccountState
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.store.engine import Store, open_store
from mailgate.store.schema import upgrade
from mailgate.web.counts import WORKERS, Counts
from mailgate.web.pages import pages
from mailgate.web.server import Server
from mailgate.web.sight import Observer
from tests.make import HELPDESK, make_config

Get = Callable[[str], tuple[int, str]]


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    found = open_store(Operator(store=StoreSettings(url=f"sqlite:///{tmp_path}/mailgate.db")))
    upgrade(found)
    yield found
    found.close()


@pytest.fixture
def observer(store, clock) -> Observer:
    return Observer(
        config=make_config(),
        store=store,
        counts=Counts(2),
        clock=clock,
        started_at=clock.now,
        free_bytes=lambda: 10**12,
        workers=WORKERS,
        accounts=(AccountHealth(HELPDESK, AccountState.READING, clock.now, waiting=3),),
    )


@pytest.fixture
def get(observer) -> Iterator[Get]:
    server = Server("127.0.0.1", 0, pages(observer))
    server.start()

    def asked(path: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.status, answer.read().decode()
        connection.close()
        return said

    yield asked
    server.stop()
