"""Applying decisions: all of it once, or nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from mailgate.errors import TryLater
from mailgate.model.decision import Command, Decision, Duplicate, NewTicket, Order, Reply
from mailgate.model.message import Attachment
from mailgate.model.outbound import SendState
from mailgate.model.reading import Match
from mailgate.model.ticket import Change, Event, Status, WaitingFor
from mailgate.store import outbox, outgoing, spool, tables
from mailgate.store.apply import Notice, Settled, quarantine
from mailgate.store.engine import Store
from mailgate.store.history import verify
from mailgate.store.quarantine import quarantined
from mailgate.store.tickets import listing, show
from tests.store import made

REF = "MG-7K3F-99"
DUE = made.NOW + timedelta(days=2)


def counts(store: Store) -> dict[str, int]:
    with store.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in tables.metadata.tables.items()
            if name not in ("instance", "raw_mails", "spool")
        }


def shown(store: Store, ref: str = REF) -> dict[str, Any]:
    with store.read() as connection:
        return show(connection, ref, "asset")


def clocks(store: Store) -> list[tuple[str, bool, bool]]:
    """Each clock: its kind, whether it runs, whether it will be looked at."""
    clock = tables.clocks.c
    with store.read() as connection:
        rows = connection.execute(select(clock.kind, clock.stopped_at, clock.next_check_at).order_by(clock.kind))
        return [(row.kind, row.stopped_at is None, row.next_check_at is not None) for row in rows]


def test_a_new_ticket_stands_in_every_table(store: Store) -> None:
    file = Attachment("plan.pdf", "application/pdf", 5000, "ab" * 32, 2)
    what = made.reading(subject="Broken screen", attachments=(file,), keys=("A12345",), fields={"asset": ("A12345",)})
    mail = made.spooled(store)
    settled = made.new_ticket(mail, REF, what, first_reply_due=DUE, due_at=DUE, watchers=("ben@council.example",))
    trace = (Match("classify", "hardware.repair", "broken screen", "subject"),)
    settled = replace(settled, decision=replace(settled.decision, trace=trace, events=(Event("sorted", "mailgate"),)))
    made.applied(store, settled)

    ticket = shown(store)
    assert (ticket["ref"], ticket["status"], ticket["asset"], ticket["assets"]) == (REF, "new", "A12345", ["A12345"])
    assert ticket["due_at"] == DUE.isoformat()
    assert [(one["serial"], one["what"]) for one in ticket["events"]] == [(1, "opened"), (2, "sorted")]
    assert {one["address"] for one in ticket["participants"]} == {made.ANN, "ben@council.example"}
    (message,) = ticket["messages"]
    assert (message["id"], message["subject"], message["config_version"]) == (mail.id, "Broken screen", "v1")
    assert message["trace"][0]["words"] == "broken screen"
    assert message["attachments"][0]["filename"] == "plan.pdf"
    assert [(one["message"], one["to"], one["state"]) for one in ticket["outgoing"]] == [
        ("received", made.ANN, "ready")
    ]
    assert clocks(store) == [("finish", True, True), ("first_reply", True, True)]
    assert made.ticket(store).last_serial == 1
    assert spool.claim(store, 10, 60) == ()


@pytest.mark.parametrize(("runs", "now"), [(True, ("finish", True, True)), (False, ("finish", False, False))])
def test_a_first_reply_ends_its_clock_whatever_becomes_of_the_other(store: Store, runs: bool, now: Any) -> None:
    ticket = made.opened(store, REF, due_at=DUE, first_reply_due=DUE)
    change = Change(ticket, Status.OPEN, first_reply_at=made.NOW, runs=runs)
    made.applied(store, made.follow_up(made.spooled(store), ticket, changes=(change,)))
    taken = made.ticket(store)
    assert taken.first_reply_at == made.NOW
    assert [clocks(store)[0], clocks(store)[1][2]] == [now, False]
    made.applied(store, made.follow_up(made.spooled(store), taken, changes=(Change(taken, runs=True),)))
    assert clocks(store) == [("finish", True, True), ("first_reply", True, False)]


def test_a_ticket_without_clocks_gets_them_with_its_first_promise(store: Store) -> None:
    ticket = made.opened(store, REF)
    assert clocks(store) == []
    change = Change(ticket, sla_policy="urgent", priority="high", first_reply_due=DUE, due_at=DUE, runs=True)
    made.applied(store, made.follow_up(made.spooled(store), ticket, changes=(change,)))
    assert clocks(store) == [("finish", True, True), ("first_reply", True, True)]
    assert (made.ticket(store).sla_policy, made.ticket(store).priority) == ("urgent", "high")


def test_a_ticket_that_is_shown_to_its_team_alone_stays_so(store: Store) -> None:
    made.applied(store, made.new_ticket(made.spooled(store), REF, made.reading(), show_to="the owning team only"))
    assert made.ticket(store).show_to == "the owning team only"


def test_a_batch_of_thirty_two_is_written_at_once(store: Store) -> None:
    mails = [made.spooled(store) for _ in range(32)]
    made.applied(store, *(made.new_ticket(mail, f"MG-{number:04}-XX") for number, mail in enumerate(mails)))
    with store.read() as connection:
        assert len(listing(connection)) == len(outgoing.listing(connection)) == 32


def test_G4_a_second_run_changes_nothing(store: Store) -> None:
    settled = made.new_ticket(made.spooled(store), REF)
    made.applied(store, settled)
    before = counts(store)
    with pytest.raises(TryLater):
        made.applied(store, settled)
    assert counts(store) == before


def test_G4_a_batch_with_a_lost_lease_is_rolled_back_as_a_whole(store: Store) -> None:
    made.put(store, b"slow")
    (lost,) = spool.claim(store, 1, lease_seconds=0)
    (taken,) = spool.claim(store, 1, 60)
    other = made.spooled(store)
    with pytest.raises(TryLater):
        made.applied(store, made.new_ticket(other, "MG-2346-7T"), made.new_ticket(lost, REF))
    assert set(counts(store).values()) == {0}
    made.applied(store, made.new_ticket(other, "MG-2346-7T"), made.new_ticket(taken, REF))
    assert counts(store)["tickets"] == 2


def test_E222_a_reference_that_another_node_took_first_means_try_later(store: Store) -> None:
    made.opened(store, REF)
    with pytest.raises(TryLater):
        made.applied(store, made.new_ticket(made.spooled(store), REF))
    assert counts(store)["tickets"] == 1


def test_several_requests_in_one_mail_open_several_tickets_that_all_show_it(store: Store) -> None:
    what, mail = made.reading(subject="two things"), made.spooled(store)
    opening = NewTicket((made.draft(keys=("A11111",)), made.draft(keys=("B22222",))))
    replies = (Reply("received", made.ANN), Reply("received", made.ANN, draft=1))
    refs = ("MG-2346-7T", "MG-G6C4-XM")
    mails = tuple(made.outbound(ref, cause="the mail") for ref in refs)
    made.applied(store, Settled(mail, what, Decision(opening, "v1", replies=replies), refs, mails, made.NOW))
    for ref in refs:
        ticket = shown(store, ref)
        assert [one["id"] for one in ticket["messages"]] == [mail.id]
        assert [one["ref"] for one in ticket["outgoing"]] == [ref]


def test_a_change_moves_the_ticket_its_clocks_and_its_history(store: Store) -> None:
    ticket = made.opened(store, REF, due_at=DUE, first_reply_due=DUE)
    change = Change(ticket, Status.WAITING, WaitingFor.REQUESTER, "cleo@council.example", runs=False, watcher="ben@x")
    made.applied(
        store, made.follow_up(made.spooled(store), ticket, changes=(change,), events=(Event("on hold", "cleo"),))
    )
    waiting = made.ticket(store)
    assert (waiting.status, waiting.waiting_for) == (Status.WAITING, WaitingFor.REQUESTER)
    assert waiting.assignee == "cleo@council.example"
    assert "ben@x" in waiting.participants
    assert clocks(store) == [("finish", False, False), ("first_reply", False, False)]
    assert shown(store)["events"][-1]["what"] == "on hold"

    made.applied(store, made.follow_up(made.spooled(store), waiting, changes=(Change(waiting, Status.DONE),)))
    done = made.ticket(store)
    assert (done.status, done.waiting_for, done.closed_at) == (Status.DONE, None, made.NOW)

    later = DUE + timedelta(days=1)
    reopening = Change(done, Status.OPEN, due_at=later, runs=True)
    made.applied(store, made.follow_up(made.spooled(store), done, changes=(reopening,)))
    open_again = made.ticket(store)
    assert (open_again.status, open_again.closed_at, open_again.due_at) == (Status.OPEN, None, later)
    assert clocks(store) == [("finish", True, True), ("first_reply", True, True)]


def test_a_change_of_keys_is_found_by_the_new_ones_only(store: Store) -> None:
    ticket = made.opened(store, REF, made.reading(keys=("A11111",)))
    change = Change(ticket, keys=("B22222",), fields={"asset": ("B22222",)}, missing=())
    made.applied(store, made.follow_up(made.spooled(store), ticket, changes=(change,)))
    old, new = made.looked_up(store, made.reading(keys=("A11111",)), made.reading(keys=("B22222",)))
    assert old.same_case == ()
    assert new.same_case[0].fields == {"asset": ("B22222",)}


@pytest.mark.parametrize(
    "meanwhile", [{"status": Status.OPEN}, {"assignee": "dev@council.example"}], ids=["status", "assignee"]
)
def test_a_decision_about_a_ticket_that_changed_meanwhile_is_taken_again(store: Store, meanwhile: Any) -> None:
    seen = made.opened(store)
    changed = made.follow_up(made.spooled(store), seen, changes=(Change(seen, **meanwhile),))
    made.applied(store, changed)
    stale = made.spooled(store)
    with pytest.raises(TryLater, match="meanwhile"):
        made.applied(store, made.follow_up(stale, seen, changes=(Change(seen, Status.DONE),)))
    made.applied(store, made.follow_up(stale, made.ticket(store)))


def test_two_mails_of_one_batch_about_the_same_ticket_go_one_after_the_other(store: Store) -> None:
    ticket = made.opened(store)
    first, second = made.spooled(store), made.spooled(store)
    with pytest.raises(TryLater, match="same ticket"):
        made.applied(store, made.follow_up(first, ticket), made.follow_up(second, ticket))
    made.applied(store, made.follow_up(first, ticket))
    made.applied(store, made.follow_up(second, made.ticket(store)))
    assert len(shown(store)["messages"]) == 3


def test_a_reply_of_an_existing_ticket_is_numbered_and_its_reader_takes_part(store: Store) -> None:
    ticket = made.opened(store)
    order = Command(ticket, Order("take"))
    replies = (Reply("assigned", "cleo@council.example"), Reply("on_hold", made.ANN))
    mails = tuple(made.outbound(REF, reply.to, 2 + place, message=reply.message) for place, reply in enumerate(replies))
    made.applied(
        store, Settled(made.spooled(store), made.reading(), Decision(order, "v1", replies=replies), (), mails, made.NOW)
    )
    after = made.ticket(store)
    assert after.last_serial == 3
    assert "cleo@council.example" in after.participants


def test_the_same_answer_to_the_same_mail_is_sent_once(store: Store) -> None:
    ticket = made.opened(store)
    for number in range(2):
        now = made.ticket(store)
        settled = made.follow_up(made.spooled(store), now, replies=(Reply("follow_up", made.ANN),))
        mail = replace(settled.outbound[0], cause="<the mail@x>", message_id=f"<{number}@x>")
        made.applied(store, replace(settled, outbound=(mail,)))
    with store.read() as connection:
        assert [one["message"] for one in outgoing.listing(connection)] == ["received", "follow_up"]
    assert ticket.last_serial == 1


def test_a_mail_without_a_ticket_is_kept_with_its_reason(store: Store) -> None:
    mail = made.spooled(store)
    made.applied(
        store, made.ignored(mail), replace(made.ignored(made.spooled(store)), decision=Decision(Duplicate(None), "v1"))
    )
    assert counts(store)["messages"] == 2
    assert counts(store)["tickets"] == 0


def test_an_observed_mail_is_queued_but_never_claimed(store: Store) -> None:
    settled = made.new_ticket(made.spooled(store))
    observed = replace(settled.outbound[0], state=SendState.OBSERVED)
    made.applied(store, replace(settled, outbound=(observed,)))
    assert outbox.claim(store, 10, 60) == ()
    assert shown(store)["outgoing"][0]["state"] == "observed"


def test_G2_a_mail_that_cannot_be_read_is_kept_aside_and_its_team_is_told(store: Store) -> None:
    mail = made.spooled(store)
    notice = Notice(
        made.draft(subject="could not be read", requester=""),
        REF,
        (made.outbound(REF, "lead@council.example", message="unreadable"),),
    )
    quarantine(store, mail, "it could not be read", "RecursionError", made.NOW, notice)
    assert shown(store)["subject"] == "could not be read"
    assert shown(store)["outgoing"][0]["message"] == "unreadable"
    with store.read() as connection:
        assert [one["id"] for one in quarantined(connection)] == [mail.id]
        assert verify(connection, REF) is None
    with pytest.raises(TryLater):
        quarantine(store, mail, "again", "RecursionError", made.NOW)
