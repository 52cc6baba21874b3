"""What only one may do at a time, on both engines."""

import os

import pytest
from sqlalchemy import select, update

from mailgate.store import leases as module
from mailgate.store.leases import Lease, release_leases, release_leases_of
from mailgate.store.tables import leases


def told(store):
    with store.read() as connection:
        return connection.execute(select(leases.c.name, leases.c.epoch)).all()


def run_out(store):
    with store.write() as tx:
        tx.execute(update(leases).values(expires=0))


def test_one_has_a_lease_and_keeps_it_until_it_lets_go(store):
    first, second, other = Lease(store, "reader"), Lease(store, "reader"), Lease(store, "another")
    assert (first.keep(), second.keep(), other.keep()) == (True, False, True)
    assert (first.keep(), second.keep()) == (True, False)
    first.let_go()
    second.let_go()  # which has nothing
    assert (second.keep(), first.keep()) == (True, False)
    assert sorted(told(store)) == [("another", 1), ("reader", 2)]


def test_a_lease_that_ran_out_goes_to_who_asks_first(store, monkeypatch):
    first, second = Lease(store, "reader"), Lease(store, "reader")
    assert first.keep()
    run_out(store)
    assert (first.keep(), second.keep()) == (True, True)  # it does not ask so often
    monkeypatch.setattr(module, "RENEWED_AFTER_SECONDS", 0.0)
    third = Lease(store, "reader")
    assert not third.keep()
    first._ours_until = float("-inf")
    assert (first.keep(), second.keep()) == (False, True)


def test_keeping_is_not_taking_anew(store):
    lease = Lease(store, "reader")
    for _ in range(3):
        assert lease.keep()
        lease._ours_until = float("-inf")
    assert told(store) == [("reader", 1)]


def test_a_dead_process_has_no_lease(store):
    assert Lease(store, "reader").keep()
    release_leases_of(store, 1)
    assert not Lease(store, "reader").keep()
    release_leases_of(store, os.getpid())
    assert Lease(store, "reader").keep()


@pytest.mark.parametrize("is_shared", [True, False])
def test_at_the_start_only_a_node_that_is_alone_takes_all(store, is_shared, monkeypatch):
    monkeypatch.setattr(type(store), "is_shared", is_shared)
    assert Lease(store, "reader").keep()
    release_leases(store)
    assert Lease(store, "reader").keep() is not is_shared
