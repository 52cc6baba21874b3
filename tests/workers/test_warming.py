"""What is made once is made before the first mail comes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailgate import journal
from mailgate.app import context_of, make_ready
from mailgate.rules import vocabulary
from mailgate.settings import load
from mailgate.store.engine import open_store
from mailgate.workers import warming
from mailgate.workers.warming import warm_up

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def context(tmp_path):
    paths = {"STORE__URL": f"sqlite:///{tmp_path}/m.db", "STORE__RAW": f"{tmp_path}/raw", "KEYS": f"{tmp_path}/keys"}
    config = load([CONFIG], {f"MAILGATE_{name}": path for name, path in paths.items()})
    store = open_store(config.operator)
    make_ready(store, config)
    yield context_of(config, store)
    store.close()


def test_a_second_mail_finds_made_what_the_first_one_made(context):
    vocabulary._weights.cache_clear()
    warm_up(context, NOW)
    made = vocabulary._weights.cache_info().misses
    assert made > 1  # not every mailbox is for the same work
    warm_up(context, NOW)
    assert vocabulary._weights.cache_info().misses == made


def test_a_mail_that_cannot_be_taken_stops_nothing(context, monkeypatch):
    told = []
    monkeypatch.setattr(warming, "decide", lambda *_: 1 / 0)
    monkeypatch.setattr(journal, "worker_failed", lambda *said: told.append(said))
    warm_up(context, NOW)
    assert {(worker, type(error)) for worker, error in told} == {("warming up", ZeroDivisionError)}
