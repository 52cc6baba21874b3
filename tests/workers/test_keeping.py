"""The nightly job forgets as the configuration says, only where it leads, and no longer than a moment each minute."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailgate.model.keeping import Keep
from mailgate.scheduler import Job, Scheduler
from mailgate.store import retention
from mailgate.store.engine import Store
from mailgate.store.schema import upgrade
from mailgate.store.tables import messages
from mailgate.workers import keeping
from mailgate.workers.keeping import Keeping
from tests.store import made
from tests.store.conftest import opened


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One with a mail that nobody asked for."""
    found = opened(f"sqlite:///{tmp_path}/mailgate.db")
    upgrade(found)
    made.applied(found, made.ignored(made.spooled(found), made.reading(text="words")))
    return found


def words(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(select(messages.c.text)))


def test_only_who_leads_forgets(store: Store) -> None:
    later = made.NOW + timedelta(days=31)
    Keeping(store, Keep(), lambda: later, lambda: False).turn()
    assert words(store) == ["words"]
    Keeping(store, Keep(), lambda: later, lambda: True).turn()
    assert words(store) == [""]


def test_what_one_turn_has_no_time_for_the_next_one_does(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "TURN_SECONDS", 0.0)
    job = Keeping(store, Keep(), lambda: made.NOW + timedelta(days=31), lambda: True)
    job.turn()
    assert words(store) == ["words"]
    monkeypatch.undo()
    job.turn()
    assert words(store) == [""]


def test_objects_that_a_killed_run_left_are_removed_by_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{'a' * 64}-{'0' * 16}"
    writing = store.objects.begin()
    writing.write(b"words")
    writing.finish(name)
    with store.write() as tx:
        raw = retention.raw_mails
        tx.execute(update(raw).values(location=name))
    later = made.NOW + timedelta(days=31)
    with monkeypatch.context() as patch:
        patch.setattr(retention, "remove_unwanted", lambda _: 0)  # killed before
        retention.run(store, Keep(), later, rests=lambda _: None)
    assert [found for found, _ in store.objects.kept()] == [name]
    retention.run(store, Keep(), later, rests=lambda _: None)
    assert list(store.objects.kept()) == []


def test_it_wakes_every_minute_of_some_hours() -> None:
    scheduler = Scheduler({"keeping": Job(lambda: None, hour=keeping.HOURS)})
    scheduler.start()
    (job,) = scheduler._scheduler.get_jobs()
    scheduler.stop()
    assert job.next_run_time.hour in range(1, 5)
