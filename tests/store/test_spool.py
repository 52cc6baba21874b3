"""The spool: durable once, claimed by one, never answered before the commit."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from mailgate.errors import Refused, TryLater
from mailgate.store import quarantine, spool
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
    assert (mail.key, mail.envelope, mail.raw, mail.deaths) == ("k", given, raw, 0)


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


def arriving(store: Store, *senders: str) -> list[int]:
    with store.write() as tx:
        mails = [(str(number), made.envelope(sender, "b@y"), b"") for number, sender in enumerate(senders)]
        spool.put(tx, mails)
    with store.read() as connection:
        return list(connection.scalars(select(raw_mails.c.id).order_by(raw_mails.c.id)))


def test_E152_mails_of_one_sender_are_claimed_together_only_where_there_are_few_others(store: Store) -> None:
    first, again, other, more, third = arriving(store, "a@x", "a@x", "b@x", "b@x", "c@x")
    assert [mail.id for mail in spool.claim(store, 2, 60)] == [first, other]  # a and b are busy from now on
    assert [mail.id for mail in spool.claim(store, 2, 60)] == [third]
    assert [mail.id for mail in spool.claim(store, 3, 60)] == [again, more]
    assert spool.claim(store, 3, 60) == ()


@given(st.lists(st.sampled_from(["", "a@x", "b@x", "c@x", "d@x"])), st.sets(st.sampled_from(["a@x", "b@x"])))
def test_what_is_chosen_keeps_the_order_of_each_sender_and_is_never_nothing(senders: list[str], busy: set[str]) -> None:
    waiting = list(enumerate(senders))
    picked = spool.chosen(waiting, busy, 3)
    assert picked == sorted(set(picked))
    assert bool(picked) == bool(waiting)
    for sender in {senders[mail] for mail in picked} - {""}:
        of_sender = [mail for mail, who in waiting if who == sender]
        assert [mail for mail in picked if senders[mail] == sender] == of_sender[: len(set(of_sender) & set(picked))]
    if set(senders) - busy:
        assert not busy & {senders[mail] for mail in picked}


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
    assert {mail.deaths for (mail,) in again} == {0}
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
        (entry,) = quarantine.quarantined(connection)
        assert (entry["id"], entry["reason"], entry["error"]) == (mail.id, "it could not be read", "RecursionError")
        assert quarantine.quarantined_mail(store, mail.id) == b"evil"
        with pytest.raises(Refused):
            quarantine.quarantined_mail(store, mail.id + 1)
    assert spool.claim(store, 1, 60) == ()


def test_a_mail_that_was_released_is_claimed_again_and_waits_no_more(store: Store) -> None:
    made.put(store, b"evil")
    (mail,) = spool.claim(store, 1, lease_seconds=60)
    with store.write() as tx:
        spool.set_aside(tx, mail, "it could not be read", "RecursionError", made.NOW)
    with store.read() as connection:
        assert list(quarantine.ids_in_quarantine(connection)) == [mail.id]
    quarantine.release(store, mail.id, made.NOW)
    (again,) = spool.claim(store, 1, 60)
    assert (again.raw, again.deaths) == (b"evil", 0)
    with pytest.raises(Refused):
        quarantine.release(store, mail.id, made.NOW)


def test_G6_only_what_a_process_had_alone_counts_as_its_death(store: Store) -> None:
    for number in range(2):
        made.put(store, b"%d" % number)
    spool.claim(store, 2, lease_seconds=-1)
    deaths = []
    for _ in range(4):
        claims = [spool.claim(store, 2, lease_seconds=-1) for _ in range(2)]
        assert [len(claim) for claim in claims] == [1, 1]
        deaths.append({mail.deaths for (mail,) in claims})
    assert deaths == [{0}, {1}, {2}, {3}]


def test_giving_a_mail_back_does_not_count_but_what_it_had_done_before_does(store: Store) -> None:
    made.put(store)
    for _ in range(2):
        spool.claim(store, 1, lease_seconds=-1)
    for _ in range(5):
        (mail,) = spool.claim(store, 1, lease_seconds=60)
        assert mail.deaths == 2
        spool.release(store, [mail], after_seconds=-1)


def test_what_a_dead_process_had_is_free_at_once_and_nobody_elses(store: Store) -> None:
    for number in range(2):
        made.put(store, b"%d" % number)
    (ours,) = spool.claim(store, 1, lease_seconds=60)
    in_a_child = f"""if True:
        from mailgate.model.operator import Operator
        from mailgate.model.operator import Store as StoreSettings
        from mailgate.store import spool
        from mailgate.store.engine import open_store
        import sys
        spool.OURS = {spool.OURS!r}  # as a fork has it
        store = open_store(Operator(store=StoreSettings(url=sys.argv[1])))
        assert len(spool.claim(store, 1, 60)) == 1
    """
    url = store.engine.url.render_as_string(hide_password=False)
    child = subprocess.Popen([sys.executable, "-c", in_a_child, url])
    assert child.wait(60) == 0
    assert spool.claim(store, 1, 60) == ()
    spool.release_leases_of(store, child.pid)
    (theirs,) = spool.claim(store, 1, 60)
    assert (theirs.raw, ours.raw) == (b"1", b"0")
    assert spool.claim(store, 1, 60) == ()
