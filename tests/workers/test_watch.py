"""Quieter, louder, about to end: what the operator hears before a user notices."""

from datetime import UTC, datetime, timedelta

import pytest

from mailgate.errors import TryLater
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.store.engine import open_store
from mailgate.store.schema import upgrade
from mailgate.workers.watch import Hour, Watch, Watched, hours
from tests.make import HELPDESK
from tests.store import made

NOW = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    found = open_store(Operator(store=StoreSettings(url=f"sqlite:///{tmp_path}/mailgate.db")))
    upgrade(found)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("mails", "usual", "quieter", "louder"),
    [(0, 10, True, False), (2, 10, True, False), (3, 10, False, False), (0, 9, False, False), (31, 10, False, True),
     (30, 10, False, False), (19, 1, False, False), (20, 0, False, True)],
)  # fmt: skip
def test_only_what_is_far_from_usual_is_told(mails, usual, quieter, louder):
    hour = Hour(mails, usual)
    assert (hour.is_quieter, hour.is_louder) == (quieter, louder)


def test_an_hour_is_compared_with_the_average_of_the_weeks_before():
    assert hours(["a"], [{"a": 1}, {"a": 10}, {}, {"a": 20}, {"b": 1}]) == {"a": Hour(1, 7.5)}
    assert hours(["a"], [{"a": 1}]) == {}


def test_the_weeks_before_the_first_mail_do_not_count(store):
    def arrived(ago: timedelta) -> None:
        made.applied(store, made.ignored(made.spooled(store)))
        with store.write() as tx:
            tx.exec_driver_sql(
                "UPDATE messages SET received_at = ? WHERE id = (SELECT max(id) FROM messages)",
                (int((NOW - ago).timestamp() * 1_000_000),),
            )

    for ago in (timedelta(weeks=2, hours=3), *[timedelta(weeks=2, hours=1)] * 2, timedelta(weeks=1, minutes=50)):
        arrived(ago)
    watched = Watched()
    Watch(store, [HELPDESK], {}, lambda: NOW, watched, None).hour()
    assert watched.hours == {HELPDESK: Hour(0, 1.5)}


def test_a_mailbox_that_falls_silent_is_told(store):
    for _ in range(12):
        made.applied(store, made.ignored(made.spooled(store)))
    week_ago = int((NOW - timedelta(weeks=1, minutes=50)).timestamp() * 1_000_000)
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE messages SET received_at = ?", (week_ago,))
        tx.exec_driver_sql("UPDATE messages SET received_at = received_at - 3600000000 WHERE id = 1")
    told = []
    Watch(store, [HELPDESK], {}, lambda: NOW, Watched(), lambda *what: told.append(what)).hour()
    ((name, subject, detail, _),) = told
    assert (name, subject) == (f"quieter {HELPDESK}", "A mailbox is far quieter than usual")
    assert "0 mails came" in detail
    assert "11 are usual" in detail


def test_days_left_are_told_and_what_does_not_answer_is_left_out(store):
    def away():
        raise TryLater("it is away")

    ends = {"smtp.tls": lambda: NOW + timedelta(days=12), "send.via": away, "none": lambda: None}
    watched, told = Watched(), []
    Watch(store, [], ends, lambda: NOW, watched, lambda *what: told.append(what)).expiries()
    assert watched.days_left == {"smtp.tls": 12}
    ((name, _, detail, _, day),) = told
    assert (name, day.weekday()) == ("expires smtp.tls", 0)
    assert "2026-12-05" in detail
