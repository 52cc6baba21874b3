"""What the leader seals stands in the log, where whoever has the database cannot take it back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from mailgate import journal
from mailgate.jobs import jobs
from mailgate.model.operator import Operator
from mailgate.store.engine import Store
from mailgate.store.schema import upgrade
from mailgate.store.tables import sealed_heads
from mailgate.tickets.seal import written_down
from mailgate.tickets.token import Keys
from mailgate.workers.seals import Sealing
from mailgate.workers.watch import Watched
from tests.make import make_config
from tests.store import made
from tests.store.conftest import opened

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = opened(f"sqlite:///{tmp_path}/mailgate.db")
    upgrade(found)
    made.opened(found)
    return found


def sealing(store: Store, *, leads: bool = True) -> Sealing:
    keys = Keys("b", {"a": b"a" * 32, "b": b"b" * 32})
    return Sealing(store, keys, lambda: NOW, lambda: leads)


def covered(store: Store) -> int:
    with store.read() as connection:
        return len(connection.execute(select(sealed_heads)).all())


def test_a_seal_is_logged_as_verify_takes_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[tuple[str, int]] = []
    monkeypatch.setattr(journal, "sealed", lambda *said: logged.append(said))
    sealing(store).turn()
    sealing(store).turn()
    ((seal, count),) = logged
    assert (written_down(seal)[0], count, covered(store)) == (1, 1, 1)


def test_only_the_leader_seals(store: Store) -> None:
    sealing(store, leads=False).turn()
    assert covered(store) == 0


def test_it_is_woken_every_five_minutes(store: Store, tmp_path: Path) -> None:
    config = make_config().model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    job = jobs(config, store, Watched())["seals"]
    assert job.minute == "*/5"
    job.run()
    assert covered(store) == 1
