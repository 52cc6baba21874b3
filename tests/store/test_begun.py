"""A process that is killed while it sends: of all it had claimed only the mail it was sending is in doubt."""

import os
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mailgate.errors import TryLater
from mailgate.store import outbox
from mailgate.store.begun import Ended
from mailgate.store.engine import Store
from mailgate.store.outbox import claim
from tests.store import made

SHARED = pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # where nodes share the store
MAILS, SENT = 32, 5
# Sends as a delivery does, and stands still in the middle of a mail.
SENDER = f"""
import sys, time
from datetime import UTC, datetime
from threading import Event
from mailgate.model.outbound import Doubt, Way
from mailgate.workers.delivery import Around, Delivery
from tests.store.conftest import opened

class Channel:
    longest_seconds, doubt, pace, sent = 2.0, Doubt.ONCE_MORE, None, 0
    def send(self, attempt):
        print(attempt.id, flush=True)
        if self.sent == {SENT}:
            time.sleep(60)
        self.sent += 1
        return ""
    def settle(self): ...

around = Around(opened(sys.argv[1]), lambda: datetime.now(UTC), lambda: 0.5, Event(), lambda *_: None)
Delivery(Way.MAIL, Channel(), around).turn()
"""


@pytest.fixture
def killed(store: Store) -> list[int]:
    """The mails that a process had begun when it was killed."""
    queued(store)
    command = [sys.executable, "-c", SENDER, store.engine.url.render_as_string(hide_password=False)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        begun = [int(line) for line in islice(process.stdout, SENT + 1)]
        os.kill(process.pid, signal.SIGKILL)
    return begun


def queued(store: Store) -> None:
    mails = [
        made.outbound(recipient=f"p{number}@x", message_id=f"<{number}@x>", cause=f"c{number}")
        for number in range(MAILS)
    ]
    with store.write() as tx:
        outbox.queue(tx, [outbox.Queued(mail, None, made.NOW, to_stranger=False) for mail in mails])


def run_out(store: Store) -> None:
    with store.write() as tx:
        tx.execute(text("UPDATE outbox SET run_at = 0 WHERE state = 'sending'"))


def by_state(store: Store) -> dict[tuple[str, int], set[int]]:
    """The mails by their state and how often they may have gone."""
    with store.read() as connection:
        rows = connection.execute(text("SELECT id, state, doubts FROM outbox")).all()
    return {state: {row.id for row in rows if (row.state, row.doubts) == state} for state in {row[1:] for row in rows}}


def test_E140_of_a_killed_process_only_the_mail_it_was_sending_is_in_doubt(store: Store, killed: list[int]) -> None:
    *sent, going = killed
    run_out(store)
    others = {attempt.id for attempt in claim(store, MAILS, 60)} - {going}
    assert len(others) == MAILS - SENT - 1
    assert by_state(store) == {("sent", 0): set(sent), ("sending", 1): {going}, ("sending", 0): others}


@SHARED
def test_who_stood_still_until_another_took_its_claim_over_begins_nothing_more(store: Store) -> None:
    queued(store)
    first, second, *_ = claim(store, MAILS, 60)
    store.begun.begin(first.token, first.id)
    store.begun.end(first.token, first.id, Ended.SENT)
    run_out(store)
    claim(store, MAILS, 60)
    with pytest.raises(TryLater, match="another node"):
        store.begun.begin(second.token, second.id)
    store.begun.close(first.token)


def test_a_claim_that_failed_in_the_middle_leaves_nothing_in_doubt(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(store)
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "_TAKEN", text("SELECT no_such_column"))
        with pytest.raises(DBAPIError):
            claim(store, MAILS, 60)
    run_out(store)
    assert len(claim(store, MAILS, 60)) == MAILS
    assert set(by_state(store)) == {("sending", 0)}


@SHARED
def test_where_the_database_broke_down_everything_that_was_claimed_is_in_doubt(store: Store) -> None:
    queued(store)
    attempt, *_ = claim(store, MAILS, 60)
    store.begun.begin(attempt.token, attempt.id)
    with store.write() as tx:
        tables = "SELECT relpersistence FROM pg_class WHERE relname = 'begun'"
        assert tx.execute(text(tables)).scalar_one() == "u"  # PostgreSQL empties it then
        tx.execute(text("TRUNCATE begun"))
    with pytest.raises(TryLater, match="the database was away"):
        store.begun.begin(attempt.token, attempt.id + 1)
    run_out(store)
    claim(store, MAILS, 60)
    assert set(by_state(store)) == {("sending", 1)}
