"""What is too much from one domain goes into one ticket, whoever decides that at the same moment (E136)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Event

import pytest
from sqlalchemy import text

from mailgate.errors import TryLater
from mailgate.model.decision import NewTicket
from mailgate.model.message import Verdict
from mailgate.store import floods
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from tests.store import made

DOMAIN, REFS = "mail.example", ("MG-7K3F-99", "MG-2346-7T")


def begins_to_collect(store: Store, ref: str) -> Settled:
    settled = made.new_ticket(made.spooled(store), ref, made.reading(f"jo@{DOMAIN}", verdict=Verdict.NONE))
    assert isinstance(settled.decision.outcome, NewTicket)
    outcome = replace(settled.decision.outcome, collects=DOMAIN)
    return replace(settled, decision=replace(settled.decision, outcome=outcome))


def collecting(store: Store) -> list[str]:
    with store.read() as connection:
        found = connection.scalars(text("SELECT ref FROM tickets JOIN floods ON tickets.id = ticket_id"))
        return list(found)


def test_E136_of_two_who_begin_to_collect_at_once_the_second_decides_again(store: Store) -> None:
    decided = [begins_to_collect(store, ref) for ref in REFS]
    together = Barrier(2)

    def applied(settled: Settled) -> bool:
        together.wait(timeout=20)
        try:
            made.applied(store, settled)
        except TryLater:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(applied, decided)) == [False, True]
    with store.read() as connection:
        opened = connection.scalars(text("SELECT ref FROM tickets")).all()
    assert collecting(store) == opened
    assert len(opened) == 1


def test_E136_who_comes_while_another_has_not_committed_waits_and_hears_it(store: Store) -> None:
    first, second = (made.opened(store, ref).id for ref in REFS)
    inserted, began = Event(), Event()

    def other() -> bool:
        inserted.wait(20)
        with store.write() as tx:
            began.set()
            return floods.collect(tx, DOMAIN, second)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other)
        with store.write() as tx:
            assert floods.collect(tx, DOMAIN, first)
            inserted.set()
            began.wait(0.5)  # on SQLite it does not even begin
        assert not waiting.result(timeout=20)
    assert collecting(store) == [REFS[0]]


@pytest.mark.parametrize("is_closed", [True, False])
def test_E136_a_ticket_that_was_closed_collects_no_more(store: Store, is_closed: bool) -> None:
    first, second = (made.opened(store, ref).id for ref in REFS)
    with store.write() as tx:
        floods.collect(tx, DOMAIN, first)
        if is_closed:
            closing = text("UPDATE tickets SET status = 'done', closed_at = :at WHERE id = :id")
            tx.execute(closing, {"at": int((made.NOW + timedelta(days=1)).timestamp()), "id": first})
    with store.write() as tx:
        assert floods.collect(tx, DOMAIN, second) is is_closed
    assert collecting(store) == [REFS[is_closed]]
