"""The caps on new tickets (E136), and the ticket that collects what is beyond them."""

from typing import Any

import pytest

from mailgate import decide, understand
from mailgate.model.decision import Decision, Ignore, NewTicket
from tests.make import ANN, HELPDESK, NOW, STRANGER, make_config, make_envelope, make_facts, make_message, make_ticket

CONFIG = make_config()
REQUEST = "The screen does not start. The asset tag is A12345, room 12."


def decided(sender: str = STRANGER, source: str = "smtp", vouched: bool = True, **facts: Any) -> Decision:
    reading = understand.read(
        make_message(REQUEST, sender=sender), make_envelope(sender, source=source, vouched=vouched), CONFIG
    )
    return decide.decide(reading, CONFIG, make_facts(**facts))


@pytest.mark.parametrize("too_many", [{"opened_by_sender": 20}, {"opened_by_domain": 60}])
def test_E136_what_is_too_much_opens_the_ticket_that_collects_it(too_many: dict[str, int]) -> None:
    decision = decided(**too_many)
    assert isinstance(decision.outcome, NewTicket)
    (draft,) = decision.outcome.drafts
    assert decision.outcome.collects == "mail.example"
    assert (draft.subject, draft.requester) == ("Too many mails from mail.example", "")
    assert (draft.mailbox, draft.team, draft.received_at) == (HELPDESK, "desk", NOW)
    assert (decision.replies, decision.silent_because) == ((), "too many came from its sender")


def test_E136_what_follows_is_kept_with_that_ticket_and_changes_nothing() -> None:
    collecting = make_ticket("MG-2346-7T", requester="")
    decision = decided(opened_by_sender=20, flood=collecting)
    assert isinstance(decision.outcome, Ignore)
    assert decision.ticket == collecting
    assert (decision.changes, decision.events, decision.replies) == ((), (), ())


@pytest.mark.parametrize("below", [{"opened_by_sender": 19}, {"opened_by_domain": 59}])
def test_E136_below_the_caps_each_request_is_a_ticket(below: dict[str, int]) -> None:
    assert len(decided(**below).replies) == 1


def test_E136_a_verified_colleague_may_open_any_number() -> None:
    assert len(decided(ANN, opened_by_sender=500, opened_by_domain=500).replies) == 1


def test_E136_our_own_domain_is_not_capped_as_a_whole_and_an_unproved_sender_there_is() -> None:
    assert decided(ANN, vouched=False, opened_by_domain=500).outcome.drafts[0].requester == ANN  # type: ignore[union-attr]
    assert decided(ANN, vouched=False, opened_by_sender=20).outcome.collects == "council.example"  # type: ignore[union-attr]


def test_E136_files_that_a_person_feeds_in_are_not_capped() -> None:
    assert decided(source="file", opened_by_sender=500).outcome.drafts[0].requester == STRANGER  # type: ignore[union-attr]
