"""What was sealed cannot be changed unnoticed by somebody who has the database (S77)."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event, select, text, update

from mailgate.model.keeping import Keep
from mailgate.model.ticket import Event
from mailgate.store import erasure, forgotten, retention, spool
from mailgate.store.engine import Store
from mailgate.store.erasing import Target
from mailgate.store.history import Head, append, chained, followed
from mailgate.store.objects import Folder
from mailgate.store.seals import last, seal_all
from mailgate.store.tables import events, sealed_heads, seals, tickets
from mailgate.store.verification import Verification
from mailgate.tickets.seal import keys_from
from mailgate.tickets.token import Keys
from mailgate.tickets.tombstone import Erased
from tests.store import made
from tests.store.test_retention import HISTORY, closed

KEYS = keys_from({"a": b"k" * 32})
REFS = ("MG-7K3F-99", "MG-2346-7T", "MG-8L4G-12")


def sealed(store: Store, keys: dict[str, bytes] = KEYS) -> list[str]:
    return [str(each) for each in seal_all(store, keys, made.NOW, 9)]


def found(store: Store, *written_down: str, keys: dict[str, bytes] = KEYS) -> list[str]:
    kept = {int(number): bytes.fromhex(seal) for number, _, seal in (each.partition(":") for each in written_down)}
    return [f"{each.where} {each.what}" for each in Verification(store, keys, kept).findings()]


def happens(store: Store, ref: str, *what: str) -> None:
    with store.write() as tx:
        ticket_id = tx.execute(select(tickets.c.id).where(tickets.c.ref == ref)).scalar_one()
        append(tx, ticket_id, [Event(each, "cleo@x", {"a": 1}, {"note": "ü"}) for each in what], made.NOW)


def tampered(store: Store, *statements: str) -> None:
    with store.write() as tx:
        for statement in statements:
            tx.execute(text(statement))


@pytest.fixture
def three(store: Store) -> Store:
    """Three tickets under seals 1 and 2: the first has events of both, the last one that no seal covers yet."""
    for ref in REFS:
        made.opened(store, ref)
        happens(store, ref, "noted")
    sealed(store)
    happens(store, REFS[0], "noted", "noted")
    sealed(store)
    happens(store, REFS[2], "noted")
    return store


def test_what_grows_is_sealed_once_and_what_does_not_is_left(three: Store) -> None:
    with three.read() as connection:
        assert [row.tickets for row in connection.execute(select(seals).order_by(seals.c.number))] == [3, 1]
        covered = connection.execute(select(sealed_heads.c.seal, sealed_heads.c.events).order_by(sealed_heads.c.seal))
        assert sorted(map(tuple, covered)) == [(1, 2), (1, 2), (1, 2), (2, 4)]
    (third,) = sealed(three)
    assert third.startswith("3:")
    assert sealed(three) == []
    with three.read() as connection:
        assert str(last(connection)) == third
    assert found(three, third) == []


def test_many_tickets_take_several_seals(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailgate.store.seals.MOST_TICKETS", 2)
    monkeypatch.setattr("mailgate.store.verification.TICKETS", 2)
    monkeypatch.setattr("mailgate.store.verification.SEALS", 1)
    for ref in REFS:
        made.opened(store, ref)
    assert len(sealed(store)) == 2
    assert found(store) == []
    tampered(store, "DELETE FROM seals WHERE number = 1")
    assert found(store)[0] == "seal 1 is gone."


def test_the_cost_of_a_seal_is_what_has_changed(three: Store) -> None:
    with three.read() as connection:
        asked = "SELECT id, events, head FROM tickets WHERE events <> sealed ORDER BY id LIMIT 1000"
        if _is_sqlite(three):
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all())
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = str(connection.exec_driver_sql(f"EXPLAIN {asked}").all())
    assert "ix_tickets_unsealed" in plan


def _is_sqlite(store: Store) -> bool:
    return store.engine.dialect.name == "sqlite"


def test_a_key_that_was_followed_by_another_still_verifies_and_one_that_is_lost_is_named(three: Store) -> None:
    both = {**KEYS, **keys_from({"b": b"b" * 32})}
    sealed(three, both)
    assert found(three, keys=both) == []
    assert found(three) == ['seal 3 was made with the key "b": put it back into keys.']
    assert "one is not" not in str(found(three, keys={}))


# ---------------------------------------------------------------- what an attacker does


def rewritten(store: Store, ref: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """The history of *ref* after *change*, with hashes that fit one another and its ticket."""
    with store.write() as tx:
        ticket = tx.execute(select(tickets).where(tickets.c.ref == ref)).one()
        rows = [dict(row._mapping) for row in _history(tx, ticket.id)]
        change(rows)
        tx.execute(delete(events).where(events.c.ticket_id == ticket.id))
        head = Head()
        for row in rows:
            happened = Event(row["what"], row["actor"], json.loads(row["data"]), json.loads(row["personal"]))
            (new,), head = chained(ref, head, [happened], made.NOW)
            tx.execute(events.insert().values(ticket_id=ticket.id, **new))
        tx.execute(update(tickets).where(tickets.c.id == ticket.id).values(events=head.count, head=head.hash))


def _history(connection: Connection, ticket_id: int) -> Iterator[Any]:
    yield from connection.execute(select(events).where(events.c.ticket_id == ticket_id).order_by(events.c.serial)).all()


def test_S77_a_history_that_was_written_anew_is_found_where_it_begins_to_differ(three: Store) -> None:
    rewritten(three, REFS[0], lambda rows: rows[3].update(what="closed"))
    anew = "was written anew: one of the events"  # salts are made anew as well, so that all of them differ
    assert found(three) == [f"{REFS[0]} event 1 {anew} 1 to 2 is not what seal 1 covers."]


def test_S77_a_new_end_of_a_history_is_found_after_what_is_sealed_before(three: Store) -> None:
    with three.write() as tx:
        ticket = tx.execute(select(tickets).where(tickets.c.ref == REFS[0])).one()
        rows = list(_history(tx, ticket.id))
        head = Head()
        for row in rows[:2]:
            head = followed(head, REFS[0], row) or head
        anew, head = chained(REFS[0], head, [Event("closed", "x"), Event("noted", "x")], made.NOW)
        for new in anew:
            own = (events.c.ticket_id == ticket.id) & (events.c.serial == new["serial"])
            tx.execute(update(events).where(own).values(new))
        tx.execute(update(tickets).where(tickets.c.id == ticket.id).values(head=head.hash))
    which = "one of the events 3 to 4 is not what seal 2 covers."
    assert found(three) == [f"{REFS[0]} event 3 was written anew: {which}"]


def test_S77_a_cut_off_end_is_found_with_the_ticket_adjusted_to_it(three: Store) -> None:
    rewritten_head = "(SELECT hash FROM events e WHERE e.ticket_id = tickets.id AND serial = 3)"
    own = f"ticket_id = (SELECT id FROM tickets WHERE ref = '{REFS[0]}')"
    tampered(
        three,
        f"DELETE FROM events WHERE {own} AND serial = 4",
        f"UPDATE tickets SET events = 3, head = {rewritten_head} WHERE ref = '{REFS[0]}'",
    )
    assert found(three) == [f"{REFS[0]} event 4 is gone: seal 2 covers 4."]
    tampered(three, f"UPDATE tickets SET sealed = 3 WHERE ref = '{REFS[0]}'")
    assert found(three) == [f"{REFS[0]} event 4 is gone: seal 2 covers 4."]


def test_S77_seals_that_are_changed_deleted_or_moved_are_found(three: Store) -> None:
    own = f"ticket_id = (SELECT id FROM tickets WHERE ref = '{REFS[0]}')"
    each = {
        "UPDATE seals SET at = at + 1 WHERE number = 1": "seal 1 or what it covers is not what was written.",
        f"DELETE FROM sealed_heads WHERE seal = 1 AND NOT {own}": "seal 1 or what it covers is not what was written.",
        f"UPDATE sealed_heads SET events = 1 WHERE seal = 1 AND {own}": "seal 1 or what it covers is not what was writ",
        "DELETE FROM seals WHERE number = 1": "seal 1 is gone.",
        "UPDATE seals SET key = 'z' WHERE number = 1": 'seal 1 was made with the key "z": put it back into keys.',
        f"UPDATE tickets SET sealed = 3 WHERE ref = '{REFS[2]}'": f"{REFS[2]} event 3 counts as sealed, and no seal",
    }
    for tampering, what in each.items():
        with three.read() as connection:
            before = {table: connection.execute(select(table)).all() for table in (seals, sealed_heads)}
        tampered(three, tampering)
        assert any(line.startswith(what) for line in found(three)), (tampering, found(three))
        with three.write() as tx:
            for table, rows in before.items():
                tx.execute(delete(table))
                tx.execute(table.insert(), [dict(row._mapping) for row in rows])
            tx.execute(text(f"UPDATE tickets SET sealed = 2 WHERE ref = '{REFS[2]}'"))
        assert found(three) == []


def test_S77_seals_that_were_cut_off_show_by_one_that_was_written_down(three: Store) -> None:
    (kept,) = sealed(three)
    own = f"ticket_id = (SELECT id FROM tickets WHERE ref = '{REFS[2]}')"
    head = "(SELECT hash FROM events e WHERE e.ticket_id = tickets.id AND serial = 2)"
    tampered(
        three,
        "DELETE FROM sealed_heads WHERE seal = 3",
        "DELETE FROM seals WHERE number = 3",
        f"DELETE FROM events WHERE {own} AND serial = 3",
        f"UPDATE tickets SET events = 2, sealed = 2, head = {head} WHERE ref = '{REFS[2]}'",
    )
    assert found(three) == []  # nothing that is left says so
    assert found(three, kept) == ["seal 3 was written down and is gone, with what came after it."]
    happens(three, REFS[2], "something else")
    sealed(three)
    assert found(three, kept) == ["seal 3 is not the one that was written down."]


def test_S77_a_ticket_that_is_gone_is_found_by_what_it_left(three: Store) -> None:
    with three.read() as connection:
        (ticket_id,) = connection.execute(select(tickets.c.id).where(tickets.c.ref == REFS[1])).one()
    if _is_sqlite(three):  # where an attacker may switch foreign keys off
        with three.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql(f"DELETE FROM tickets WHERE id = {ticket_id}")
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        assert found(three) == [f"ticket {ticket_id} is gone, and its history or its seals are still there."]


def test_erased_personal_values_leave_all_valid(three: Store) -> None:
    tampered(three, "UPDATE events SET actor = NULL, personal = NULL, salt = NULL")
    assert found(three) == []


def test_it_is_read_in_portions_each_of_one_moment(three: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history that grows while it is read is no finding."""
    grown: list[str] = []

    def grow(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM events" in statement and not grown:
            grown.append(statement)
            happens(three, REFS[1], "meanwhile")

    event.listen(three.engine, "before_cursor_execute", grow)
    try:
        assert found(three) == []
    finally:
        event.remove(three.engine, "before_cursor_execute", grow)
    assert grown


def deletes(store: Store, ref: str, *, telling: bool = True) -> None:
    """The history of *ref* goes as a whole, as keeping records ends it."""
    with store.write() as tx:
        ticket = tx.execute(select(tickets).where(tickets.c.ref == ref)).one()
        if telling:
            ended = forgotten.Deleted(ticket.id, ref, Head(ticket.events, ticket.head))
            forgotten.add(tx, [ended], made.NOW, "2 years")
        tx.execute(delete(events).where(events.c.ticket_id == ticket.id))
        tx.execute(update(tickets).where(tickets.c.id == ticket.id).values(events=0, head=Head().hash))


def test_a_history_that_was_deleted_by_its_age_is_no_finding_and_may_begin_anew(three: Store) -> None:
    deletes(three, REFS[0])
    assert found(three) == []
    sealed(three)
    happens(three, REFS[0], "reopened")
    deletes(three, REFS[2])
    (kept,) = sealed(three)
    assert found(three, kept) == []
    rewritten(three, REFS[0], lambda rows: rows[0].update(what="closed"))
    assert found(three) == [f"{REFS[0]} event 1 was written anew: it is not what seal 4 covers."]


def test_S77_a_history_that_was_deleted_by_somebody_else_is_found(three: Store) -> None:
    deletes(three, REFS[0], telling=False)
    assert found(three) == [f"{REFS[0]} event 1 is gone: seal 1 covers 2."]


def test_S77_a_record_of_a_deletion_is_sealed_as_well(three: Store) -> None:
    deletes(three, REFS[0])
    sealed(three)
    tampered(three, "DELETE FROM forgotten")
    assert found(three) == [
        f"{REFS[0]} event 1 is gone: seal 1 covers 2.",
        "seal 3 or what it covers is not what was written.",
    ]
    deletes(three, REFS[1])
    tampered(three, "UPDATE forgotten SET why = 'other'")
    assert found(three)[0] == "deleted history 1 has another record than the one that was written."


def test_a_large_mail_that_is_lost_or_exchanged_is_found(store: Store, tmp_path: Path) -> None:
    store.objects = Folder(tmp_path / "raw")
    mail, content = made.envelope(), b"Subject: large\r\n\r\n"
    key = spool.ingest_key(mail, content)
    name = f"{key}-{'0' * 16}"
    incoming = store.objects.begin()
    incoming.write(content)
    incoming.finish(name)
    with store.write() as tx:
        spool.put(tx, [(key, mail, spool.Stored(name, len(content)))])
    assert found(store) == []
    (tmp_path / "raw" / name).write_bytes(content + b"x")
    assert [each.partition(" has ")[2] for each in found(store)] == [
        "another content in store.raw than the one that came."
    ]
    store.objects.remove(name)
    assert [each.partition(" has ")[2] for each in found(store)] == [
        "lost its content: restore its object in store.raw."
    ]


def test_what_keeping_and_erasing_take_away_is_no_finding(three: Store, tmp_path: Path) -> None:
    three.objects = Folder(tmp_path / "raw")
    closed(three, "MG-DDDD-DD", ago=HISTORY)
    sealed(three)
    assert retention.run(three, Keep(), made.NOW, rests=lambda _: None)["histories"] == 1
    erased = Target(Erased.TICKET, REFS[1])
    erasure.erase(three, erased, Keys("a", {"a": b"k" * 32}), "the operator", made.NOW)
    assert found(three) == []
    (kept,) = sealed(three)
    assert found(three, kept) == []
