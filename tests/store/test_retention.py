"""What is due is forgotten in stages; nothing of what is open, held or still needed; a dry run counts the same."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from mailgate.model.keeping import Keep
from mailgate.model.outbound import SendState
from mailgate.model.ticket import Change, Event, Status
from mailgate.store import cases, forgotten, history, holds, outbox, outgoing, retention, search, spool
from mailgate.store.apply import quarantine
from mailgate.store.engine import Store
from mailgate.store.tables import (
    attachments,
    events,
    messages,
    metadata,
    outbox_mails,
    participants,
    people,
    raw_mails,
    ticket_keys,
    tickets,
)
from mailgate.store.tables import outbox as outbox_rows
from tests.store import made

KEEP = Keep()
REFS = ("MG-AAAA-AA", "MG-BBBB-BB", "MG-CCCC-CC")
WORDS, PEOPLE, HISTORY = timedelta(days=91), timedelta(days=740), timedelta(days=366 * 6 + 2)


def run(store: Store, **more: Any) -> dict[str, int]:
    keep, now = more.pop("keep", KEEP), more.pop("now", made.NOW)
    return {
        name: count for name, count in retention.run(store, keep, now, rests=lambda _: None, **more).items() if count
    }


def closed(store: Store, ref: str = REFS[0], ago: timedelta = WORDS, **more: Any) -> Any:
    """A ticket that was closed so long ago, as its row; its mails have been sent."""
    what = made.reading(keys=("A12345",), subject="a screen", text="xylophone", reply_text="xylophone")
    ticket = made.opened(store, ref, what, **more)
    with store.write() as tx:
        ended = {"status": Status.DONE, "closed_at": made.NOW - ago}
        tx.execute(update(tickets).where(tickets.c.id == ticket.id).values(ended))
        ours = select(outbox_mails.c.id).where(outbox_mails.c.ticket_id == ticket.id)
        tx.execute(update(outbox_rows).where(outbox_rows.c.id.in_(ours)).values(state=SendState.SENT))
        tx.execute(update(messages).where(messages.c.ticket_id == ticket.id).values(received_at=made.NOW - ago))
    return row_of(store, ref)


def row_of(store: Store, ref: str = REFS[0]) -> Any:
    with store.read() as connection:
        return connection.execute(select(tickets).where(tickets.c.ref == ref)).one()


def every(store: Store) -> dict[str, list[Any]]:
    with store.read() as connection:
        return {name: sorted(map(tuple, connection.execute(select(table)).all()), key=repr)
                for name, table in metadata.tables.items()}  # fmt: skip


def test_the_words_of_mails_go_first_and_the_ticket_stays(store: Store) -> None:
    ticket = closed(store)
    assert run(store) == {"mails": 1, "our_mails": 1}
    with store.read() as connection:
        mail = connection.execute(select(messages)).one()
        raw = connection.execute(select(raw_mails)).one()
        sent = connection.execute(select(outbox_mails)).one()
        assert search.found(connection, "xylophone") == []
        assert history.verify(connection, ticket.ref) is None
        told = connection.execute(select(events).order_by(events.c.serial.desc())).first()
    assert (mail.subject, mail.text, mail.reply_text, mail.known, mail.trace) == ("", "", "", None, [])
    assert (mail.sender, bool(mail.message_id), bool(mail.fingerprint)) == (made.ANN, True, True)
    assert (raw.content, raw.sender, raw.recipients) == (b"", "", [])
    assert (sent.content, sent.subject, sent.recipient) == (b"", "", made.ANN)
    assert (told.what, json.loads(told.data)) == ("forgotten", {"what": "mail_and_attachments", "mails": 1})
    assert row_of(store).subject == "a broken screen"
    assert run(store) == {}


def test_after_two_years_numbers_stay(store: Store) -> None:
    with store.write() as tx:
        tx.execute(insert(people), {"address": made.ANN, "name": "Ann", "role": "", "unit": "Depot", "team": ""})
    ticket = closed(store, ago=PEOPLE)
    assert run(store)["tickets"] == 1
    left = row_of(store)
    assert (left.requester, left.subject, left.keys, left.fields, left.assignee) == ("", "", [], {}, None)
    kept = ("team", "category", "task", "priority", "received_at", "closed_at", "status", "ref")
    assert all(left._mapping[name] == ticket._mapping[name] for name in kept)
    assert left.office == "Depot"
    with store.read() as connection:
        for table in (participants, ticket_keys, outbox_mails):
            assert connection.execute(select(table)).all() == []
        assert history.verify(connection, ticket.ref) is None


@pytest.mark.parametrize("ago", [PEOPLE, HISTORY])
def test_reports_count_what_became_numbers(store: Store, ago: timedelta) -> None:
    ticket = made.opened(store, REFS[0])
    chased = Event("chased", "sender", {}, {"from": made.ANN})
    made.applied(store, made.follow_up(made.spooled(store), ticket, events=(chased,)))
    with store.write() as tx:
        tx.execute(update(tickets).values(status=Status.DONE, closed_at=made.NOW - ago))
        tx.execute(update(outbox_rows).values(state=SendState.SENT))
    period = cases.Period(made.NOW - timedelta(days=9000), made.NOW + timedelta(days=1))
    with store.read() as connection:
        before = cases.of_period(connection, period, made.CONFIG)
    assert run(store)["tickets"] == 1
    with store.read() as connection:
        after = cases.of_period(connection, period, made.CONFIG)
    assert len(after) == len(before[0].chased) == 1
    counted = [(each.ref, each.team, each.closed_at, each.unit, each.chased) for each in (*before, *after)]
    assert counted[0] == counted[1]


def test_after_six_years_the_history_is_gone_and_that_is_on_record(store: Store) -> None:
    ticket = closed(store, ago=HISTORY)
    assert run(store) == {"mails": 1, "our_mails": 1, "tickets": 1, "histories": 1, "events": ticket.events}
    with store.read() as connection:
        assert connection.execute(select(events)).all() == []
        assert forgotten.of_tickets(connection, [ticket.id])[ticket.id][0].hash == ticket.head
        assert forgotten.verify(connection) is None
        assert history.verify(connection, ticket.ref) is None


def test_fingerprints_go_after_a_year_and_until_then_a_mail_is_known_again(store: Store) -> None:
    closed(store, REFS[0])
    closed(store, REFS[1], ago=timedelta(days=1))  # the newest mail stays in any case
    run(store)
    with store.read() as connection:
        message_id = connection.scalar(select(messages.c.message_id).order_by(messages.c.id).limit(1))
    (again,) = made.looked_up(store, made.reading(message_id=message_id))
    assert again.same_id.ticket.ref == REFS[0]
    assert run(store, now=made.NOW + timedelta(days=200)) != {}
    assert run(store, now=made.NOW + timedelta(days=280)) == {"fingerprints": 1}
    (again,) = made.looked_up(store, made.reading(message_id=message_id))
    assert again.same_id is None


def test_a_mail_that_is_resent_after_its_words_went_is_not_done_twice(store: Store) -> None:
    raw = b"Subject: once\r\n\r\nonce\r\n"
    key = made.put(store, raw)
    (mail,) = spool.claim(store, 1, 60)
    made.applied(store, made.ignored(mail))
    with store.write() as tx:
        tx.execute(update(messages).values(received_at=made.NOW - timedelta(days=31)))
    assert run(store) == {"ignored_mails": 1}
    assert made.put(store, raw) == key
    assert spool.claim(store, 1, 60) == ()


def test_what_was_sent_about_no_ticket_goes_after_a_month(store: Store) -> None:
    queued = outbox.Queued(made.outbound(message="digest"), None, made.NOW - timedelta(days=31), to_stranger=False)
    with store.write() as tx:
        outbox.queue(tx, [queued])
    assert run(store) == {}  # it has not left
    with store.write() as tx:
        tx.execute(update(outbox_rows).values(state=SendState.SENT))
    assert run(store) == {"our_mails": 1}


def quarantined(store: Store) -> int:
    mail = made.spooled(store)
    quarantine(store, mail, "a reason", "Error", made.NOW - timedelta(days=31))
    made.put(store)
    return mail.id


def test_quarantine_goes_after_a_month(store: Store) -> None:
    number = quarantined(store)
    assert run(store) == {"quarantined_mails": 1}
    with store.read() as connection:
        assert number not in connection.scalars(select(raw_mails.c.id)).all()


@pytest.mark.parametrize("keeps", ["an open ticket", "a hold"])
def test_quarantine_waits_for_the_ticket_that_tells_of_it(store: Store, keeps: str) -> None:
    number = quarantined(store)
    ticket = made.opened(store)
    with store.write() as tx:
        ended = {} if keeps == "an open ticket" else {"closed_at": made.NOW}
        tx.execute(update(tickets).where(tickets.c.id == ticket.id).values(opened_by=number, **ended))
    if keeps == "a hold":
        holds.hold(store, ticket.ref, "why", "lena", made.NOW)
    assert run(store) == {}


def test_a_mailbox_may_keep_for_another_time(store: Store) -> None:
    longer = {"mail_and_attachments": "1 year after the ticket is closed"}
    closed(store)
    assert run(store, keep=Keep.model_validate({"mailboxes": {made.HELPDESK: longer}})) == {}
    assert run(store) != {}


# ------------------------------------------------------------------ what is never touched


def test_the_mail_of_an_open_ticket_stays_though_it_opened_another_one_too(store: Store) -> None:
    old = closed(store, REFS[0])
    made.opened(store, REFS[1])
    with store.write() as tx:
        tx.execute(update(tickets).where(tickets.c.ref == REFS[1]).values(opened_by=old.opened_by))
    assert run(store) == {}


@pytest.mark.parametrize("column", ["merged_into", "parent"])
@pytest.mark.parametrize("open_one", [0, 1])
def test_parts_wait_for_their_whole_and_a_whole_for_its_parts(store: Store, column: str, open_one: int) -> None:
    both = [closed(store, ref) for ref in REFS[:2]]
    with store.write() as tx:
        tx.execute(update(tickets).where(tickets.c.id == both[0].id).values({column: both[1].id}))
        tx.execute(update(tickets).where(tickets.c.id == both[open_one].id).values(closed_at=None, status="open"))
    assert run(store) == {}


def test_a_mail_of_ours_that_has_still_to_leave_keeps_its_ticket(store: Store) -> None:
    closed(store)
    with store.write() as tx:
        tx.execute(update(outbox_rows).values(state=SendState.HELD))
    assert run(store) == {}


def test_a_mail_whose_words_are_gone_is_not_sent_again(store: Store) -> None:
    closed(store)
    with store.write() as tx:
        tx.execute(update(outbox_rows).values(state=SendState.FAILED))
    run(store)
    with store.read() as connection:
        number = connection.scalar(select(outbox_rows.c.id))
    with pytest.raises(Exception, match="words are kept no longer"):
        outgoing.retry(store, number)


@pytest.mark.parametrize("value", ["A12345", REFS[0]])
def test_what_is_held_is_kept_until_it_is_released(store: Store, value: str) -> None:
    closed(store, ago=HISTORY)
    assert holds.hold(store, value, "a claim", "lena", made.NOW) == 1
    assert run(store) == {}
    with store.read() as connection:
        assert [each["tickets"] for each in holds.listing(connection)] == [1]
    assert holds.release(store, value, "lena", made.NOW) == 1
    assert run(store)["histories"] == 1


def test_a_hold_on_a_case_holds_for_tickets_to_come(store: Store) -> None:
    holds.hold(store, "A12345", "a claim", "lena", made.NOW)
    closed(store)
    assert run(store) == {}


def test_what_comes_to_a_ticket_that_was_forgotten_is_forgotten_in_its_turn(store: Store) -> None:
    closed(store)
    run(store)
    thanks = made.reading(text="thanks a lot", reply_text="thanks a lot")
    mail = made.follow_up(made.spooled(store), made.ticket(store, REFS[0]), thanks)
    made.applied(store, mail)
    assert run(store)["mails"] == 1


def test_a_ticket_that_is_open_again_is_left_alone(store: Store) -> None:
    closed(store)
    run(store)
    again = Change(made.ticket(store, REFS[0]), Status.OPEN)
    made.applied(store, made.follow_up(made.spooled(store), again.ticket, changes=(again,)))
    assert row_of(store).closed_at is None
    assert run(store, now=made.NOW + timedelta(days=400)) == {}


# ------------------------------------------------------------------ as a whole

AGES = st.sampled_from([None, timedelta(days=5), WORDS, PEOPLE, HISTORY])
CASES = st.fixed_dictionaries(
    {
        "ages": st.tuples(AGES, AGES, AGES),
        "held": st.sampled_from([None, *REFS]),
        "merged": st.sampled_from([None, (0, 1), (1, 2), (2, 0)]),
        "waits": st.sampled_from([None, 0, 1, 2]),
    }
)


def prepared(store: Store, case: dict[str, Any]) -> list[Any]:
    with store.write() as tx:
        for table in reversed(metadata.sorted_tables):
            if table.name != "instance":
                tx.execute(table.delete())
    rows = [closed(store, ref, ago or timedelta()) for ref, ago in zip(REFS, case["ages"], strict=True)]
    with store.write() as tx:
        for row, ago in zip(rows, case["ages"], strict=True):
            if ago is None:
                tx.execute(update(tickets).where(tickets.c.id == row.id).values(closed_at=None, status="open"))
        if case["merged"]:
            part, whole = (rows[each].id for each in case["merged"])
            tx.execute(update(tickets).where(tickets.c.id == part).values(merged_into=whole))
        if case["waits"] is not None:
            ours = select(outbox_mails.c.id).where(outbox_mails.c.ticket_id == rows[case["waits"]].id)
            tx.execute(update(outbox_rows).where(outbox_rows.c.id.in_(ours)).values(state=SendState.READY))
    if case["held"]:
        holds.hold(store, case["held"], "why", "lena", made.NOW)
    return rows


def kept(case: dict[str, Any]) -> Iterable[int]:
    """The places of the tickets that nothing may happen to."""
    stays = {place for place, ago in enumerate(case["ages"]) if ago is None or ago < WORDS}
    stays |= {REFS.index(case["held"])} if case["held"] else set()
    stays |= {case["waits"]} - {None}
    pair = set(case["merged"] or ())
    return stays | (pair if pair & stays else set())


def about(store: Store, ticket_id: int) -> list[Any]:
    """Everything that stands about one ticket."""
    with store.read() as connection:
        own = select(messages.c.id).where(messages.c.ticket_id == ticket_id)
        queries = [select(tickets).where(tickets.c.id == ticket_id)]
        queries += [select(table).where(table.c.ticket_id == ticket_id)
                    for table in (messages, events, participants, ticket_keys, outbox_mails)]  # fmt: skip
        queries += [select(raw_mails).where(raw_mails.c.id.in_(own)), select(attachments)]
        return [sorted(map(tuple, connection.execute(query).all()), key=repr) for query in queries]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=CASES)
def test_nothing_of_what_is_open_held_or_pending_is_touched_and_a_dry_run_counts_the_same(
    store: Store, case: dict[str, Any]
) -> None:
    rows = prepared(store, case)
    before, everything = [about(store, row.id) for row in rows], every(store)
    counted = run(store, dry=True)
    assert every(store) == everything
    assert run(store) == counted
    for place in kept(case):
        assert about(store, rows[place].id) == before[place]
    assert {name for name in run(store) if name != "fingerprints"} == set()


def test_a_run_that_was_stopped_anywhere_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST", 1)
    for ref in REFS:
        closed(store, ref, ago=PEOPLE)
    counted, total = run(store, dry=True), {}
    for _ in range(40):
        turns = iter([True, True, False])
        for name, count in run(store, goes_on=lambda turns=turns: next(turns, False)).items():
            total[name] = total.get(name, 0) + count
    stopped = {name: count for name, count in total.items() if name != "fingerprints"}
    assert stopped.items() <= counted.items()
