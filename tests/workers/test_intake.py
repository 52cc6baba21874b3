"""The intake on a real store: what becomes of a mail, and of a batch in which one mail is bad."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import text

from mailgate import decide
from mailgate.app import context_of, make_ready
from mailgate.model.config import Operator, Send
from mailgate.model.config import Store as StoreSettings
from mailgate.model.decision import Action
from mailgate.model.message import Envelope
from mailgate.store.engine import open_store
from mailgate.store.spool import claim, ingest_key, put
from mailgate.workers import intake as intake_module
from mailgate.workers.intake import Intake, independent
from mailgate.workers.loop import turn, work
from tests.make import HELPDESK, make_config, make_message, make_reading

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path):
    return make_config().model_copy(
        update={
            "operator": Operator(
                store=StoreSettings(url=f"sqlite:///{tmp_path}/mailgate.db"),
                send=Send(via=f"maildir:{tmp_path}/outbox"),
                keys=f"{tmp_path}/keys",
            )
        }
    )


@pytest.fixture
def store(config):
    opened = open_store(config.operator)
    make_ready(opened, config)
    yield opened
    opened.close()


@pytest.fixture
def queued():
    return count()


@pytest.fixture
def intake(store, config, queued):
    return Intake(store, context_of(config, store), lambda: NOW, queued=lambda: next(queued))


def arrive(store, number: int, words: str = "Please help", sender: str = "") -> None:
    sender = sender or f"person{number}@council.example"
    raw = (
        f"From: {sender}\r\nTo: {HELPDESK}\r\nSubject: {words} {number}\r\nMessage-ID: <m{number}@council.example>\r\n"
        f"\r\n{words} with matter number {number}.\r\n"
    ).encode()
    envelope = Envelope(sender, (HELPDESK,), NOW, vouched=True)
    with store.write() as tx:
        put(tx, [(ingest_key(envelope, raw), envelope, raw)])


def rows(store, query: str) -> list[tuple]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_each_mail_of_a_batch_gets_its_ticket_and_its_answer(store, intake, queued):
    for number in range(5):
        arrive(store, number)
    assert turn(intake) == 5
    assert turn(intake) == 0
    assert rows(store, "SELECT count(*) FROM tickets") == [(5,)]
    assert rows(store, "SELECT count(DISTINCT recipient) FROM outbox_mails WHERE message = 'more_needed'") == [(5,)]
    assert rows(store, "SELECT state, count(*) FROM spool GROUP BY state") == [("done", 5)]
    assert next(queued) > 0


def test_mails_of_one_sender_are_decided_one_after_the_other(store, intake):
    for number in (1, 2):
        arrive(store, number, words="Please reset my password", sender="ann@council.example")
    with store.read():
        claimed = intake.claim()
    settled = intake.handle(claimed)
    assert [done.decision.action for done in settled] == [Action.NEW_TICKET, Action.NEW_TICKET]


def test_the_time_of_a_mail_may_be_its_own(store, intake):
    arrive(store, 1)
    [done] = intake.handle(intake.claim(), now=lambda _: NOW - timedelta(days=3))
    assert done.now == NOW - timedelta(days=3)


def test_G2_a_mail_that_stops_us_is_kept_and_its_team_is_told_and_the_others_are_done(store, intake, monkeypatch):
    def stumbling(message, envelope, config, real=decide.read):
        if "13" in message.subject:
            raise ValueError(f"cannot take {message.subject}")
        return real(message, envelope, config)

    monkeypatch.setattr(intake_module.decide, "read", stumbling)
    for number in (1, 13, 2):
        arrive(store, number)
    turn(intake)
    assert rows(store, "SELECT state, error FROM spool ORDER BY id") == [
        ("done", ""),
        ("quarantined", "ValueError"),
        ("done", ""),
    ]
    [(reason,)] = rows(store, "SELECT reason FROM spool WHERE state = 'quarantined'")
    assert reason.startswith("ValueError at test_intake.py")
    assert "cannot take" not in reason
    assert rows(store, "SELECT subject FROM tickets WHERE requester = ''") == [("A mail that could not be read",)]
    told = rows(store, "SELECT recipient FROM outbox_mails WHERE message = 'unreadable'")
    assert told
    assert ("person13@council.example",) not in told


def test_G6_a_mail_that_ended_us_three_times_is_put_away_unread(store, intake, monkeypatch):
    arrive(store, 1)
    for _ in range(3):
        assert len(claim(store, 10, lease_seconds=-1)) == 1
    monkeypatch.setattr(intake_module, "parse", None)
    turn(intake)
    assert rows(store, "SELECT state, error FROM spool") == [("quarantined", "KilledUs")]


def test_a_mail_whose_lease_is_gone_changes_nothing(store, intake):
    arrive(store, 1)
    [late] = claim(store, 10, lease_seconds=-1)
    turn(intake)
    assert work(intake, [late]) == []
    assert rows(store, "SELECT count(*) FROM tickets") == [(1,)]


def test_mails_that_share_a_lock_are_in_different_groups_in_their_order():
    messages = [
        make_message(message_id="<1@x.example>", sender="a@x.example"),
        make_message(message_id="<2@x.example>", sender="b@x.example"),
        make_message(message_id="<3@x.example>", sender="c@x.example", in_reply_to=("<1@x.example>",)),
    ]
    read = [(number, make_reading(message=message)) for number, message in enumerate(messages)]
    assert [[number for number, _ in group] for group in independent(read)] == [[0, 1], [2]]
