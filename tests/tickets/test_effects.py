"""What an agent's order changes, what undoes it, and which order may not run again (E187)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mailgate.model.decision import Order
from mailgate.model.facts import Evidence, Facts, Ordered
from mailgate.model.ticket import NOBODY, Change, Status, Ticket, WaitingFor
from mailgate.tickets.commands import may_repeat
from mailgate.tickets.effects import before, of_order
from mailgate.tickets.timing import timed
from tests.make import CLEO, DEV, NOW, make_config, make_facts, make_message, make_reading, make_ticket

CONFIG = make_config()
READING = make_reading("x", message=make_message("x", sender=CLEO.address))
TICKET = make_ticket(assignee=DEV.address, sla_policy="standard", due_at=NOW + timedelta(days=2))


def change(order: Order, ticket: Ticket = TICKET, facts: Facts | None = None) -> Change:
    found = of_order(ticket, order, READING, CONFIG, facts or make_facts(colleagues=(CLEO, DEV)))
    assert isinstance(found, Change), found
    return found


def test_due_is_the_end_of_that_working_day() -> None:
    due_at = change(Order("due", until=date(2026, 11, 26))).due_at
    assert due_at is not None
    assert due_at.isoformat() == "2026-11-26T17:00:00+00:00"


def test_a_day_that_is_over_is_refused() -> None:
    assert "still to come" in str(
        of_order(TICKET, Order("due", until=date(2026, 11, 20)), READING, CONFIG, make_facts())
    )


def test_a_priority_brings_its_service_level_counted_from_the_request() -> None:
    changed = timed(change(Order("priority", to="high")), CONFIG, NOW)
    assert (changed.priority, changed.sla_policy) == ("high", "urgent")
    assert changed.due_at == NOW + timedelta(hours=3)  # four working hours after 9 o'clock


def test_a_task_of_another_category_goes_to_its_team() -> None:
    changed = change(Order("task", to="network.cable"))
    assert (changed.category, changed.task, changed.team) == ("network", "network.cable", "field-team")
    assert changed.assignee == NOBODY


def test_a_note_changes_nothing() -> None:
    assert change(Order("note", note="He called.")) == Change(TICKET, status=Status.OPEN)


def ordered(changed: Change, do: str = "move", by: str = CLEO.address) -> Facts:
    public, personal = before(changed)
    return make_facts(ordered={1: (Ordered(do, by, NOW, before={**public, **personal}),)})


@pytest.mark.parametrize(
    "order",
    [
        Order("done"),
        Order("take"),
        Order("waiting"),
        Order("assign", to=CLEO.address),
        Order("move", to="network"),
        Order("task", to="network.cable"),
        Order("priority", to="high"),
        Order("due", until=date(2026, 11, 26)),
    ],
)
@pytest.mark.parametrize("ticket", [TICKET, make_ticket(status="waiting", waiting_for=WaitingFor.THIRD_PARTY)])
def test_undo_brings_back_what_the_order_replaced(order: Order, ticket: Ticket) -> None:
    ran = change(order, ticket)
    undone = change(Order("undo"), ran.after, ordered(ran, order.do)).after
    due_at = ran.after.due_at if ticket.due_at is None else ticket.due_at
    assert replace(undone, waiting_for=ticket.waiting_for) == replace(ticket, due_at=due_at)
    assert undone.status is not Status.WAITING or undone.waiting_for is WaitingFor.THIRD_PARTY


def test_undo_is_for_ones_own_last_order_and_not_for_an_undo() -> None:
    ran = change(Order("done"))
    for facts in (make_facts(), ordered(ran, by=DEV.address), ordered(ran, "undo"), ordered(change(Order("note")))):
        assert isinstance(of_order(ran.after, Order("undo"), READING, CONFIG, facts), str)


EVIDENCE = Evidence(1, "the reply address", TICKET, CLEO.address, "assigned", serial=3, sent_at=NOW)


@pytest.mark.parametrize(
    ("ran", "runs"),
    [
        (Ordered("done", CLEO.address, NOW, (None, None), 3), False),
        (Ordered("done", CLEO.address, NOW, (None, None), 2), True),
        (Ordered("take", CLEO.address, NOW + timedelta(minutes=1), (None, None), 3), True),
        (Ordered("take", DEV.address, NOW + timedelta(minutes=1), (None, None), 4), False),
        (Ordered("take", DEV.address, NOW - timedelta(minutes=1), (None, None), 4), True),
    ],
)
def test_E187_an_order_runs_once_for_a_mail_and_not_over_somebody_elses(ran: Ordered, runs: bool) -> None:
    facts = make_facts(ordered={1: (ran,)})
    assert (may_repeat(Order("done"), TICKET, EVIDENCE, READING, facts) == "") is runs
