"""Lists of tickets, one in full, and those a rehearsal begins with."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from mailgate.errors import Refused
from mailgate.model.ticket import Status, WaitingFor
from mailgate.store.engine import Store
from mailgate.store.history import verify
from mailgate.store.tickets import listing, load_existing, show
from tests.store import made

REF = "MG-7K3F-99"
ENTRY: dict[str, Any] = {
    "ref": REF,
    "task": "hardware.repair",
    "asset": "A12345",
    "team": "desk",
    "requester": "Ann.Other@council.example",
    "assignee": "cleo@council.example",
    "status": "open",
    "opened": date(2026, 11, 20),
}


def listed(store: Store, **filters: str | None) -> list[str]:
    with store.read() as connection:
        return [entry["ref"] for entry in listing(connection, "asset", **filters)]


def load(store: Store, **changes: Any) -> None:
    with store.write() as tx:
        load_existing(tx, [{**ENTRY, **changes}], made.CONFIG)


def test_a_list_is_narrowed_by_every_filter(store: Store) -> None:
    made.opened(store, REF, made.reading(keys=("A11111", "B22222")), task="hardware.repair", priority="high")
    made.opened(store, "MG-2346-7T", made.reading("ben@council.example"), status=Status.WAITING)
    assert listed(store) == [REF, "MG-2346-7T"]
    assert listed(store, status="waiting") == listed(store, requester="ben@council.example") == ["MG-2346-7T"]
    assert listed(store, key="B22222") == listed(store, task="hardware.repair", priority="high") == [REF]
    assert listed(store, task="hardware.repair", status="waiting") == []
    assert listed(store, status=None, team="desk") == [REF, "MG-2346-7T"]


def test_an_entry_has_the_promised_names_with_the_key_under_its_own(store: Store) -> None:
    made.opened(store, REF, made.reading(keys=("A11111",)))
    with store.read() as connection:
        (entry,) = listing(connection, "asset")
        (without,) = listing(connection)
    names = {"ref", "subject", "status", "category", "task", "priority", "team", "assignee", "requester"}
    names |= {"asset", "received_at", "due_at"}
    assert names <= set(entry)
    assert entry["asset"] == "A11111"
    assert "asset" not in without


def test_a_ticket_that_does_not_exist_is_refused_in_a_sentence(store: Store) -> None:
    with store.read() as connection, pytest.raises(Refused, match="there is no ticket"):
        show(connection, "MG-0000-00")


def test_an_existing_ticket_counts_as_having_sent_its_mails(store: Store) -> None:
    load(store)
    names = ("received", "more_needed", "done", "assigned", "new", "sent")
    ids = [f"<{REF}.{name}@gate.council.example>" for name in names]
    known = made.looked_up(store, *(made.reading(in_reply_to=(each,)) for each in ids))
    found = [(each.evidence[0].answers, each.evidence[0].mailed_to) for each in known]
    cleo = "cleo@council.example"
    assert found == list(zip(names, (made.ANN, made.ANN, made.ANN, cleo, "", ""), strict=True))
    ticket = known[0].evidence[0].ticket
    assert (ticket.mailbox, ticket.category, ticket.keys) == (made.HELPDESK, "hardware", ("A12345",))
    assert (ticket.requester, ticket.received_at) == (made.ANN, datetime(2026, 11, 20, tzinfo=UTC))
    assert ticket.participants == {made.ANN, cleo}
    with store.read() as connection:
        assert verify(connection, REF) is None


def test_an_existing_ticket_may_wait_be_done_and_have_no_key(store: Store) -> None:
    load(store, asset=None, assignee=None, status="waiting", waiting_for="requester", missing=["asset"])
    load(store, ref="MG-2346-7T", status="done", closed=date(2026, 11, 21))
    waiting, done = made.ticket(store, REF), made.ticket(store, "MG-2346-7T")
    assert (waiting.waiting_for, waiting.missing, waiting.keys) == (WaitingFor.REQUESTER, ("asset",), ())
    assert (done.is_open, done.closed_at) == (False, datetime(2026, 11, 21, tzinfo=UTC))
