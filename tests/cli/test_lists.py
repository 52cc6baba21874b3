"""``mailgate ticket``, ``outbox`` and ``quarantine``, as they are called, on a store with real rows."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from mailgate.model.decision import Decision, NewTicket, Reply
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.ticket import Draft, Event, Status
from mailgate.settings import load
from mailgate.store import spool
from mailgate.store.apply import Settled, apply
from mailgate.store.engine import Store, open_store
from tests.cli.conftest import Shell
from tests.make import ANN, BEN, NOW, make_draft, make_envelope, make_message, make_reading

REF, OTHER = "MG-7K3F-99", "MG-2346-7T"
RAW = b"From: ann.other@council.example\r\nSubject: Broken screen\r\n\r\n\xff\x00 bytes\r\n"


RECEIVED = Outbound(
    message="received",
    recipient=ANN,
    sender="",
    subject=f"[{REF}] We have received your request",
    message_id="<received@gate.council.example>",
    content=b"",
    cause="<one@council.example>",
    serial=1,
    state=SendState.SENT,
)


def _settled(mail: spool.Spooled, ref: str, draft: Draft, *sent: Outbound) -> Settled:
    decision = Decision(
        NewTicket((draft,)),
        "v1",
        events=(Event("noted", "mailgate", {"why": "a test"}),),
        replies=tuple(Reply(mail.message, mail.recipient) for mail in sent),
    )
    reading = make_reading(message=make_message(message_id=f"<{ref}@council.example>"))
    return Settled(mail, reading, decision, (ref,), sent, NOW)


def _arrive(store: Store, count: int) -> Sequence[spool.Spooled]:
    with store.write() as tx:
        for number in range(count):
            envelope, raw = make_envelope(), RAW + b"%d" % number
            spool.put(tx, [(spool.ingest_key(envelope, raw), envelope, raw)])
    return spool.claim(store, count, 60)


@pytest.fixture
def filled(mailgate: Shell) -> Shell:
    """Two tickets, one mail sent for the first, and a mail in quarantine."""
    mailgate("db", "upgrade")
    store = open_store(load([mailgate.config], {}).operator)
    first, second, third = _arrive(store, 3)
    done = make_draft(status=Status.DONE, category="network", task="network.cable", team="field-team", keys=())
    settled = [
        _settled(first, REF, make_draft(requester=ANN, due_at=NOW, fields={"room": ("12",)}), RECEIVED),
        _settled(second, OTHER, done),
    ]
    with store.deciding([]) as connection:
        apply(store, connection, settled)
    with store.write() as tx:
        spool.set_aside(tx, third, "It could not be read.", "ValueError", NOW)
    store.close()
    return mailgate


def result(shell: Shell, *words: str) -> Any:
    code, shown, errors = shell(*words, "--json")
    assert (code, errors) == (0, "")
    return json.loads(shown)


# ------------------------------------------------------------------ tickets


def test_the_list_of_tickets_has_the_fields_that_programs_rely_on(filled: Shell) -> None:
    first, second = result(filled, "ticket", "list")
    assert (
        first.items()
        >= {
            "ref": REF,
            "subject": "Broken screen",
            "status": "new",
            "category": "hardware",
            "task": "hardware.repair",
            "priority": "normal",
            "team": "desk",
            "assignee": None,
            "requester": ANN,
            "asset": "A12345",
            "received_at": NOW.isoformat(),
            "due_at": NOW.isoformat(),
        }.items()
    )
    assert (second["ref"], second["asset"], second["due_at"]) == (OTHER, None, None)


@pytest.mark.parametrize(
    ("words", "refs"),
    [
        (["--status", "new"], [REF]),
        (["--status", "done"], [OTHER]),
        (["--team", "field-team"], [OTHER]),
        (["--category", "hardware"], [REF]),
        (["--requester", ANN.upper()], [REF]),
        (["--requester", BEN], [OTHER]),
        (["--key", "a 12345"], [REF]),
        (["--key", "A12345", "--status", "done"], []),
        (["--team", "nobody"], []),
    ],
)
def test_filters_narrow_the_list(filled: Shell, words: list[str], refs: list[str]) -> None:
    assert [ticket["ref"] for ticket in result(filled, "ticket", "list", *words)] == refs


def test_a_status_that_there_is_not_is_refused_with_those_there_are(filled: Shell) -> None:
    code, _, errors = filled("ticket", "list", "--status", "finished")
    assert code == 2
    assert "waiting" in errors
    assert "Traceback" not in errors


def test_a_piped_list_is_one_line_a_ticket_with_dates_as_people_write_them(filled: Shell) -> None:
    lines = [line.split("\t") for line in filled("ticket", "list")[1].splitlines()]
    assert lines == [
        ["Reference", "Status", "Task", "Priority", "Team", "Requester", "Due", "Capacity level"],
        [REF, "new", "hardware.repair", "normal", "desk", ANN, "23/11/2026 10am", ""],
        [OTHER, "done", "network.cable", "normal", "field-team", BEN, "", ""],
    ]


@pytest.mark.parametrize("written", [REF, "mg 7k3f 99", "[MG-7K3F-99]"])
def test_a_ticket_is_shown_however_its_reference_is_written(filled: Shell, written: str) -> None:
    shown = result(filled, "ticket", "show", written)
    assert (shown["ref"], shown["asset"], shown["fields"]) == (REF, "A12345", {"room": ["12"]})
    assert [event["what"] for event in shown["events"]] == ["opened", "noted"]
    assert [mail["from"] for mail in shown["messages"]] == [ANN]
    assert [(mail["message"], mail["to"], mail["state"]) for mail in shown["outgoing"]] == [("received", ANN, "sent")]


def test_a_ticket_is_shown_with_its_facts_history_messages_and_what_was_sent(filled: Shell) -> None:
    code, shown, _ = filled("ticket", "show", REF)
    assert code == 0
    assert "due at\t23/11/2026 10am\n" in shown
    assert "fields\troom: 12\n" in shown
    assert "23/11/2026 10am\tnoted\tmailgate\twhy: a test\n" in shown
    assert f"\nSent\nQueued\tMessage\tTo\tState\n23/11/2026 10am\treceived\t{ANN}\tsent\n" in shown
    assert filled("ticket", "show", OTHER)[1].endswith("\nSent\nnone\n")


@pytest.mark.parametrize("written", ["MG-7K3F-92", "MG-G6C4-XM", "nonsense", ""])
def test_an_unknown_reference_is_one_sentence(filled: Shell, written: str) -> None:
    code, shown, errors = filled("ticket", "show", written)
    assert (code, shown) == (2, "")
    assert errors.count("\n") == 1
    assert "mailgate ticket list" in errors


# ------------------------------------------------------------------ outbox


def test_the_outbox_is_listed_and_narrowed_by_state(filled: Shell) -> None:
    (mail,) = result(filled, "outbox", "list")
    assert (mail["ref"], mail["message"], mail["to"], mail["state"]) == (REF, "received", ANN, "sent")
    assert result(filled, "outbox", "list", "--state", "sent") == [mail]
    assert result(filled, "outbox", "list", "--state", "failed") == []
    assert filled("outbox", "list")[1].splitlines()[1].split("\t")[1:5] == ["sent", "received", ANN, REF]


# ------------------------------------------------------------------ quarantine


def test_the_quarantine_says_what_it_keeps_and_why(filled: Shell) -> None:
    (mail,) = result(filled, "quarantine", "list")
    assert (mail["reason"], mail["error"], mail["sender"]) == ("It could not be read.", "ValueError", ANN)
    line = filled("quarantine", "list")[1].splitlines()[1].split("\t")
    assert line[1:3] == ["23/11/2026 10am", ANN]
    assert result(filled, "quarantine", "show", str(mail["id"])) == mail
    assert "--raw" in filled("quarantine", "show", str(mail["id"]))[1]


def test_a_mail_of_the_quarantine_comes_out_byte_by_byte(filled: Shell) -> None:
    (mail,) = result(filled, "quarantine", "list")
    words = ["--config", str(filled.config), "quarantine", "show", str(mail["id"]), "--raw"]
    shown = subprocess.run([sys.executable, "-m", "mailgate.cli.main", *words], capture_output=True, check=True)
    assert shown.stdout == RAW + b"2"


def test_a_mail_is_released_by_its_number_and_the_last_one_leaves_nothing(filled: Shell) -> None:
    (mail,) = result(filled, "quarantine", "list")
    code, shown, _ = filled("quarantine", "release", str(mail["id"]))
    assert (code, shown.startswith(f"Mail {mail['id']} is back in the queue")) == (0, True)
    assert result(filled, "quarantine", "list") == []
    assert filled("quarantine", "release", str(mail["id"]))[0] == 2
    assert filled("quarantine", "release", "all") == (0, "The quarantine is empty.\n", "")
    assert "neither a number" in filled("quarantine", "release", "everything")[2]


def test_all_mails_are_released_together(filled: Shell) -> None:
    assert filled("quarantine", "release", "all")[1].count("\n") == 1
    assert result(filled, "quarantine", "list") == []


def test_a_number_that_is_not_in_quarantine_is_one_sentence(filled: Shell) -> None:
    for words in (["999"], ["999", "--raw"], ["999", "--json"]):
        code, shown, errors = filled("quarantine", "show", *words)
        assert (code, shown, errors.count("\n")) == (2, "", 1)
        assert "there is no mail 999 in quarantine" in errors
    assert filled("quarantine", "show", "1", "--raw", "--json")[0] == 2
