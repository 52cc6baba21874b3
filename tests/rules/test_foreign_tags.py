"""What partners' systems write into subjects: kept as their reference, never as evidence of ours (E129)."""

from pathlib import Path

import pytest

from mailgate import decide, understand
from mailgate.model.decision import NewTicket
from mailgate.settings import load
from tests.make import make_envelope, make_facts, make_message

SHIPPED = load([Path(__file__).parent.parent.parent / "config"], {})


@pytest.mark.parametrize(
    ("subject", "stated"),
    [
        ("INC0012345 Court result for Jo Pettifer", ("INC0012345",)),
        ("RE: [CAS-4711] Court result", ("CAS-4711",)),
        ("Court result [#42]", ("[#42]",)),
        ("Court result inc0012345, CAS-4711", ("INC0012345", "CAS-4711")),
        ("INC001234 court result #42, 0012345, CASE-4711", None),
    ],
)
def test_E129_a_partners_tag_stands_on_the_ticket_and_leads_nowhere(
    subject: str, stated: tuple[str, ...] | None
) -> None:
    message = make_message("Please find the result attached.", subject=subject, sender="list@court.example")
    mailbox = next(iter(SHIPPED.service.mailboxes))
    reading = understand.read(message, make_envelope(recipients=(mailbox,)), SHIPPED)
    assert (reading.refs, reading.tokens, reading.keys) == ((), (), ())
    outcome = decide.decide(reading, SHIPPED, make_facts()).outcome
    assert isinstance(outcome, NewTicket)
    assert outcome.drafts[0].fields.get("their-reference") == stated
    assert outcome.drafts[0].linked_to is None
