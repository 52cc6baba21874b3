"""What happens to a ticket: the whole table, and what its requester hears."""

from datetime import timedelta
from itertools import product

import pytest

from mailgate.model.ticket import Status, WaitingFor
from mailgate.tickets.lifecycle import MOVES, Happened, after, reopens, told
from tests.make import NOW, make_ticket

CLOSED = {Status.DONE, Status.CANCELLED}


@pytest.mark.parametrize(
    ("status", "happened", "becomes"),
    [
        ("new", Happened.TAKEN, Status.OPEN),
        ("new", Happened.REQUESTER_REPLIED, Status.NEW),
        ("open", Happened.DONE, Status.DONE),
        ("open", Happened.PUT_ON_HOLD, Status.WAITING),
        ("waiting", Happened.DONE, Status.DONE),
        ("done", Happened.REQUESTER_REPLIED, Status.OPEN),
        ("cancelled", Happened.REOPENED, Status.OPEN),
        ("done", Happened.TAKEN, None),
        ("cancelled", Happened.DONE, None),
        ("open", Happened.REOPENED, None),
    ],
)
def test_what_a_ticket_becomes(status: str, happened: Happened, becomes: Status | None) -> None:
    assert after(make_ticket(status=status), happened) is becomes


@pytest.mark.parametrize(
    ("waiting_for", "happened", "becomes"),
    [
        (WaitingFor.REQUESTER, Happened.REQUESTER_REPLIED, Status.OPEN),
        (WaitingFor.REQUESTER, Happened.THIRD_PARTY_REPLIED, Status.WAITING),
        (WaitingFor.THIRD_PARTY, Happened.REQUESTER_REPLIED, Status.WAITING),
        (WaitingFor.THIRD_PARTY, Happened.THIRD_PARTY_REPLIED, Status.OPEN),
        (WaitingFor.CAPACITY, Happened.REQUESTER_REPLIED, Status.WAITING),
        (None, Happened.REQUESTER_REPLIED, Status.OPEN),
    ],
)
def test_a_reply_ends_the_wait_for_whoever_replied(
    waiting_for: WaitingFor | None, happened: Happened, becomes: Status
) -> None:
    assert after(make_ticket(status="waiting", waiting_for=waiting_for), happened) is becomes


def test_every_open_status_can_be_finished_held_and_cancelled() -> None:
    ends = (Happened.DONE, Happened.PUT_ON_HOLD, Happened.CANCELLED)
    assert all((status, each) in MOVES for status, each in product(set(Status) - CLOSED, ends))


def test_a_closed_ticket_moves_only_by_being_reopened() -> None:
    assert {now for (before, _), now in MOVES.items() if before in CLOSED} == {Status.OPEN}


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        (Status.OPEN, Status.WAITING, "on_hold"),
        (Status.WAITING, Status.DONE, "done"),
        (Status.NEW, Status.CANCELLED, "cancelled"),
        (Status.DONE, Status.OPEN, "reopened"),
        (Status.CANCELLED, Status.OPEN, "reopened"),
        (Status.WAITING, Status.WAITING, ""),
        (Status.NEW, Status.OPEN, ""),
    ],
)
def test_what_the_requester_is_told(before: Status, now: Status, message: str) -> None:
    assert told(before, now) == message


def test_E128_a_reply_reopens_a_ticket_within_the_time_and_later_opens_a_linked_one() -> None:
    done = make_ticket(status="done", closed_at=NOW)
    assert reopens(done, since=NOW)
    assert not reopens(done, since=NOW + timedelta(seconds=1))
    assert not reopens(make_ticket(), since=NOW)
