"""The clock of a ticket: what it promises."""

from datetime import UTC, datetime

from mailgate.model.promises import SlaPolicy
from mailgate.sla.clock import OFFICE, start

POLICY = SlaPolicy.model_validate({"reply": "4 working hours", "finish": "1 working day"})


def test_a_mail_of_a_saturday_starts_its_clock_on_monday() -> None:
    clock = start(datetime(2026, 12, 5, 8, 14, tzinfo=UTC), POLICY, OFFICE)
    assert clock.started_at == datetime(2026, 12, 7, 9, tzinfo=UTC)
    assert clock.first_reply_due == datetime(2026, 12, 7, 13, tzinfo=UTC)
    assert clock.due_at == datetime(2026, 12, 8, 17, tzinfo=UTC)
