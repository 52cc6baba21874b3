"""The clock of a ticket: what it promises, and what waiting does to it."""

from datetime import UTC, datetime

from mailgate.model.config import SlaPolicy
from mailgate.sla.clock import OFFICE, resumed, start

POLICY = SlaPolicy.model_validate({"reply": "4 working hours", "finish": "1 working day"})


def test_a_mail_of_a_saturday_starts_its_clock_on_monday() -> None:
    clock = start(datetime(2026, 12, 5, 8, 14, tzinfo=UTC), POLICY, OFFICE)
    assert clock.started_at == datetime(2026, 12, 7, 9, tzinfo=UTC)
    assert clock.first_reply_due == datetime(2026, 12, 7, 13, tzinfo=UTC)
    assert clock.due_at == datetime(2026, 12, 8, 17, tzinfo=UTC)


def test_waiting_moves_the_due_time_by_the_working_time_that_passed() -> None:
    due_at = datetime(2026, 12, 8, 17, tzinfo=UTC)
    stopped, now = datetime(2026, 12, 7, 10, tzinfo=UTC), datetime(2026, 12, 7, 12, tzinfo=UTC)
    assert resumed(due_at, stopped, now, OFFICE) == datetime(2026, 12, 9, 11, tzinfo=UTC)


def test_waiting_through_a_weekend_costs_nothing() -> None:
    due_at = datetime(2026, 12, 8, 17, tzinfo=UTC)
    saturday, sunday = datetime(2026, 12, 5, 10, tzinfo=UTC), datetime(2026, 12, 6, 12, tzinfo=UTC)
    assert resumed(due_at, saturday, sunday, OFFICE) == due_at
