"""What becomes of a mail: one test for each way a decision can go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailgate import decide, understand
from mailgate.model.config import Config
from mailgate.model.decision import (
    Action,
    AutoReply,
    Bounce,
    Command,
    Decision,
    Duplicate,
    FollowUp,
    Ignore,
    Intent,
    NewTicket,
)
from mailgate.model.facts import Evidence, Facts, Known
from mailgate.model.message import Address, Attachment, Kind, Message, Verdict
from mailgate.model.people import Worker
from mailgate.model.ticket import NOBODY, Status, Ticket, WaitingFor
from tests.make import (
    ANN,
    BEN,
    CLEO,
    DEV,
    HELPDESK,
    NOW,
    STRANGER,
    make_config,
    make_envelope,
    make_facts,
    make_message,
    make_ticket,
)

CONFIG = make_config()
REQUEST = "The screen does not start. The asset tag is A12345, room 12."


def decided(message: Message, facts: Facts | None = None, **envelope: object) -> Decision:
    sender = message.from_.address if message.from_ else ""
    around = make_envelope(sender, **{"vouched": True, **envelope})
    return decide.decide(understand.read(message, around, CONFIG), CONFIG, facts or make_facts())


def answering(ticket: Ticket, mailed_to: str = ANN, rank: int = 2) -> Facts:
    return make_facts(evidence=(Evidence(rank, "a mail of ours", ticket, mailed_to),))


def sent(decision: Decision) -> list[tuple[str, str]]:
    return [(reply.message, reply.to) for reply in decision.replies]


def test_a_request_opens_a_ticket_and_is_acknowledged() -> None:
    decision = decided(make_message(REQUEST))
    assert isinstance(decision.outcome, NewTicket)
    (draft,) = decision.outcome.drafts
    assert (draft.task, draft.keys, draft.missing, draft.status) == ("hardware.repair", ("A12345",), (), Status.NEW)
    assert draft.due_at is not None
    assert sent(decision) == [("received", ANN)]
    assert decision.config_version == CONFIG.version


def test_what_is_missing_is_asked_for_and_the_ticket_waits() -> None:
    decision = decided(make_message("The screen does not start."))
    assert isinstance(decision.outcome, NewTicket)
    (draft,) = decision.outcome.drafts
    assert draft.missing == ("asset", "room")
    assert (draft.status, draft.waiting_for) == (Status.WAITING, WaitingFor.REQUESTER)
    assert sent(decision) == [("more_needed", ANN)]


def test_a_ticket_waits_only_for_whom_it_asked() -> None:
    decision = decided(make_message("The screen does not start.", sender=STRANGER, from_ok=False))
    assert isinstance(decision.outcome, NewTicket)
    assert decision.outcome.drafts[0].missing
    assert decision.outcome.drafts[0].status is Status.NEW
    assert decision.outcome.drafts[0].clock_started_at is not None
    assert not decision.replies


def test_the_trace_names_the_phrase_and_where_it_stood() -> None:
    trace = decided(make_message(REQUEST, subject="Help")).trace
    assert any(match.words == "does not start" and match.where.startswith("text") for match in trace)


def test_E79_the_first_mailbox_in_To_is_the_mailbox() -> None:
    reading = understand.read(make_message(REQUEST), make_envelope(recipients=("helpdesk+x@Council.example",)), CONFIG)
    assert reading.mailbox == HELPDESK


def test_E130_our_own_mail_coming_back_is_filed() -> None:
    decision = decided(make_message(REQUEST), make_facts(is_own=True))
    assert isinstance(decision.outcome, Ignore)
    assert not decision.replies


def test_E130_a_mail_that_claims_one_of_our_addresses_is_not_answered() -> None:
    assert decided(make_message(REQUEST, sender=HELPDESK), vouched=False).action is Action.IGNORE


def test_E131_an_automatic_reply_moves_nothing() -> None:
    ticket = make_ticket()
    decision = decided(make_message(REQUEST, kind=Kind.AUTO_REPLY), answering(ticket))
    assert decision.outcome == AutoReply(ticket)
    assert not decision.changes
    assert not decision.replies


def test_E132_a_list_opens_no_ticket_and_is_not_answered() -> None:
    decision = decided(make_message(REQUEST, kind=Kind.LIST))
    assert decision.action is Action.IGNORE
    assert not decision.replies


def test_E141_a_bounce_is_noted_on_the_ticket_it_tells_of() -> None:
    ticket = make_ticket()
    bounce = make_message("Undeliverable", sender="postmaster@mail.example", kind=Kind.DSN_FAILED)
    bounce = Message(**{**_values(bounce), "bounce_recipients": (ANN,)})
    decision = decided(bounce, answering(ticket, rank=4))
    assert decision.outcome == Bounce(ticket, ANN)
    assert not decision.replies


def failed(**more: object) -> Message:
    return make_message("Undeliverable", sender="postmaster@mail.example", kind=Kind.DSN_FAILED, **more)


def lost(ticket: Ticket, answers: str = "done", **more: object) -> Facts:
    """What is known once a mail of ours to Ann has come back for good."""
    evidence = (Evidence(2, "the return path of a mail of ours", ticket, ANN, answers),)
    return make_facts(evidence=evidence, came_back=(ANN,), lost=(ANN,), colleagues=(CLEO, DEV), **more)


def test_E142_whoever_has_the_ticket_hears_that_its_requester_cannot_be_reached() -> None:
    decision = decided(failed(), lost(make_ticket(assignee=CLEO.address)))
    assert sent(decision) == [("unreachable", CLEO.address)]
    assert decision.outcome == Bounce(make_ticket(assignee=CLEO.address), ANN)


def test_E142_while_nobody_has_it_the_whole_team_hears() -> None:
    everybody = {"lena.brook@council.example", CLEO.address, DEV.address}
    assert set(sent(decided(failed(), lost(make_ticket())))) == {("unreachable", address) for address in everybody}


@pytest.mark.parametrize(
    "facts",
    [
        lost(make_ticket(), "received"),
        lost(make_ticket(requester=BEN)),
        lost(make_ticket(status=Status.DONE, closed_at=NOW)),
        replace(lost(make_ticket()), lost=()),
    ],
    ids=["an acknowledgement", "another's mail", "it is done", "it was known before"],
)
def test_E142_otherwise_it_is_only_noted(facts: Facts) -> None:
    assert sent(decided(failed(), facts)) == []


def test_E141_only_machines_write_to_a_return_path() -> None:
    ticket = make_ticket(status=Status.DONE, closed_at=NOW)
    decision = decided(make_message("I am away until Monday."), replace(answering(ticket), at_return_path=True))
    assert decision.outcome == AutoReply(ticket)
    assert not decision.changes
    assert not decision.replies


@pytest.mark.parametrize(("kind", "claims"), [(Kind.DSN_FAILED, ["MG-7K3F-99"] * 3), (Kind.HUMAN, [])])
def test_E141_where_answers_were_to_go_names_the_ticket_of_a_mail_that_came_back(kind: Kind, claims: list[str]) -> None:
    replies_to = ("helpdesk+7k3f99-4-at2jh5xleiw7uiral@council.example",)
    reading = understand.read(make_message(kind=kind, returned_to=replies_to), make_envelope(), CONFIG)
    assert [token.ref for token in reading.tokens] == claims


def test_E151_another_copy_joins_and_is_not_answered_again() -> None:
    message, ticket = make_message(REQUEST), make_ticket()
    same = understand.read(message, make_envelope(), CONFIG).fingerprint
    decision = decided(message, make_facts(same_id=Known(same, ticket)))
    assert decision.outcome == Duplicate(ticket)
    assert not decision.replies
    assert decision.events[0].data == {"mailboxes": [HELPDESK]}


def test_one_mail_to_several_of_our_mailboxes_is_one_ticket_that_lists_them() -> None:
    boxes = {HELPDESK: {"team": "desk"}, "network@council.example": {"team": "field-team"}}
    config = make_config(mailboxes=boxes)
    reading = understand.read(make_message(REQUEST), make_envelope(recipients=tuple(boxes), vouched=True), config)
    decision = decide.decide(reading, config, make_facts())
    assert isinstance(decision.outcome, NewTicket)
    assert len(decision.outcome.drafts) == 1
    assert decision.events[0].data == {"mailboxes": sorted(boxes)}


def test_S33_the_same_id_over_other_content_is_a_mail_of_its_own() -> None:
    decision = decided(make_message(REQUEST), make_facts(same_id=Known("other", make_ticket())))
    assert decision.action is Action.NEW_TICKET


def test_E156a_a_colleagues_same_request_joins_and_its_sender_watches() -> None:
    ticket = make_ticket(fields={"room": ("12",)})
    decision = decided(make_message(REQUEST, sender=BEN), make_facts(same_case=(ticket,)))
    assert decision.outcome == Duplicate(ticket)
    assert [change.watcher for change in decision.changes] == [BEN]
    assert sent(decision) == [("duplicate", BEN)]


def test_a_chaser_is_answered_with_the_status() -> None:
    decision = decided(make_message("Any update on this please?"), answering(make_ticket()))
    assert isinstance(decision.outcome, FollowUp)
    assert decision.outcome.intent is Intent.CHASER
    assert sent(decision) == [("status", ANN)]


def test_thanks_close_nothing_and_wake_nobody() -> None:
    ticket = make_ticket(status="done", closed_at=NOW - timedelta(hours=1))
    decision = decided(make_message("Thank you!", subject="Re: [MG-7K3F-99] Your request is done"), answering(ticket))
    assert decision.outcome == Ignore("it only says thank you", ticket, Intent.THANKS)
    assert not decision.changes
    assert not decision.replies


def test_an_answer_brings_what_was_missing_and_the_ticket_goes_on() -> None:
    ticket = make_ticket(status="waiting", waiting_for=WaitingFor.REQUESTER, missing=("room",))
    decision = decided(make_message("It is in room 12."), answering(ticket))
    assert isinstance(decision.outcome, FollowUp)
    assert (decision.outcome.intent, dict(decision.outcome.answers)) == (Intent.ANSWERS_QUESTION, {"room": ("12",)})
    assert (decision.changes[0].status, decision.changes[0].missing) == (Status.OPEN, ())


def test_half_an_answer_leaves_the_ticket_waiting() -> None:
    ticket = make_ticket(status="waiting", waiting_for=WaitingFor.REQUESTER, missing=("room", "asset"), keys=())
    decision = decided(make_message("It is in room 12."), answering(ticket))
    assert (decision.changes[0].status, decision.changes[0].missing) == (Status.WAITING, ("asset",))


def test_E128_a_reply_to_a_done_ticket_reopens_it_and_says_so() -> None:
    ticket = make_ticket(status="done", closed_at=NOW - timedelta(days=1))
    decision = decided(make_message("It is broken again, the picture flickers."), answering(ticket))
    assert decision.changes[0].status is Status.OPEN
    assert sent(decision) == [("reopened", ANN)]


def test_E128_a_late_reply_opens_a_linked_ticket() -> None:
    ticket = make_ticket(status="done", closed_at=NOW - timedelta(days=60))
    decision = decided(make_message(REQUEST), answering(ticket))
    assert isinstance(decision.outcome, NewTicket)
    assert decision.outcome.drafts[0].linked_to == ticket.ref


def test_S31_a_strangers_tag_opens_a_linked_ticket() -> None:
    message = make_message(REQUEST, sender=STRANGER, subject="[MG-7K3F-99] Broken screen")
    decision = decided(message, answering(make_ticket(), rank=4))
    assert isinstance(decision.outcome, NewTicket)
    assert decision.outcome.drafts[0].linked_to == "MG-7K3F-99"


def test_E186_an_agents_done_closes_the_ticket_and_tells_the_requester() -> None:
    ticket = make_ticket(assignee=CLEO.address)
    message = make_message("Done, thanks. New screen fitted.", sender=CLEO.address, subject="Re: [MG-7K3F-99] Repair")
    decision = decided(message, Facts(NOW, CLEO, evidence=answering(ticket, CLEO.address).evidence))
    assert isinstance(decision.outcome, Command)
    assert decision.outcome.order.do == "done"
    assert (decision.changes[0].status, decision.changes[0].closed_at) == (Status.DONE, NOW)
    assert sent(decision) == [("done", ANN)]


def test_S29_a_forged_agent_moves_nothing() -> None:
    ticket = make_ticket(assignee=CLEO.address)
    message = make_message("Done", sender=CLEO.address, subject="Re: [MG-7K3F-99] Repair")
    facts = Facts(NOW, CLEO, evidence=answering(ticket, CLEO.address).evidence)
    decision = decided(message, facts, vouched=False)
    assert not isinstance(decision.outcome, Command)
    assert not decision.changes
    assert not decision.replies


def test_E187_done_said_again_counts_though_the_same_words_came_before() -> None:
    ticket = make_ticket(assignee=CLEO.address)
    message = make_message("Done", sender=CLEO.address, subject="Re: [MG-7K3F-99] Repair")
    known = Known("a forged copy, or the Done before it was reopened", ticket)
    facts = Facts(NOW, CLEO, evidence=answering(ticket, CLEO.address).evidence, same_content=known)
    assert isinstance(decided(message, facts).outcome, Command)


def test_E153_a_request_that_its_sender_sends_again_joins_and_is_not_answered_again() -> None:
    ticket = make_ticket()
    decision = decided(make_message(REQUEST), make_facts(same_content=Known("other", ticket)))
    assert decision.outcome == Duplicate(ticket)
    assert not decision.replies


def test_a_second_done_is_refused_because_it_is_done() -> None:
    ticket = make_ticket(status="done", closed_at=NOW - timedelta(minutes=9))
    message = make_message("Done", sender=CLEO.address, subject="Re: [MG-7K3F-99] Repair")
    decision = decided(message, Facts(NOW, CLEO, evidence=answering(ticket, CLEO.address).evidence))
    assert not decision.changes
    assert "done already" in decision.events[0].data["why"]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"x-auto-response-suppress": ("All",)}, "forbid"),
        ({"x-auto-response-suppress": ("DR, OOF, AutoReply",)}, "forbid"),
        ({"x-mailgate-loop": ("another",)}, "forbid"),
        ({"return-path": ("<>",)}, "return path"),
    ],
)
def test_E134_headers_that_forbid_an_answer(headers: dict[str, tuple[str, ...]], why: str) -> None:
    decision = decided(make_message(REQUEST, headers=headers))
    assert decision.action is Action.NEW_TICKET
    assert not decision.replies
    assert why in decision.silent_because


@pytest.mark.parametrize(
    ("subject", "is_answered"),
    [
        ("Ticket Received - Ticket Received - Ticket Received - Broken screen", False),
        ("[#117904] [#117904] [#117904] Broken screen", False),
        ("Re: Re: Re: Broken screen", True),
        ("Broken screen - room 12 - broken screen", True),
    ],
)
def test_E135_a_subject_in_which_machines_answered_each_other_is_not_answered(subject: str, is_answered: bool) -> None:
    assert bool(decided(make_message(REQUEST, subject=subject)).replies) is is_answered


def test_S42_a_null_sender_is_never_answered() -> None:
    message = make_message(REQUEST)
    reading = understand.read(message, make_envelope("", vouched=True), CONFIG)
    assert not decide.decide(reading, CONFIG, make_facts()).replies


def test_S41_what_another_service_sends_by_notify_is_a_request_and_never_answered() -> None:
    decision = decided(make_message(REQUEST, sender="service@notifications.service.gov.uk"))
    assert decision.action is Action.NEW_TICKET
    assert decision.silent_because == "its sender is a machine"


def test_S41_an_answer_by_notify_is_automatic() -> None:
    ticket = make_ticket(status=Status.DONE, closed_at=NOW)
    message = make_message("We have your message.", sender="service@notifications.service.gov.uk")
    assert decided(message, answering(ticket)).outcome == AutoReply(ticket)


def test_E133_a_machines_address_is_never_answered() -> None:
    decision = decided(make_message(REQUEST, sender="no-reply@council.example"))
    assert decision.action is Action.NEW_TICKET
    assert not decision.replies


def test_E134_a_mail_that_names_none_of_our_mailboxes_is_not_answered() -> None:
    assert not decided(make_message(REQUEST, to=(Address("undisclosed@council.example"),))).replies


def test_E185_our_domain_without_proof_is_not_answered() -> None:
    assert not decided(make_message(REQUEST), vouched=False).replies


def test_E189_a_stranger_is_answered_once_a_day() -> None:
    message = make_message(REQUEST, sender=STRANGER)
    assert sent(decided(message)) == [("received", STRANGER)]
    assert not decided(message, make_facts(acknowledged=1)).replies


@pytest.mark.parametrize("had", [{"acknowledged": 5}, {"acknowledged_lately": 4}, {"acknowledged_just_now": 1}])
def test_E136_a_verified_outsider_is_answered_once_in_ten_minutes_and_four_times_an_hour(had: dict[str, int]) -> None:
    reading = understand.read(make_message(REQUEST, sender=STRANGER), make_envelope(), CONFIG)
    outsider = replace(reading, verdict=Verdict.PASS)
    assert sent(decide.decide(outsider, CONFIG, make_facts())) == [("received", STRANGER)]
    assert not decide.decide(outsider, CONFIG, make_facts(**had)).replies


def test_S43_strangers_together_are_answered_twenty_times_a_minute() -> None:
    message = make_message(REQUEST, sender=STRANGER)
    assert not decided(message, make_facts(acknowledged_to_strangers=20)).replies


def test_a_verified_colleague_is_answered_for_every_ticket() -> None:
    facts = make_facts(acknowledged=25, acknowledged_to_strangers=25, answers_ours_automatically=True)
    assert sent(decided(make_message(REQUEST), facts)) == [("received", ANN)]


def test_quiet_priorities_are_not_told_that_it_was_received() -> None:
    quiet = make_config(messages={"quiet_for": ["normal"]})
    reading = understand.read(make_message(REQUEST), make_envelope(vouched=True), quiet)
    assert reading.verdict is Verdict.INTERNAL
    assert not decide.decide(reading, quiet, make_facts()).replies


def _values(message: Message) -> dict[str, object]:
    return {name: getattr(message, name) for name in Message.__slots__}


def test_the_time_that_the_ticket_waited_for_its_requester_does_not_count() -> None:
    ticket = make_ticket(
        status="waiting",
        waiting_for=WaitingFor.REQUESTER,
        waiting_since=NOW - timedelta(minutes=30),
        missing=("room",),
        due_at=NOW + timedelta(hours=2),
    )
    decision = decided(make_message("It is in room 12."), answering(ticket))
    (change,) = decision.changes
    assert change.due_at == NOW + timedelta(hours=2, minutes=30)
    assert [event.what for event in change.events] == ["timed anew"]


def test_a_note_of_the_team_moves_nothing() -> None:
    ticket = make_ticket(status="waiting", waiting_for=WaitingFor.REQUESTER, missing=("room",))
    message = make_message("I rang her, it is in room 12 she thinks.", sender=CLEO.address)
    decision = decided(message, Facts(NOW, CLEO, evidence=answering(ticket, CLEO.address).evidence))
    assert decision.action is Action.FOLLOW_UP
    (change,) = decision.changes
    assert (change.status, change.missing, change.fields) == (None, None, None), "it is only the first reply"
    assert change.first_reply_at == NOW


def test_E121_a_stranger_with_a_forwarded_mail_may_post_and_moves_nothing() -> None:
    ticket = make_ticket(status="waiting", waiting_for=WaitingFor.REQUESTER, missing=("room",))
    decision = decided(make_message("It is in room 12.", sender=STRANGER), answering(ticket))
    assert decision.action is Action.FOLLOW_UP
    assert not decision.changes
    assert not decision.replies


def test_E121_what_somebody_new_posts_is_marked_and_answered_by_nothing() -> None:
    ticket = make_ticket(status="done", closed_at=NOW - timedelta(hours=1))
    for sender, is_marked in ((STRANGER, True), (ANN, False)):
        decision = decided(make_message("It is broken again.", sender=sender), answering(ticket))
        assert isinstance(decision.outcome, FollowUp)
        assert ("new_participant" in decision.events[0].data) == is_marked
        assert bool(decision.replies) != is_marked


def test_E185_a_forged_requester_reopens_nothing() -> None:
    ticket = make_ticket(status="done", closed_at=NOW - timedelta(days=1))
    headers = {"authentication-results": ("spf=fail; dmarc=fail header.from=council.example",)}
    decision = decided(make_message("It is broken again.", headers=headers), answering(ticket))
    assert not decision.changes


def test_E133_a_machine_is_not_told_of_what_became_of_its_ticket() -> None:
    ticket = make_ticket(requester="no-reply@council.example", assignee=CLEO.address)
    message = make_message("Done", sender=CLEO.address, subject="Re: [MG-7K3F-99] Repair")
    decision = decided(message, Facts(NOW, CLEO, evidence=answering(ticket, CLEO.address).evidence))
    assert decision.action is Action.COMMAND
    assert not decision.replies


def test_an_invitation_opens_a_ticket_only_where_a_phrase_names_a_task() -> None:
    asked = decided(make_message(REQUEST, kind=Kind.CALENDAR))
    assert asked.action is Action.NEW_TICKET
    assert not asked.replies
    assert decided(make_message("Lunch?", subject="Lunch", kind=Kind.CALENDAR)).action is Action.IGNORE


@pytest.mark.parametrize("kind", [Kind.LIST, Kind.AUTO_REPLY])
def test_E132_a_rule_may_give_a_task_to_mail_that_no_person_wrote(kind: Kind) -> None:
    rules = [{"name": "Alarms", "when": {"from": ANN}, "then": {"task": "hardware.repair"}}]
    config = make_config(rules=rules)
    reading = understand.read(make_message("Disk full.", subject="Alarm", kind=kind), make_envelope(), config)
    opened = decide.decide(reading, config, make_facts())
    assert opened.action is Action.NEW_TICKET
    assert not opened.replies
    again = decide.decide(reading, config, make_facts(same_content=Known("the same words", make_ticket())))
    assert again.action is Action.DUPLICATE


def test_assigning_goes_to_the_tickets_team_only() -> None:
    ticket = make_ticket(assignee=CLEO.address)
    for to, action in ((DEV.address, Action.COMMAND), ("boss@council.example", Action.FOLLOW_UP)):
        message = make_message(f"Please assign to {to}", sender=CLEO.address, subject="Re: [MG-7K3F-99] Repair")
        facts = Facts(NOW, CLEO, evidence=answering(ticket, CLEO.address).evidence, colleagues=(CLEO, DEV))
        decision = decided(message, facts)
        assert decision.action is action
        assert not any(to in str(event.data) for event in decision.events)
        if action is Action.COMMAND:
            assert decision.events[0].personal["to"] == to


def test_E156a_what_is_done_is_looked_at_again_when_a_colleague_asks_again() -> None:
    ticket = make_ticket(status="done", closed_at=NOW - timedelta(days=1), fields={"room": ("12",)})
    decision = decided(make_message(REQUEST, sender=BEN), make_facts(same_case=(ticket,)))
    assert decision.outcome == Duplicate(ticket)
    assert decision.changes[0].status is Status.OPEN


def test_an_answer_to_a_commission_from_nobody_of_a_unit_is_a_note_and_moves_nothing() -> None:
    decision = decided(make_message("Nil return for us.", sender=BEN), answering(make_ticket(starts="commission")))
    assert isinstance(decision.outcome, FollowUp)
    assert decision.outcome.intent is Intent.NOTE
    assert not decision.changes


def test_a_book_is_read_up_to_a_limit() -> None:
    message = make_message(f"{REQUEST}\n{'and so on ' * 100_000}A99999")
    reading = understand.read(message, make_envelope(), CONFIG)
    assert len(reading.wording) == understand.LONGEST_WORDING
    assert "A99999" not in reading.keys


def test_S38_a_colleague_may_ask_where_a_request_is_and_a_stranger_may_not() -> None:
    asked = "Any update on this please?"
    assert sent(decided(make_message(asked, sender=BEN), answering(make_ticket()))) == [("status", BEN)]
    assert not decided(make_message(asked, sender=STRANGER), answering(make_ticket())).replies


def test_a_ticket_does_not_wait_for_an_answer_that_nobody_was_asked_for() -> None:
    message = make_message("The screen does not start.")
    for decision in (decided(message, silent=True), decided_by(observing(), message)):
        assert isinstance(decision.outcome, NewTicket)
        (draft,) = decision.outcome.drafts
        assert (draft.missing, draft.status) == (("asset", "room"), Status.NEW)


def observing() -> Config:
    return make_config(mailboxes={HELPDESK: {"team": "desk", "usually": "hardware", "mode": "observe"}})


def decided_by(config: Config, message: Message) -> Decision:
    return decide.decide(understand.read(message, make_envelope(vouched=True), config), config, make_facts())


REFUSING = make_config(text={"refusals": {"before": ["please do not"], "after": ["not needed"]}})


def refused(text: str, **facts: object) -> Decision:
    message = make_message(text, subject="A12345", sender=BEN)
    reading = understand.read(message, make_envelope(BEN, vouched=True), REFUSING)
    return decide.decide(reading, REFUSING, make_facts(**facts))


def test_what_is_not_wanted_goes_to_the_ticket_that_would_do_it() -> None:
    decision = refused("Please do not repair it.", same_case=(make_ticket(),))
    assert isinstance(decision.outcome, FollowUp)
    assert (decision.outcome.intent, [event.what for event in decision.events]) == (Intent.NOTE, ["not wanted"])
    assert decision.changes == decision.replies == ()


@pytest.mark.parametrize("tickets", [(), (make_ticket(status="done"),), (make_ticket(task="hardware.stock"),)])
def test_without_such_a_ticket_it_is_sorted_by_a_person_and_joins_nothing(tickets: tuple[Ticket, ...]) -> None:
    decision = refused("The repair is not needed.", same_case=tickets)
    assert isinstance(decision.outcome, NewTicket)
    assert decision.outcome.drafts[0].task == "hardware.other"


def test_what_is_wanted_instead_is_a_request_as_any_other() -> None:
    decision = refused("Please do not repair it, send the stock list.", same_case=(make_ticket(),))
    assert isinstance(decision.outcome, NewTicket)
    assert decision.outcome.drafts[0].task == "hardware.stock"


SHARING = {"calendar": "office", "priority": "normal", "team": "desk", "share_work": "in turn"}


@pytest.mark.parametrize("workers", [(), (Worker("fay@council.example", "field-team"),)])
def test_a_ticket_that_moves_to_another_team_leaves_the_person_who_had_it(workers: tuple[Worker, ...]) -> None:
    config, ticket = make_config(defaults=SHARING), make_ticket(assignee=CLEO.address)
    message = make_message("Not ours, one for network.", sender=CLEO.address, subject="Re: yours")
    facts = make_facts(sender=CLEO, evidence=(Evidence(2, "a mail of ours", ticket, CLEO.address),), workers=workers)
    decision = decide.decide(understand.read(message, make_envelope(CLEO.address, vouched=True), config), config, facts)
    (change,) = decision.changes
    assert (change.team, change.assignee) == ("field-team", workers[0].address if workers else NOBODY)


def test_a_new_ticket_goes_to_whoever_is_next() -> None:
    config = make_config(defaults=SHARING)
    cleo, dev = Worker(CLEO.address, "desk", last_ticket=4), Worker(DEV.address, "desk", last_ticket=2)
    facts = make_facts(workers=(cleo, dev))
    decision = decide.decide(understand.read(make_message(REQUEST), make_envelope(ANN), config), config, facts)
    assert isinstance(decision.outcome, NewTicket)
    assert decision.outcome.drafts[0].assignee == DEV.address
    assert "in turn" in [match.effect for match in decision.trace]


def test_a_ticket_whose_category_the_configuration_no_longer_has_can_still_be_answered() -> None:
    ticket = make_ticket(category="gone", task="gone.task", missing=("room",), status="waiting")
    assert decided(make_message("It is room 7."), answering(ticket)).action is Action.FOLLOW_UP


def test_the_history_keeps_which_task_an_agent_moved_a_ticket_to() -> None:
    mail = make_message("Not ours, one for network: a new cable is needed.", sender=CLEO.address)
    evidence = answering(make_ticket(), CLEO.address, rank=1).evidence
    decision = decided(mail, Facts(NOW, CLEO, evidence=evidence, colleagues=(CLEO,)))
    assert [event.data["task"] for event in decision.events] == ["network.cable"]


def test_what_is_collected_because_it_is_too_much_is_held_as_the_rules_say() -> None:
    rule = {"name": "all", "when": {"attachment": "yes"}, "then": {"attachments": "hold until a person releases them"}}
    config = make_config(rules=[rule])
    file = Attachment("a.pdf", "application/pdf", 9000, "a" * 64, 2)
    message = make_message(REQUEST, sender=STRANGER, attachments=(file,))
    reading = understand.read(message, make_envelope(STRANGER), config)
    for too_many in ({}, {"opened_by_sender": 20}, {"opened_by_sender": 20, "flood": make_ticket(task=None)}):
        assert decide.decide(reading, config, make_facts(**too_many)).holds_files
    assert not decide.decide(reading, CONFIG, make_facts()).holds_files
