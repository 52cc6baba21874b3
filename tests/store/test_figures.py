"""What an operator watches, and what is on one side only, on both engines."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from mailgate.model.decision import Decision, Ignore
from mailgate.model.outbound import SendState
from mailgate.model.reading import Match, Trace
from mailgate.store import compare, figures, outbox, spool
from mailgate.store.apply import Notice, alert
from mailgate.store.engine import Store
from mailgate.tickets import canary
from mailgate.tickets.token import Keys
from tests.store import made
from tests.store.made import HELPDESK, NOW

HOUR = timedelta(hours=1)
KEYS = Keys("a", {"a": b"k" * 32})


def figured(store: Store) -> figures.Figures:
    with store.read() as connection:
        return figures.figures(connection)


def differences(store: Store, now=NOW) -> list[str]:
    with store.read() as connection:
        return [what for what, _ in compare.one_sided(connection, 0, now)]


def changed(store: Store, statement: str) -> None:
    with store.write() as tx:
        tx.execute(text(statement))


def test_an_empty_store_has_nothing_to_tell(store: Store) -> None:
    none = {"ready": 0, "sending": 0, "uncertain": 0, "failed": 0, "held": 0, "gathering": 0}
    assert figured(store) == figures.Figures(0, None, 0, none, None)
    assert differences(store) == []


def test_what_waits_is_counted_with_the_age_of_the_oldest(store: Store) -> None:
    made.put(store, b"1")
    held = made.spooled(store)  # claims the first
    made.put(store, b"2")
    spool.release(store, [held], 60)
    made.opened(store)
    found = figured(store)
    assert (found.oldest_waiting_at, found.quarantined) == (NOW, 0)
    assert (found.waiting, found.outbox["ready"], found.oldest_ready_at) == (3, 1, NOW)


def test_mails_of_ours_that_need_a_person_are_counted_by_state(store: Store) -> None:
    made.opened(store)
    (attempt,) = outbox.claim(store, 1, 60)
    assert figured(store).outbox["sending"] == 1
    outbox.record(store, [outbox.Result(attempt, SendState.FAILED)], NOW)
    assert figured(store).outbox == {"ready": 0, "sending": 0, "uncertain": 0, "failed": 1, "held": 0, "gathering": 0}


def test_mails_of_an_hour_are_counted_by_mailbox_without_canaries(store: Store) -> None:
    made.opened(store)
    made.applied(store, made.ignored(made.spooled(store), made.reading(message_id="<canary.1@council.example>")))
    with store.read() as connection:
        assert figures.accepted_between(connection, NOW - HOUR, NOW + HOUR) == {HELPDESK: 1}
        assert figures.accepted_between(connection, NOW - HOUR, NOW) == {}
        assert figures.first_mail_at(connection) == NOW


def test_a_canary_is_back_as_soon_as_its_mail_is_decided(store: Store) -> None:
    sent = [canary.compose(HELPDESK, HELPDESK, KEYS, NOW - age * HOUR) for age in (3, 2, 1, 30)]
    queued = [outbox.Queued(mail, None, NOW - age * HOUR, False) for age, mail in zip((3, 2, 1, 30), sent, strict=True)]
    for _ in range(2):  # the second time is another process
        with store.write() as tx:
            outbox.queue(tx, queued)
    made.applied(store, made.ignored(made.spooled(store), made.reading(message_id=sent[1].message_id)))
    with store.read() as connection:
        found = figures.canaries(connection, HELPDESK.upper(), NOW)
    assert [(each.sent_at, each.returned_at) for each in found] == [
        (NOW - HOUR, None),
        (NOW - 2 * HOUR, NOW),
        (NOW - 3 * HOUR, None),
    ]


def test_old_canaries_are_forgotten_with_all_that_came_back_of_them(store: Store) -> None:
    sent = [canary.compose(HELPDESK, HELPDESK, KEYS, NOW - timedelta(days=days)) for days in (40, 31, 1)]
    with store.write() as tx:
        outbox.queue(tx, [outbox.Queued(mail, None, NOW, False) for mail in sent])
    made.applied(store, *(made.ignored(made.spooled(store), made.reading(message_id=mail.message_id)) for mail in sent))
    made.opened(store, what=made.reading(message_id=sent[0].message_id))  # somebody's who copied the Message-ID
    for _ in range(2):
        with store.write() as tx:
            figures.forget_canaries(tx, NOW - timedelta(days=30))
    with store.read() as connection:
        left = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("messages", "spool", "raw_mails", "outbox", "outbox_mails", "tickets")
        }
    assert left == {"messages": 2, "spool": 2, "raw_mails": 2, "outbox": 2, "outbox_mails": 2, "tickets": 1}


def test_whatever_lost_its_counterpart_is_told(store: Store) -> None:
    made.opened(store)
    made.put(store, b"waits")
    assert differences(store, NOW + HOUR) == []
    assert differences(store, NOW + 2 * HOUR) == ["has waited for more than an hour"]
    aside = made.spooled(store)
    with store.deciding(()) as connection, store.writing(connection) as tx:
        spool.set_aside(tx, aside, "why", "Error", NOW)
    assert differences(store) == ["is in quarantine, and no ticket tells of it"]
    changed(store, "DELETE FROM outbox")
    changed(store, "DELETE FROM messages")
    changed(store, f"DELETE FROM spool WHERE id = {aside.id}")
    assert sorted(differences(store)) == [
        "is finished, but was never decided",
        "is stored, but nobody will ever handle it",
        "of ours was written, but nobody will ever send it",
    ]


def test_a_key_is_found_by_its_beginning(store: Store) -> None:
    key = made.put(store)
    with store.read() as connection:
        assert compare.is_stored(connection, key[:16])
        assert not compare.is_stored(connection, "0" * 16)


def test_an_alert_is_one_ticket_a_day(store: Store) -> None:
    def told(ref: str, days: int = 0) -> bool:
        at = NOW + timedelta(days=days)
        return alert(store, "reconcile", at.date(), Notice(made.draft(subject="x"), ref, (made.outbound(ref),)), at)

    assert [told("MG-7K3F-99"), told("MG-7K3F-98"), told("MG-7K3F-97", 1), told("MG-7K3F-96")] == [
        True,
        False,
        True,
        False,
    ]
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*), count(opened_by) FROM tickets")).one() == (2, 0)
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar_one() == 2


def test_what_is_looked_up_uses_an_index(store: Store) -> None:
    if store.is_shared:
        return  # PostgreSQL chooses by size, and these tables are empty
    queries = (
        "SELECT mailbox, count(*) FROM messages WHERE received_at >= 1 AND received_at < 2 GROUP BY mailbox",
        "SELECT state, count(*) FROM outbox WHERE state IN ('uncertain', 'failed') GROUP BY state",
    )
    with store.read() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all() for query in queries]
    assert "ix_messages_received_at" in str(plans[0])
    assert "ix_outbox_stuck" in str(plans[1])


def test_the_rules_that_fitted_a_mail_are_known_by_their_names(store: Store) -> None:
    fitted = Match("rule", "From outside", effect="tag: external")
    traces: list[Trace] = [(Match("classify", "rule"),), (Match("classify", "a.b"), fitted)]
    for trace in traces:
        made.applied(store, replace(made.ignored(made.spooled(store)), decision=Decision(Ignore("x"), "v1", trace)))
    with store.read() as connection:
        assert figures.fitted_rules(connection, made.NOW - HOUR) == (2, frozenset({"From outside"}))
        assert figures.fitted_rules(connection, made.NOW + HOUR) == (0, frozenset())
