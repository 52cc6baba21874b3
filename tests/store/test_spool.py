"""The spool: durable once, claimed by one, never answered before the commit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from mailgate.errors import Refused, TryLater
from mailgate.store import spool
from mailgate.store.engine import Store
from mailgate.store.tables import raw_mails
from tests.store import made


def stored(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(raw_mails)).scalar_one()


def test_E13_the_same_delivery_is_stored_once(store: Store) -> None:
    assert made.put(store, b"one") == made.put(store, b"one")
    assert stored(store) == 1


def test_E13_the_key_tells_sender_recipients_and_bytes_apart_but_not_their_order() -> None:
    key = spool.ingest_key(made.envelope("a@x", "b@y", "c@y"), b"raw")
    assert key == spool.ingest_key(made.envelope("a@x", "c@y", "b@y"), b"raw")
    others = [("a@z", "b@y", "c@y"), ("a@x", "b@y"), ("", "a@x", "b@y", "c@y")]
    assert key not in {spool.ingest_key(made.envelope(*other), b"raw") for other in others}
    assert key != spool.ingest_key(made.envelope("a@x", "b@y", "c@y"), b"other")


def test_put_names_the_new_ones_also_within_one_call(store: Store) -> None:
    mail = made.envelope()
    with store.write() as tx:
        assert spool.put(tx, [("k1", mail, b"1"), ("k1", mail, b"1"), ("k2", mail, b"2")]) == {"k1", "k2"}
        assert spool.put(tx, [("k2", mail, b"2"), ("k3", mail, b"3")]) == {"k3"}


def test_a_claimed_mail_comes_back_whole(store: Store) -> None:
    given = replace(made.envelope("", "B@y", "c@y"), source="lmtp", peer="127.0.0.1", vouched=True, silent=True)
    raw = bytes(range(256)) * 100
    with store.write() as tx:
        spool.put(tx, [("k", given, raw)])
    (mail,) = spool.claim(store, 10, 60)
    assert (mail.key, mail.envelope, mail.raw, mail.attempts) == ("k", given, raw, 1)


def test_a_mail_is_claimed_by_one_only(store: Store) -> None:
    keys = {made.put(store, b"%d" % number) for number in range(40)}
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda _: spool.claim(store, 5, 60), range(8)))
    claimed = [mail.key for claim in claims for mail in claim]
    assert len(claimed) == len(set(claimed))
    while more := spool.claim(store, 5, 60):  # on PostgreSQL a claim may pass over rows that another one holds
        claimed += [mail.key for mail in more]
    assert sorted(claimed) == sorted(keys)


def test_fresh_mails_come_in_order_up_to_the_limit(store: Store) -> None:
    keys = [made.put(store, b"%d" % number) for number in range(5)]
    assert [mail.key for mail in spool.claim(store, 3, 60)] == keys[:3]
    assert [mail.key for mail in spool.claim(store, 3, 60)] == keys[3:]
    assert spool.claim(store, 3, 60) == ()


def test_a_claim_stays_within_memory_but_takes_one_in_any_case(store: Store) -> None:
    for number in range(3):
        made.put(store, b"%d" % number + bytes(spool.LARGEST_BATCH_BYTES - 10))
    assert [len(spool.claim(store, 10, 60)) for _ in range(3)] == [1, 1, 1]


def test_a_mail_whose_lease_ran_out_comes_back_alone(store: Store) -> None:
    for number in range(3):
        made.put(store, b"%d" % number)
    died = spool.claim(store, 3, lease_seconds=0)
    made.put(store, b"fresh")
    again = [spool.claim(store, 10, 60) for _ in range(3)]
    assert [[mail.id for mail in claim] for claim in again] == [[mail.id] for mail in died]
    assert {mail.attempts for (mail,) in again} == {2}
    assert [mail.raw for mail in spool.claim(store, 10, 60)] == [b"fresh"]


def test_only_who_holds_the_lease_finishes(store: Store) -> None:
    made.put(store)
    (late,) = spool.claim(store, 1, lease_seconds=0)
    (owner,) = spool.claim(store, 1, 60)
    with pytest.raises(TryLater), store.write() as tx:
        spool.finish(tx, [late], made.NOW)
    with store.write() as tx:
        spool.finish(tx, [owner], made.NOW)
    with pytest.raises(TryLater), store.write() as tx:
        spool.finish(tx, [owner], made.NOW)


def test_a_mail_that_was_given_back_waits_for_its_time(store: Store) -> None:
    made.put(store)
    (mail,) = spool.claim(store, 1, 60)
    spool.release(store, [mail], after_seconds=60, error="TryLater")
    assert spool.claim(store, 1, 60) == ()
    spool.release(store, [mail], after_seconds=0)  # no longer ours: nothing happens
    assert spool.claim(store, 1, 60) == ()


def test_leases_of_a_gateway_that_died_are_released_where_no_other_node_may_hold_them(store: Store) -> None:
    made.put(store)
    spool.claim(store, 1, 60)
    spool.release_leases(store)
    assert len(spool.claim(store, 1, 60)) == (0 if store.is_shared else 1)


def test_a_mail_in_quarantine_is_listed_and_kept_but_never_claimed(store: Store) -> None:
    made.put(store, b"evil")
    (mail,) = spool.claim(store, 1, lease_seconds=0)
    with store.write() as tx:
        spool.set_aside(tx, mail, "it could not be read", "RecursionError", made.NOW)
    with store.read() as connection:
        (entry,) = spool.quarantined(connection)
        assert (entry["id"], entry["reason"], entry["error"]) == (mail.id, "it could not be read", "RecursionError")
        assert spool.quarantined_mail(connection, mail.id) == b"evil"
        with pytest.raises(Refused):
            spool.quarantined_mail(connection, mail.id + 1)
    assert spool.claim(store, 1, 60) == ()


def test_a_group_commit_stores_each_mail_of_many_sessions_once(store: Store) -> None:
    group = spool.GroupCommit(store)
    mails = [b"%d" % (number % 100) for number in range(200)]
    with ThreadPoolExecutor(20) as sessions:
        keys = list(sessions.map(lambda raw: group.put(made.envelope(), raw).result(timeout=60), mails))
    group.close()
    assert keys == [spool.ingest_key(made.envelope(), raw) for raw in mails]
    assert stored(store) == 100


def test_one_mail_that_breaks_a_batch_does_not_take_the_others_with_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = spool.put

    def breaking(tx: object, mails: object) -> object:
        result = really(tx, mails)  # type: ignore[arg-type]
        if any(raw == b"killer" for _, _, raw in mails):  # type: ignore[attr-defined]
            raise RuntimeError("a bug of ours")
        return result

    monkeypatch.setattr(spool, "put", breaking)
    group = spool.GroupCommit(store)
    answers = {raw: group.put(made.envelope(), raw) for raw in (b"1", b"killer", b"2", b"3")}
    assert {answers[raw].result(timeout=60) for raw in (b"1", b"2", b"3")}
    with pytest.raises(TryLater):
        answers[b"killer"].result(timeout=60)
    group.close()
    assert stored(store) == 3


def test_nothing_is_accepted_after_the_end(store: Store) -> None:
    group = spool.GroupCommit(store)
    waiting = [group.put(made.envelope(), b"%d" % number) for number in range(50)]
    group.close()
    assert all(answer.done() and not answer.exception() for answer in waiting)
    with pytest.raises(TryLater):
        group.put(made.envelope(), b"late").result(timeout=60)
    assert stored(store) == 50
