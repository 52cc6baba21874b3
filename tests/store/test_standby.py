"""A primary with a synchronous standby: what it has alone is not taken for durable, and what doctor says of both."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from mailgate.errors import Refused, TryLater
from mailgate.model.folder import Folder, Stage
from mailgate.store import group_commit, imap
from mailgate.store.engine import Store
from mailgate.store.examination import examine
from mailgate.store.group_commit import GroupCommit
from mailgate.store.schema import upgrade
from tests.clusters import Pair, pair, wait_until
from tests.store import made
from tests.store.conftest import opened

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
MOMENT_SECONDS = 0.5


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    with pair() as servers:
        yield servers


@pytest.fixture
def store(servers: Pair) -> Iterator[Store]:
    store = opened(servers.url)
    upgrade(store)
    yield store
    servers.thaw()
    store.close()


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def put_on_the_primary_alone(servers: Pair, put: Callable[..., str], *what: Any) -> "Future[str]":
    """Its commit waits for the standby until somebody cancels it."""
    with ThreadPoolExecutor(1) as threads:
        putting = threads.submit(put, *what)
        wait_until(lambda: bool(servers.primary.execute(WAITING)))
        servers.primary.execute(WAITING.replace("pid", "pg_cancel_backend(pid)"))
        return putting


def test_R26_a_commit_that_stopped_waiting_for_the_standby_is_no_success(store: Store, servers: Pair) -> None:
    servers.freeze()
    putting = put_on_the_primary_alone(servers, made.put, store, b"cancelled")
    with pytest.raises(TryLater, match="on the primary alone"):
        putting.result()


def test_R27_a_mail_that_comes_again_waits_until_the_standby_has_it_too(
    store: Store, servers: Pair, aside: ThreadPoolExecutor
) -> None:
    servers.freeze()
    assert put_on_the_primary_alone(servers, made.put, store, b"comes again").exception()
    again = aside.submit(made.put, store, b"comes again")
    assert waits_for_the_standby(again), "it was taken for durable"
    servers.thaw()
    assert again.result(30)


def waits_for_the_standby(done: "Future[Any]") -> bool:
    ended = threading.Event()
    done.add_done_callback(lambda _: ended.set())
    return not ended.wait(MOMENT_SECONDS)


def test_R27_no_mail_leaves_its_folder_before_the_standby_has_it_too(
    store: Store, servers: Pair, aside: ThreadPoolExecutor
) -> None:
    servers.freeze()
    folder = Folder("account", "INBOX", 1)
    taken = (store, folder, 7, Stage.STORED, made.envelope(), b"from a folder")
    assert put_on_the_primary_alone(servers, imap.take, *taken).exception()
    assert [row.uid for row in imap.known(store, folder)] == [7]
    confirming = aside.submit(imap.confirm, store, folder)
    assert waits_for_the_standby(confirming), "it could have been moved"
    servers.thaw()
    confirming.result(30)


def test_G1_what_was_put_survives_the_primary(store: Store, servers: Pair, aside: ThreadPoolExecutor) -> None:
    made.put(store, b"before")
    servers.freeze()
    late = aside.submit(made.put, store, b"while the standby does not answer")
    wait_until(lambda: bool(servers.primary.execute(WAITING)))
    servers.fail_over()
    assert isinstance(late.exception(30), TryLater)
    kept = [bytes(raw) for (raw,) in servers.primary.execute("SELECT content FROM raw_mails")]
    assert b"before" in kept
    assert b"while the standby does not answer" not in kept
    servers.rejoin()
    made.put(store, b"after")


def test_while_a_commit_waits_for_a_standby_that_is_away_others_are_told_to_try_later(
    store: Store, servers: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = GroupCommit(store)
    servers.freeze()
    waiting = group.put(made.envelope(), b"came first")
    wait_until(lambda: bool(servers.primary.execute(WAITING)))
    monkeypatch.setattr(group_commit, "STUCK_AFTER_SECONDS", 0.0)
    with pytest.raises(TryLater, match="standby"):
        group.put(made.envelope(), b"came later").result(0)
    assert not waiting.done()
    servers.thaw()
    assert waiting.result(30)
    wait_until(lambda: group.put(made.envelope(), b"came later").exception(30) is None)
    group.close()


def told_of_the_standby(store: Store) -> tuple[bool, str]:
    return {what: (is_well, says) for is_well, what, says in examine(store)}["store standby"]


def test_doctor_tells_whether_a_synchronous_standby_is_there(store: Store, servers: Pair) -> None:
    assert told_of_the_standby(store) == (True, "Commits wait for standby.")
    servers.standby.stop()
    wait_until(lambda: not servers.primary.execute("SELECT FROM pg_stat_replication"))
    is_there, says = told_of_the_standby(store)
    assert not is_there
    assert says.startswith("No synchronous one is connected")
    servers.standby.start()
    wait_until(lambda: told_of_the_standby(store)[0])


def test_doctor_says_what_it_is_not_allowed_to_know(store: Store, servers: Pair) -> None:
    servers.primary.execute("CREATE ROLE nobody LOGIN")
    stranger = opened(servers.url.replace("mailgate@", "nobody@"))
    assert "GRANT pg_monitor" in told_of_the_standby(stranger)[1]
    servers.primary.execute("GRANT pg_monitor TO nobody")
    assert told_of_the_standby(stranger)[0]
    stranger.close()


def test_a_standby_is_not_taken_for_the_store(servers: Pair) -> None:
    standby = opened(servers.standby.url)
    with pytest.raises(TryLater, match="is a standby"):
        standby.check()
    standby.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_keep_what_it_commits_is_refused(store: Store, servers: Pair, setting: str) -> None:
    store.check()
    servers.primary.set(setting, "off")
    with pytest.raises(Refused, match=f"{setting}=off"):
        store.check()
    servers.primary.set(setting, "on")
    store.check()
