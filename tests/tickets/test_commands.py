"""Orders by mail (E111), and everything that must never run one (E186; S29, S32, S39)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.model.decision import Order
from mailgate.model.facts import Evidence
from mailgate.model.message import Kind, Verdict
from mailgate.model.reading import Reading, Token
from mailgate.tickets.commands import may_command, read_order
from mailgate.tickets.orders import Ambiguous
from tests.make import BEN, CLEO, DEV, NOW, make_config, make_facts, make_message, make_reading, make_ticket

CONFIG = make_config()
TICKET = make_ticket()
THURSDAY = date(2026, 11, 26)
PEOPLE = (CLEO, DEV)


def dates(text: str) -> date | None:
    return THURSDAY if "thurs" in text.lower() else None


def said(text: str, /, **more: Any) -> Order | Ambiguous | None:
    message = make_message(text, sender=CLEO.address, name="Marsh, Cleo", **more)
    return read_order(make_reading(text, message=message), TICKET, CONFIG, dates, PEOPLE)[0]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("Done", None),
        ("done.", None),
        ("Done, thanks. Screen replaced and tested.", "Screen replaced and tested."),
        ("Done thanks\n\nCleo", None),
        ("All done and logged in the register.", "logged in the register"),
        ("This has been completed.", None),
        ("It's all done now", None),
        ("Hi Lena,\n\nDone - new screen fitted.\n\nCleo", "new screen fitted."),
        ("Good morning, done", None),
        ("#done new screen", "new screen"),
        ("Thanks for this.\n\n#done", None),
    ],
)
def test_E111_done_opens_the_sentence_and_the_rest_is_the_note(text: str, note: str | None) -> None:
    assert said(text) == Order("done", note=note)


@pytest.mark.parametrize(
    "text", ["I'll take it", "I'll pick this one up.\n\nCleo", "I’ll take it!", "Mine", "Mine please"]
)
def test_E111_take(text: str) -> None:
    assert said(text) == Order("take")


@pytest.mark.parametrize(
    "text",
    [
        "Done?",
        "All done?\nI think so",
        "Not done",
        "Not done, sorry.",
        "It's not done",
        "This isn't done",
        "All not done",
        "All nearly done",
        "Has this been done",
        "Is this done",
        "Done/not done",
        "Done-ish",
        "Done, but not the keyboard",
        "Done, apart from the keyboard",
        "Done by Friday",
        "Done when the part arrives",
        "I have done half of it",
        "This is done by the other team.",
        "The job is done",
        "“Done” is what she said",
        "> Done",
        "Nothing yet.\n\nDone",
        "Please see below. Done",
        "Mine is broken too",
        "#done?",
        "#doneish",
        "#not-done",
        "write #done when finished",
        "> #done",
        "I saw 'no longer needed' on it",
    ],
)
def test_S39_what_never_runs(text: str) -> None:
    assert said(text) is None


def test_E111_not_done_yet_is_a_wait_and_never_done() -> None:
    assert said("Not done yet, waiting for a part.") == Order("waiting", reason="waiting for a part")


@pytest.mark.parametrize(
    ("text", "order"),
    [
        (
            "On hold til Thurs please, waiting on the supplier to come back to me - chased them this morning.",
            Order("waiting", until=THURSDAY, reason="waiting on the supplier", note="chased them this morning."),
        ),
        ("On hold please, waiting for the shop to come back to me.", Order("waiting", reason="waiting for the shop")),
        ("On hold", Order("waiting")),
        ("On hold. Back on Thursday", Order("waiting", until=THURSDAY, note="Back on Thursday")),
        ("#waiting parts", Order("waiting", reason="parts")),
        ("Could we put this on hold", Order("waiting")),
    ],
)
def test_E111_waiting_reads_until_and_why(text: str, order: Order) -> None:
    assert said(text) == order


@pytest.mark.parametrize(
    "text",
    [
        "I am not waiting for anything",
        "We were waiting for a part",
        "Don't put it on hold",
        "On hold?",
        "no longer on hold",
    ],
)
def test_E111_a_wait_that_is_unsaid(text: str) -> None:
    assert said(text) is None


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("This isn't one of ours, it is a broken lamp so one for network please", "network"),
        ("Not ours - this is a wall socket", "network"),
        ("Wrong team, try the Field Engineers", "field-team"),
        ("move it to the field team", "field-team"),
        ("#move network", "network"),
        ("Hardware can do nothing here, wrong team.\nTry network", "network"),
    ],
)
def test_E111_move_names_a_category_or_a_team(text: str, to: str) -> None:
    order = said(text)
    assert isinstance(order, Order)
    assert (order.do, order.to) == ("move", to)


@pytest.mark.parametrize(
    "text", ["Not ours", "Move to hardware", "This is one for us", "Assign to somebody else", "#assign"]
)
def test_E3_an_order_without_what_it_needs_is_asked_about(text: str) -> None:
    assert isinstance(said(text), Ambiguous)


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("Assign to Dev Patel", DEV.address),
        ("Assign to Dev please", DEV.address),
        ("Can you pass to Dev?", DEV.address),
        ("Take this one please, Dev", DEV.address),
        ("assign this to Ben.Carter@council.example", BEN),
    ],
)
def test_E111_assign_names_one_of_us(text: str, to: str) -> None:
    assert said(text) == Order("assign", to=to)


@pytest.mark.parametrize("text", ["Assign to mallory@mail.example", "Assign to Dev or Cleo", "Assign to Devon"])
def test_assign_never_guesses_and_never_leaves_the_house(text: str) -> None:
    assert isinstance(said(text), Ambiguous)


@pytest.mark.parametrize("text", ["Done, move to network", "I'll take it and move it to network", "#done\n#take"])
def test_E111_of_two_different_commands_none_runs(text: str) -> None:
    assert isinstance(said(text), Ambiguous)


def test_E111_the_same_command_twice_is_one() -> None:
    assert said("#done\n#done") == Order("done", note="#done")


@pytest.mark.parametrize(
    ("text", "do"),
    [("Undo", "undo"), ("That was wrong.", "undo"), ("Cancel this please", "cancel"), ("#undo", "undo")],
)
def test_other_commands_have_the_rest_as_their_note(text: str, do: str) -> None:
    order = said(text)
    assert isinstance(order, Order)
    assert order.do == do


@pytest.mark.parametrize(
    "message",
    [
        {"is_forward": True},
        {"confidence": "low"},
        {"layer": "interleaved", "confidence": "medium"},
        *({"kind": kind} for kind in Kind if kind is not Kind.HUMAN),
    ],
)
def test_S39_forwards_doubtful_and_automatic_mails_order_nothing(message: dict[str, Any]) -> None:
    assert said("Done", **message) is None


def test_S39_quoted_signed_and_subject_words_order_nothing() -> None:
    assert said("See below.", quoted="Done", signature="Done", subject="Done", text="See below.\n> Done") is None


AWAY = make_config(commands={"away": ["I am away", "on leave from", "#away"], "back": ["#back"]})


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("I am away until Thursday", Order("away", until=date(2026, 11, 26))),
        ("I'm on leave from tomorrow to Thursday.", Order("away", until=date(2026, 11, 26))),
        ("#away until Thursday", Order("away", until=date(2026, 11, 26))),
        ("#back dev.shah@council.example", Order("back", to="dev.shah@council.example")),
        ("#back", Order("back")),
    ],
)
def test_a_person_says_from_when_to_when_they_are_away(text: str, order: Order) -> None:
    assert read_order(make_reading(text), TICKET, AWAY, dates)[0] == order


@pytest.mark.parametrize("text", ["#away", "I am away on Thursday"])
def test_an_absence_without_an_end_is_asked_about(text: str) -> None:
    assert isinstance(read_order(make_reading(text), TICKET, AWAY, dates)[0], Ambiguous)


@pytest.mark.parametrize("text", ["Sam is on leave from today until Thursday", "If I am away until Thursday, ask Sam"])
def test_E3_what_is_said_of_somebody_else_sends_nobody_away(text: str) -> None:
    assert read_order(make_reading(text), TICKET, AWAY, dates) == (None, ())


def test_a_command_is_read_within_160_characters() -> None:
    assert said(f"{'word ' * 40}on hold") is None


@given(st.text(alphabet="Done #waiting,.!?-\n>'aml", max_size=200))
def test_reading_never_fails(text: str) -> None:
    order = said(text)
    assert order is None or isinstance(order, Order | Ambiguous)


# --- who may

EVIDENCE = Evidence(2, "our Message-ID", TICKET, mailed_to=CLEO.address)


def order_mail(*, verdict: Verdict = Verdict.INTERNAL, sender: str = CLEO.address, **message: Any) -> Reading:
    return make_reading("Done", message=make_message("Done", sender=sender, **message), verdict=verdict)


def refused(reading: Reading, evidence: Evidence | None = EVIDENCE, **more: Any) -> str:
    facts = make_facts(**{"sender": CLEO if reading.sender == CLEO.address else None, **more})
    return may_command(reading, TICKET, evidence, CONFIG, facts)


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("verdict", [Verdict.INTERNAL, Verdict.PASS])
@pytest.mark.parametrize("mailed_to", [CLEO.address, "Cleo.Marsh@Council.example", ""])
def test_E186_an_agent_may_who_answers_a_mail_of_ours_to_her_or_her_team(
    rank: int, verdict: Verdict, mailed_to: str
) -> None:
    assert refused(order_mail(verdict=verdict), replace(EVIDENCE, rank=rank, mailed_to=mailed_to)) == ""


def test_E186_the_lead_may() -> None:
    lead = "lena.brook@council.example"
    assert refused(order_mail(sender=lead), replace(EVIDENCE, mailed_to=lead)) == ""


@pytest.mark.parametrize("verdict", [Verdict.NONE, Verdict.FAIL])
def test_S29_a_forged_agent_may_not(verdict: Verdict) -> None:
    assert refused(order_mail(verdict=verdict)) == "its sender is not verified"


def test_S29_two_from_lines_may_not() -> None:
    assert refused(order_mail(from_ok=False)) == "its sender is not verified"


def test_E180_a_header_twice_may_not() -> None:
    assert refused(order_mail(defects=("duplicate-header",)))


def test_E186_the_requester_and_another_team_may_not() -> None:
    assert "neither in the ticket's team" in refused(order_mail(sender=TICKET.requester))
    assert "neither in the ticket's team" in refused(order_mail(), sender=replace(CLEO, team="field-team"))
    assert "neither in the ticket's team" in refused(order_mail(sender="omar.finch@council.example"))


def test_E186_somebody_elses_directory_entry_does_not_count() -> None:
    assert "neither in the ticket's team" in refused(order_mail(sender=BEN), sender=CLEO)


@pytest.mark.parametrize("rank", [3, 4, 5])
def test_E186_weaker_evidence_may_not(rank: int) -> None:
    assert "does not answer a mail of ours" in refused(order_mail(), replace(EVIDENCE, rank=rank))


def test_E186_no_evidence_and_another_tickets_may_not() -> None:
    assert "does not answer a mail of ours" in refused(order_mail(), None)
    other = replace(EVIDENCE, ticket=make_ticket("MG-2346-7T"))
    assert "does not answer a mail of ours" in refused(order_mail(), other)


def test_S32_somebody_elses_token_may_not() -> None:
    assert "somebody else" in refused(order_mail(), replace(EVIDENCE, mailed_to=DEV.address))


@pytest.mark.parametrize(
    "sent", [NOW - timedelta(days=7, seconds=1), NOW + timedelta(days=2), datetime(1970, 1, 1, tzinfo=UTC), None]
)
def test_E187_an_old_mail_may_not(sent: datetime | None) -> None:
    assert "7 days" in refused(order_mail(date=sent))


@pytest.mark.parametrize("message", [{"is_forward": True}, {"kind": Kind.AUTO_REPLY}, {"confidence": "low"}])
def test_E186_a_forward_an_out_of_office_and_a_doubtful_mail_may_not(message: dict[str, Any]) -> None:
    assert refused(order_mail(**message))


@pytest.mark.parametrize(("serial", "why"), [(4, "a key that is no longer in use"), (5, "")])
def test_E225_a_mail_that_an_outlived_key_signed_takes_no_orders(serial: int, why: str) -> None:
    signed = replace(order_mail(), tokens=(Token(TICKET.ref, 4, "msgid", "at2jh5xleiw7uiral"),))
    evidence = replace(EVIDENCE, serial=serial)
    assert why in refused(signed, evidence, outlived_keys=frozenset("a"))
    assert bool(why) == bool(refused(signed, evidence, outlived_keys=frozenset("a")))
    assert refused(signed, evidence, outlived_keys=frozenset("b")) == ""


def test_a_ticket_without_a_team_takes_no_orders() -> None:
    ticket = make_ticket(team=None)
    evidence = replace(EVIDENCE, ticket=ticket)
    assert may_command(order_mail(), ticket, evidence, CONFIG, make_facts(sender=replace(CLEO, team=""))) != ""
