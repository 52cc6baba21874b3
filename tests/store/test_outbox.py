"""The outbox: claimed by one, recorded by whoever claimed it, sent again at most once in doubt."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from mailgate.model.outbound import Attempt, SendState
from mailgate.store import begun, outbox, outgoing
from mailgate.store.begun import Ended
from mailgate.store.engine import Store
from mailgate.store.history import verify
from mailgate.store.outbox import Result
from mailgate.store.schema import upgrade
from mailgate.store.tickets import show
from tests.store import made
from tests.store.conftest import opened

REF = "MG-7K3F-99"


def claimed(store: Store, lease_seconds: float = 60) -> Attempt:
    """A mail that is being sent."""
    (attempt,) = outbox.claim(store, 10, lease_seconds)
    store.begun.begin(attempt.token, attempt.id)
    return attempt


def states(store: Store) -> list[str]:
    with store.read() as connection:
        return [one["state"] for one in outgoing.listing(connection)]


def record(store: Store, attempt: Attempt, state: SendState, after_seconds: float = 0) -> None:
    outbox.record(store, [Result(attempt, state, after_seconds, "SMTPError")], made.NOW)


def test_a_claimed_mail_is_whole_and_nobody_elses(store: Store) -> None:
    made.opened(store, REF)
    attempt = claimed(store)
    assert (attempt.recipient, attempt.attempts) == (made.ANN, 1)
    assert attempt.message_id == f"<mg.{REF}.1@gate.council.example>"
    assert attempt.content == b"Subject: received\r\n\r\n"
    assert outbox.claim(store, 10, 60) == ()
    assert states(store) == ["sending"]


def test_a_sent_mail_is_never_claimed_again(store: Store) -> None:
    made.opened(store, REF)
    record(store, claimed(store), SendState.SENT)
    assert states(store) == ["sent"]
    assert outbox.claim(store, 10, 60) == ()


def test_a_mail_that_could_not_be_sent_yet_waits_for_its_time(store: Store) -> None:
    made.opened(store, REF)
    record(store, claimed(store), SendState.READY, after_seconds=60)
    assert outbox.claim(store, 10, 60) == ()
    with store.read() as connection:
        (entry,) = outgoing.listing(connection, [SendState.READY])
        assert entry["next_at"] is not None
        assert entry["error"] == "SMTPError"
        assert outgoing.listing(connection, [SendState.SENT, SendState.FAILED]) == []


def test_a_retry_that_is_due_counts_its_attempts(store: Store) -> None:
    made.opened(store, REF)
    record(store, claimed(store), SendState.READY)
    assert claimed(store).attempts == 2


def test_G5_a_mail_in_doubt_is_sent_once_more_with_the_same_message_id_and_then_left_to_a_person(store: Store) -> None:
    made.opened(store, REF)
    first = claimed(store, lease_seconds=0)
    second = claimed(store)
    assert (second.message_id, second.content) == (first.message_id, first.content)
    record(store, second, SendState.UNCERTAIN)
    assert outbox.claim(store, 10, 60) == ()
    assert states(store) == ["uncertain"]


def test_what_is_recorded_after_the_lease_changes_nothing(store: Store) -> None:
    made.opened(store, REF)
    late = claimed(store, lease_seconds=0)
    owner = claimed(store)
    record(store, late, SendState.FAILED)
    assert states(store) == ["sending"]
    record(store, owner, SendState.SENT)
    assert states(store) == ["sent"]


def test_a_mail_that_will_never_arrive_is_an_event_of_its_ticket(store: Store) -> None:
    made.opened(store, REF)
    record(store, claimed(store), SendState.FAILED)
    with store.read() as connection:
        event = show(connection, REF)["events"][-1]
        assert verify(connection, REF) is None
    assert (event["what"], event["personal"]) == ("could not be delivered", {"recipient": made.ANN})
    assert states(store) == ["failed"]


def test_leases_of_a_gateway_that_died_count_as_a_doubt(store: Store) -> None:
    made.opened(store, REF)
    claimed(store)
    outbox.release_leases(store)
    assert states(store) == (["sending"] if store.is_shared else ["ready"])


def test_what_a_process_of_ours_was_sending_when_it_died_is_in_doubt_at_once(store: Store) -> None:
    made.opened(store, REF)
    claimed(store)
    outbox.release_leases_of(store, os.getpid() + 1)
    assert states(store) == ["sending"]
    outbox.release_leases_of(store, os.getpid())
    assert states(store) == ["ready"]
    assert claimed(store).attempts == 2


def interrupted(store: Store) -> list[tuple[str, int, int]]:
    """State, attempts and doubts of three mails, once a process has died that sent one and was sending another."""
    with store.write() as tx:
        for number in range(3):
            mail = made.outbound(recipient=f"p{number}@x", message_id=f"<{number}@x>", cause=f"c{number}")
            outbox.queue(tx, [outbox.Queued(mail, None, made.NOW, to_stranger=False)])
    sent, going, _ = outbox.claim(store, 10, 60)
    store.begun.begin(sent.token, sent.id)
    store.begun.end(sent.token, sent.id, Ended.SENT, "<given@relay>")
    store.begun.begin(going.token, going.id)
    outbox.release_leases_of(store, os.getpid())
    with store.read() as connection:
        rows = connection.execute(text("SELECT state, attempts, doubts FROM outbox ORDER BY id"))
        return [(row.state, row.attempts, row.doubts) for row in rows]


def test_of_an_interrupted_claim_only_the_mail_that_was_being_sent_is_in_doubt(store: Store) -> None:
    assert interrupted(store) == [("sent", 1, 0), ("ready", 1, 1), ("ready", 0, 0)]


def test_what_a_relay_called_a_mail_is_not_forgotten_when_its_process_dies(store: Store) -> None:
    interrupted(store)
    with store.read() as connection:
        assert connection.scalars(text("SELECT id FROM receipts")).all() == ["<given@relay>"]


def test_after_the_machine_was_down_everything_that_was_claimed_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(f"sqlite:///{tmp_path}/mailgate.db")
    upgrade(store)
    boots = iter(["before"])
    monkeypatch.setattr(begun, "_boot_id", lambda: next(boots, "after"))
    assert interrupted(store) == [("ready", 1, 1)] * 3
    store.close()


def test_a_mail_without_a_ticket_is_queued_once(store: Store) -> None:
    mail = made.outbound(recipient="ann@x", cause="<1@x>", message_id="<a@x>")
    again = replace(mail, message_id="<b@x>")
    with store.write() as tx:
        for each in (mail, again):
            outbox.queue(tx, [outbox.Queued(each, None, made.NOW, to_stranger=False)])
    with store.read() as connection:
        (entry,) = outgoing.listing(connection)
    assert (entry["ref"], entry["to"]) == (None, "ann@x")
