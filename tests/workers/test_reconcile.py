"""The store beside the relay's log and an account's folders, the nightly alert, and missing canaries."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mailgate.app import context_of, make_ready
from mailgate.errors import TryLater
from mailgate.ingest.relaylog import HandedOver
from mailgate.model.folder import Listed
from mailgate.model.operator import Operator, Send
from mailgate.model.operator import Store as StoreSettings
from mailgate.model.people import Person
from mailgate.store import people
from mailgate.store.engine import open_store
from mailgate.store.figures import Canary
from mailgate.workers.alerts import Alerts
from mailgate.workers.canary import Canaries, is_missing
from mailgate.workers.reconcile import (
    Account,
    Difference,
    Nightly,
    compared,
    summary,
    with_account,
    with_objects,
    with_relay,
)
from mailgate.workers.watch import Watched
from tests.make import HELPDESK, make_config
from tests.store import made

NOW = made.NOW
HOUR = timedelta(hours=1)


@pytest.fixture
def config(tmp_path):
    settings = Operator(
        store=StoreSettings(url=f"sqlite:///{tmp_path}/mailgate.db", raw=f"{tmp_path}/raw"),
        send=Send(via=f"maildir:{tmp_path}/outbox"),
        keys=f"{tmp_path}/keys",
    )
    return make_config().model_copy(update={"operator": settings})


@pytest.fixture
def store(config):
    opened = open_store(config.operator)
    make_ready(opened, config)
    yield opened
    opened.close()


@pytest.fixture
def alerts(store, config):
    return Alerts(store, context_of(config, store))


class Filled:
    """An account's folders that a test fills."""

    def __init__(self, *mails: Listed) -> None:
        self._mails = mails

    def listing(self, since: datetime | None):
        return self._mails

    def close(self) -> None:
        pass


def away() -> Filled:
    raise TryLater("it does not answer")


def rows(store, query: str) -> list[tuple]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_the_relay_handed_over_and_we_lack_is_told(store):
    key = made.put(store)
    log = [HandedOver(NOW - HOUR, "AAAAAAA", key[:16]), HandedOver(NOW + HOUR, "BBBBBBB", "0" * 16)]
    assert [(each.side, each.which) for each in with_relay(store, None, log)] == [
        ("relay", f"queue id BBBBBBB, key {'0' * 16}")
    ]
    assert with_relay(store, NOW + 2 * HOUR, log) == []


def test_what_the_log_does_not_name_is_told_unless_its_received_id_is_there(store):
    key = made.put(store, b"Received: by relay with ESMTP id CCCCCCC\r\n\r\nthe reply was lost\r\n")
    other = made.put(store, b"Subject: from nowhere\r\n\r\n")
    log = [HandedOver(NOW - HOUR, "CCCCCCC", key[:16]), HandedOver(NOW + HOUR, "CCCCCCC", key[:16])]
    assert [each.which for each in with_relay(store, None, log)] == [f"mail 2, key {other[:16]}"]


def test_an_account_is_compared_folder_by_folder(store):
    made.applied(store, made.ignored(made.spooled(store), made.reading(message_id="<here@council.example>")))
    made.applied(store, made.ignored(made.spooled(store), made.reading(message_id="<gone@council.example>")))
    with store.write() as tx:
        tx.execute(text("UPDATE raw_mails SET source = 'imap'"))
    folders = Filled(
        Listed("Processed", 1, "<here@council.example>", NOW - HOUR),
        Listed("Processed", 2, "<lost@council.example>", NOW - HOUR),
        Listed("INBOX", 3, "<new@council.example>", NOW - HOUR / 2),
        Listed("INBOX", 4, "<old@council.example>", NOW - 2 * HOUR),
        Listed("Failed", 5, "", NOW),
    )
    found = with_account(store, None, Account(HELPDESK, "INBOX", lambda: folders), NOW)
    assert [(each.side, each.which) for each in found] == [
        (f"account {HELPDESK}", "folder Processed, UID 2"),
        (f"account {HELPDESK}", "folder INBOX, UID 4"),
        ("store", "mail 2"),
    ]


def test_contents_and_mails_are_compared_both_ways(store):
    def kept(name: str) -> str:
        incoming = store.objects.begin()
        incoming.write(b"large")
        incoming.finish(name)
        return name

    here, gone, alone = (f"{number:064x}-{number:016x}" for number in (1, 2, 3))
    mail_ids = [made.spooled(store).id for _ in range(2)]
    with store.write() as tx:
        for mail_id, name in zip(mail_ids, (here, gone), strict=True):
            tx.execute(text(f"UPDATE raw_mails SET location = '{name}' WHERE id = {mail_id}"))
    kept(here), kept(alone)
    assert [each.which for each in with_objects(store, None, datetime.now(UTC))] == [f"mail {mail_ids[1]}"]
    later = datetime.now(UTC) + timedelta(days=2)
    assert [each.which for each in with_objects(store, None, later)] == [f"mail {mail_ids[1]}", alone]


def test_an_account_that_does_not_answer_was_not_compared(store):
    (found,) = compared(store, None, NOW, accounts=[Account(HELPDESK, "INBOX", away)])
    assert found.what == "It could not be compared: it does not answer"


def test_a_night_with_differences_opens_one_ticket_with_counts(store, alerts):
    with store.write() as tx:
        people.put(tx, [Person("cleo.marsh@council.example", "Cleo Marsh", "agent", "Service Desk", team="desk")])
    made.put(store)
    watched = Watched()
    nightly = Nightly(store, alerts, (), lambda: NOW + 3 * HOUR, watched)
    nightly.turn()
    nightly.turn()
    assert watched.differences == 1
    assert rows(store, "SELECT subject, team, requester FROM tickets") == [("Mail on one side only", "desk", "")]
    told = rows(store, "SELECT recipient, message FROM outbox_mails ORDER BY recipient")
    assert told == [("cleo.marsh@council.example", "alert"), ("lena.brook@council.example", "alert")]
    (content,) = rows(store, "SELECT content FROM outbox_mails LIMIT 1")[0]
    assert b"1 known only to the store" in content.replace(b"=\r\n", b"")


def test_a_night_without_differences_says_nothing(store, alerts):
    watched = Watched()
    Nightly(store, alerts, (), lambda: NOW, watched).turn()
    assert watched.differences == 0
    assert rows(store, "SELECT count(*) FROM tickets") == [(0,)]


def test_a_summary_counts_by_side():
    found = [Difference("relay", "a", "x"), Difference("store", "b", "x"), Difference("relay", "c", "x")]
    assert summary(found).startswith("2 known only to the relay, 1 known only to the store.")


@pytest.mark.parametrize(
    ("sent", "missing"),
    [
        ([], False),
        ([(1, None)], False),
        ([(3, None)], True),
        ([(1, None), (2.5, None), (4, 4)], True),
        ([(1, 1), (2.5, None)], False),
    ],
)
def test_a_canary_is_missing_after_two_hours_unless_a_later_one_is_back(sent, missing):
    canaries = [Canary(NOW - ago * HOUR, None if back is None else NOW - back * HOUR) for ago, back in sent]
    assert is_missing(canaries, NOW) is missing


def test_canaries_are_sent_each_hour_and_missed_after_two(store, alerts, config):
    times = [datetime(2026, 11, 23, hour, 5, tzinfo=UTC) for hour in (8, 8, 9, 10, 11)]
    for at in times:
        Canaries(store, alerts.context, alerts, lambda at=at: at).turn()
    sent = rows(store, "SELECT recipient, cause FROM outbox_mails WHERE message = 'canary' ORDER BY cause")
    assert sent == [(HELPDESK, f"2026-11-23T{hour:02}") for hour in (8, 9, 10, 11)]
    assert rows(store, "SELECT subject FROM tickets") == [("Mail may not be arriving",)]
