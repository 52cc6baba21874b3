"""The same mail, the same content, the same request (E151, E153, E156a; S33, S34)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailgate.model.facts import Known
from mailgate.model.message import Verdict
from mailgate.model.reading import Reading
from mailgate.model.ticket import Draft, Ticket
from mailgate.tickets.duplicate import differing, resent, same_mail, same_request
from tests.make import (
    ANN,
    BEN,
    NOW,
    STRANGER,
    make_config,
    make_draft,
    make_facts,
    make_message,
    make_reading,
    make_ticket,
)

CONFIG = make_config()
SINCE = NOW - timedelta(days=14)
TICKET = make_ticket()


def found(draft: Draft | None = None, *tickets: Ticket, reading: Reading | None = None) -> Ticket | None:
    reading = reading or make_reading(message=make_message(sender=BEN))
    facts = make_facts(same_case=tickets or (TICKET,))
    return same_request(reading, draft or make_draft(), CONFIG, facts, SINCE)[0]


def test_E151_the_same_id_and_content_is_another_copy() -> None:
    known = Known("f1", TICKET)
    copy, trace = same_mail(make_reading(fingerprint="f1"), make_facts(same_id=known))
    assert copy is known
    assert trace[0].effect == "joins MG-7K3F-99"


def test_E151_a_copy_of_a_mail_that_opened_no_ticket_is_a_copy_still() -> None:
    known = Known("f1", None)
    assert same_mail(make_reading(fingerprint="f1"), make_facts(same_id=known))[0] is known


def test_S33_the_same_id_over_other_content_is_a_mail_of_its_own() -> None:
    copy, trace = same_mail(make_reading(fingerprint="f2"), make_facts(same_id=Known("f1", TICKET)))
    assert copy is None
    assert trace[0].effect == "a mail of its own"


def test_an_unknown_id_is_no_copy() -> None:
    assert same_mail(make_reading(fingerprint="f1"), make_facts()) == (None, ())


def test_E153_what_its_sender_sends_again_joins_the_open_ticket() -> None:
    known = Known("f0", TICKET)
    assert resent(make_reading(), make_facts(same_content=known))[0] is known


@pytest.mark.parametrize("ticket", [None, make_ticket(status="done"), make_ticket(status="cancelled")])
def test_E153_not_where_nobody_would_look(ticket: Ticket | None) -> None:
    assert resent(make_reading(), make_facts(same_content=Known("f0", ticket)))[0] is None


def test_E153_mails_without_a_sender_have_nothing_in_common() -> None:
    nobody = make_reading(message=replace(make_message(), from_=None))
    assert resent(nobody, make_facts(same_content=Known("f0", TICKET)))[0] is None


def test_E156a_a_colleagues_request_for_the_same_task_and_case_joins() -> None:
    assert found() == TICKET


def test_E156a_holds_for_the_same_sender_too() -> None:
    assert found(reading=make_reading(message=make_message(sender=ANN))) == TICKET


@pytest.mark.parametrize(
    "draft",
    [
        make_draft(task=None, category=None),
        make_draft(task="hardware.other"),
        make_draft(task="hardware.stock"),  # told without the key
        make_draft(task="network.cable"),
        make_draft(task="gone.repair"),
        make_draft(keys=()),
        make_draft(keys=("B54321",)),
        make_draft(keys=("A12345", "B54321")),  # asks for more than the ticket has
    ],
)
def test_E156a_needs_the_same_key_and_a_task(draft: Draft) -> None:
    assert found(draft, TICKET) is None


@pytest.mark.parametrize("task", ["hardware.other", "hardware.stock"])
def test_E156a_not_for_other_nor_for_tasks_without_the_key(task: str) -> None:
    assert found(make_draft(task=task), make_ticket(task=task)) is None


@pytest.mark.parametrize(
    ("sender", "verdict", "from_ok"),
    [
        (BEN, Verdict.NONE, True),
        (BEN, Verdict.FAIL, True),
        (BEN, Verdict.INTERNAL, False),
        (STRANGER, Verdict.PASS, True),
    ],
)
def test_S34_nobody_but_a_verified_colleague_joins(sender: str, verdict: Verdict, from_ok: bool) -> None:
    reading = make_reading(message=make_message(sender=sender, from_ok=from_ok), verdict=verdict)
    assert found(reading=reading) is None


def test_E156_a_ticket_of_somebody_outside_is_never_joined() -> None:
    assert found(make_draft(), make_ticket(requester=STRANGER)) is None


def test_nobody_joins_what_is_not_shown_to_them() -> None:
    shown = make_ticket(show_to="the owning team only")
    assert found(make_draft(), shown) is None
    assert found(make_draft(), shown, reading=make_reading(message=make_message(sender=ANN))) == shown
    assert found(make_draft(), replace(shown, assignee=BEN)) is not None


def test_what_is_shown_to_its_team_alone_joins_no_ticket_that_is_shown_to_more() -> None:
    draft = make_draft(show_to="the owning team only")
    assert found(draft, TICKET) is None
    assert found(draft, make_ticket(show_to=draft.show_to, watchers={BEN}, participants={ANN, BEN})) is not None


@pytest.mark.parametrize(
    ("status", "closed_at", "joins"),
    [
        ("new", None, True),
        ("waiting", None, True),
        ("done", SINCE, True),
        ("done", SINCE - timedelta(seconds=1), False),
        ("cancelled", NOW, False),
    ],
)
def test_E156a_while_it_is_open_or_was_done_lately(status: str, closed_at: Any, joins: bool) -> None:
    ticket = make_ticket(status=status, closed_at=closed_at)
    assert (found(make_draft(), ticket) == ticket) is joins


def test_an_open_ticket_is_preferred_and_of_those_the_first() -> None:
    done = make_ticket("MG-2346-7T", status="done", closed_at=NOW, received_at=SINCE)
    later = make_ticket("MG-G6C4-XM", received_at=NOW)
    assert found(make_draft(), done, later, TICKET) == TICKET


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        ({"visit": ("2026-12-01",)}, {"visit": ("2026-12-02",)}, "visit"),
        ({"room": ("4",)}, {"room": ("14",)}, "room"),
        ({"visit": ("2026-12-01",)}, {"visit": ("2026-12-01", "2026-12-02")}, None),
        ({"visit": ("2026-12-01",)}, {"room": ("4",)}, None),
        ({"asset": ("A12345",)}, {"asset": ("B54321",)}, None),  # the key is compared by itself
        ({"site": ("Town Hall",)}, {"site": ("town  hall",)}, None),
        ({"site": ("Twn Hall",)}, {"site": ("Town Hall",)}, "site"),
        ({"site": ("Mags",)}, {"site": ("Magistrates",)}, None),
        ({"site": ("Crown Court",)}, {"site": ("County Court",)}, "site"),
        ({"room": ("Mags",)}, {"room": ("Magistrates",)}, "room"),
        ({}, {}, None),
    ],
)
def test_E156a_two_mails_differ_if_both_state_a_field_and_neither_contains_the_other(
    ours: Any, theirs: Any, differs: str | None
) -> None:
    assert differing(ours, theirs, CONFIG) == differs
    assert differing(theirs, ours, CONFIG) == differs


def test_E156a_a_field_that_contradicts_makes_two_tickets_and_the_trace_names_it() -> None:
    reading = make_reading(message=make_message(sender=BEN))
    facts = make_facts(same_case=(make_ticket(fields={"visit": ("2026-12-01",)}),))
    draft = make_draft(fields={"visit": ("2026-12-02",)})
    joined, trace = same_request(reading, draft, CONFIG, facts, SINCE)
    assert joined is None
    assert trace[0].words == "visit"
