"""Many sessions, one commit; large mails are objects before they are rows."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import func, select

from mailgate.errors import TryLater
from mailgate.store import group_commit, objects, spool
from mailgate.store.engine import Store
from mailgate.store.group_commit import GroupCommit
from mailgate.store.objects import Folder
from mailgate.store.schema import upgrade
from mailgate.store.tables import raw_mails
from tests.store import made
from tests.store.conftest import opened

LARGE = b"Subject: large\r\n\r\n" + bytes(range(256)) * 4000


@pytest.fixture
def folder(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(store, "objects", Folder(tmp_path / "raw"))
    return tmp_path / "raw"


def stored(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(raw_mails)).scalar_one()


def put_large(group: GroupCommit, content: bytes = LARGE) -> str:
    large = group.begin(made.envelope())
    for start in range(0, len(content), 100_000):
        large.write(content[start : start + 100_000])
    return large.commit(made.envelope()).result(timeout=60)


def test_a_group_commit_stores_each_mail_of_many_sessions_once(store: Store) -> None:
    group = GroupCommit(store)
    mails = [b"%d" % (number % 100) for number in range(200)]
    with ThreadPoolExecutor(20) as sessions:
        keys = list(sessions.map(lambda raw: group.put(made.envelope(), raw).result(timeout=60), mails))
    group.close()
    assert keys == [spool.ingest_key(made.envelope(), raw) for raw in mails]
    assert stored(store) == 100


def test_what_comes_while_somebody_else_writes_shares_the_next_commit(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path}/mailgate.db")
    upgrade(store)
    commits: list[int] = []
    group = GroupCommit(store, lambda: commits.append(stored(store)))
    with store.write():
        answers = [group.put(made.envelope(), b"%d" % number) for number in range(5)]
        time.sleep(0.1)
    assert len({answer.result(timeout=60) for answer in answers}) == 5
    group.close()
    store.close()
    assert commits == [5]


def test_one_mail_that_breaks_a_batch_does_not_take_the_others_with_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = spool.put

    def breaking(tx: object, mails: object) -> object:
        result = really(tx, mails)  # type: ignore[arg-type]
        if any(raw == b"killer" for _, _, raw in mails):  # type: ignore[attr-defined]
            raise RuntimeError("a bug of ours")
        return result

    monkeypatch.setattr(spool, "put", breaking)
    group = GroupCommit(store)
    answers = {raw: group.put(made.envelope(), raw) for raw in (b"1", b"killer", b"2", b"3")}
    assert {answers[raw].result(timeout=60) for raw in (b"1", b"2", b"3")}
    with pytest.raises(TryLater):
        answers[b"killer"].result(timeout=60)
    group.close()
    assert stored(store) == 3


@pytest.mark.parametrize("number", [1, 2], ids=["none to gather them", "none to commit them"])
def test_F11_where_no_thread_can_be_had_a_mail_is_put_off_and_the_next_one_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    really, starts = Thread.start, iter(range(1, 100))

    def start(thread: Thread) -> None:
        if next(starts) == number:
            raise RuntimeError("can't start new thread")
        really(thread)

    monkeypatch.setattr(Thread, "start", start)
    group = GroupCommit(store)
    with pytest.raises(TryLater):
        group.put(made.envelope(), b"first").result(timeout=60)
    assert group.put(made.envelope(), b"second").result(timeout=60)
    group.close()


def test_F11_without_memory_for_a_turn_its_mails_are_put_off_and_the_next_one_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(*_: object) -> str:
        monkeypatch.undo()
        raise MemoryError

    monkeypatch.setattr(group_commit, "ingest_key", key)
    group = GroupCommit(store)
    with pytest.raises(TryLater):
        group.put(made.envelope(), b"first").result(timeout=60)
    assert group.put(made.envelope(), b"second").result(timeout=60)
    group.close()


def test_nothing_is_accepted_after_the_end(store: Store) -> None:
    group = GroupCommit(store)
    waiting = [group.put(made.envelope(), b"%d" % number) for number in range(50)]
    group.close()
    assert all(answer.done() and not answer.exception() for answer in waiting)
    with pytest.raises(TryLater):
        group.put(made.envelope(), b"late").result(timeout=60)
    assert stored(store) == 50


def test_E12_a_large_mail_is_an_object_and_a_row_with_the_same_key_as_a_small_one(store: Store, folder: Path) -> None:
    group = GroupCommit(store)
    assert put_large(group) == spool.ingest_key(made.envelope(), LARGE)
    group.close()
    (file,) = folder.iterdir()
    assert (file.read_bytes(), file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (LARGE, 0o600, 0o700)
    (mail,) = spool.claim(store, 10, 60)
    assert (mail.raw, mail.content, mail.location) == (LARGE, b"", file.name)


def test_E13_a_large_mail_that_comes_again_is_stored_once_and_its_second_object_is_gone(
    store: Store, folder: Path
) -> None:
    group = GroupCommit(store)
    with ThreadPoolExecutor(4) as sessions:
        assert len(set(sessions.map(lambda _: put_large(group), range(8)))) == 1
    group.close()
    (file,) = folder.iterdir()
    (mail,) = spool.claim(store, 10, 60)
    assert mail.location == file.name


def test_a_large_mail_whose_commit_never_began_leaves_nothing_behind(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "put", None)
    group = GroupCommit(store)
    with pytest.raises(TryLater):
        put_large(group)
    group.close()
    assert list(folder.iterdir()) == []


def test_an_object_whose_commit_is_in_doubt_stays_until_it_is_an_orphan(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lost(GroupCommit):
        def _commit_together(self, batch: list[group_commit.Putting]) -> None:
            super()._commit_together(batch)
            raise TryLater("the answer to COMMIT was lost")

    group = Lost(store)
    with pytest.raises(TryLater):
        put_large(group)
    group.close()
    (file,) = folder.iterdir()
    now = datetime.now(UTC)
    assert list(group_commit.orphans(store, now + timedelta(days=1))) == []
    assert spool.claim(store, 1, 60)[0].location == file.name


def test_an_orphan_is_old_and_no_row_names_it(store: Store, folder: Path) -> None:
    group = GroupCommit(store)
    put_large(group)
    group.close()
    name = hashlib.sha256(b"nobody").hexdigest() + "-" + 16 * "0"
    alone = store.objects.begin()
    alone.write(b"x")
    alone.finish(name)
    now = datetime.now(UTC)
    assert list(group_commit.orphans(store, now - timedelta(days=1))) == []
    assert list(group_commit.orphans(store, now + timedelta(seconds=5))) == [name]


def test_small_mails_go_on_while_the_raw_store_is_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "objects", Folder(Path("/proc/nowhere")))
    group = GroupCommit(store)
    with pytest.raises(TryLater):
        group.begin(made.envelope())
    assert group.put(made.envelope(), b"small").result(timeout=60)
    group.close()


@pytest.mark.parametrize("call", ["fsync", "sync"])
def test_a_failing_fsync_puts_the_mail_off_and_its_file_is_never_used(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def failing(_: object) -> None:
        raise OSError(5, "Input/output error")

    folder.mkdir()
    group = GroupCommit(store)
    with monkeypatch.context() as disk:
        disk.setattr(objects.os if call == "fsync" else objects, call, failing)
        with pytest.raises(TryLater):
            put_large(group)
    assert list(folder.iterdir()) == []
    assert stored(store) == 0
    assert put_large(group)
    group.close()
    assert stored(store) == 1
