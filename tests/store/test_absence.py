"""Who is away, by order and by responder, and what becomes of their work, on both engines."""

from pathlib import Path

import pytest

from mailgate.app import context_of
from mailgate.model.decision import Action
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.store import people
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from tests.conversation import Conversation, text_of
from tests.make import ANN, CLEO, DEV, SERVICE, make_config

REQUEST = "The screen of A12345 does not start. I am in room 12."
ANOTHER = "The screen of A99999 does not start. I am in room 13."
LENA = "lena.brook@council.example"  # who leads the desk
OUT_OF_OFFICE = {"auto_submitted": "auto-replied", "subject": "Automatic reply: yours"}


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    commands = {"away": ["I am away", "#away"], "back": ["#back"]}
    defaults = {**SERVICE.get("defaults", {}), "share_work": "to the least busy person on duty"}
    config = make_config(commands=commands, defaults=defaults)
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [CLEO, DEV])
    return Conversation(store, context_of(config, store))


def given(talk: Conversation, text: str = REQUEST) -> tuple[str, Outbound]:
    """A new request: its reference, and the mail by which somebody was given it."""
    settled = talk.hears(text, ANN)
    (assigned,) = [mail for mail in settled.outbound if mail.message == "assigned"]
    return settled.references[0], assigned


def other(person: str) -> str:
    return DEV.address if person == CLEO.address else CLEO.address


def mails(settled: Settled) -> set[tuple[str, str]]:
    return {(mail.message, mail.recipient) for mail in settled.outbound}


def test_an_assignment_mail_may_be_answered_by_a_responder(talk: Conversation) -> None:
    assert b"X-Auto-Response-Suppress: DR, RN, NRN\r\n" in given(talk)[1].content


def test_an_out_of_office_notice_hands_the_work_over_and_tells_the_lead(talk: Conversation) -> None:
    ref, assigned = given(talk)
    notice = "I am out of the office until 27 November 2026."
    away = talk.hears(notice, assigned.recipient, assigned, **OUT_OF_OFFICE)
    assert away.decision.action is Action.AUTO_REPLY
    assert mails(away) == {("absence", LENA), ("assigned", other(assigned.recipient))}
    assert talk.ticket(ref)["assignee"] == other(assigned.recipient)
    assert {given(talk, ANOTHER)[1].recipient} == {other(assigned.recipient)}, "no new work while away"
    (told,) = [mail for mail in away.outbound if mail.message == "absence"]
    assert assigned.recipient in text_of(told)
    back = talk.hears(f"#back {assigned.recipient}", LENA, told)
    assert back.decision.action is Action.COMMAND
    assert given(talk, "The screen of A77777 does not start. I am in room 14.")[1].recipient == assigned.recipient


@pytest.mark.parametrize("text", ["I am out of the office.", "I am out of the office until 27 November 2031."])
def test_a_notice_without_a_day_or_with_a_far_one_changes_nothing(talk: Conversation, text: str) -> None:
    ref, assigned = given(talk)
    assert mails(talk.hears(text, assigned.recipient, assigned, **OUT_OF_OFFICE)) == set()
    assert talk.ticket(ref)["assignee"] == assigned.recipient


def test_S29_nobody_is_sent_away_by_somebody_elses_responder(talk: Conversation) -> None:
    ref, assigned = given(talk)
    notice = "I am out of the office until 27 November 2026."
    talk.arrives(talk.mail(notice, assigned.recipient, assigned, **OUT_OF_OFFICE), assigned.recipient, vouched=False)
    talk.works()
    talk.hears(notice, other(assigned.recipient), assigned, **OUT_OF_OFFICE)
    assert talk.ticket(ref)["assignee"] == assigned.recipient


def test_an_agent_says_when_they_are_away(talk: Conversation) -> None:
    ref, assigned = given(talk)
    second, _ = given(talk, ANOTHER)
    both = [ref, second]
    away = talk.hears("I am away until Friday", assigned.recipient, assigned)
    assert away.decision.action is Action.COMMAND
    assert {str(talk.ticket(each)["assignee"]) for each in both} == {other(assigned.recipient)}
    assert ("absence", LENA) in mails(away)


def test_an_absence_without_a_day_is_asked_about(talk: Conversation) -> None:
    ref, assigned = given(talk)
    assert mails(talk.hears("I am away", assigned.recipient, assigned)) == {("refused", assigned.recipient)}
    assert talk.ticket(ref)["assignee"] == assigned.recipient


def test_only_the_lead_ends_somebody_elses_absence(talk: Conversation) -> None:
    _, assigned = given(talk)
    tried = talk.hears(f"#back {other(assigned.recipient)}", assigned.recipient, assigned)
    assert mails(tried) == {("refused", assigned.recipient)}


def test_E187_an_absence_that_ended_does_not_come_back_by_an_old_mail(talk: Conversation) -> None:
    _, assigned = given(talk)
    away = talk.hears("I am away until Friday", assigned.recipient, assigned)
    (told,) = [mail for mail in away.outbound if mail.message == "absence"]
    talk.hears(f"#back {assigned.recipient}", LENA, told)
    again = talk.hears("I am away until Friday", assigned.recipient, assigned)
    assert again.decision.action is not Action.COMMAND
    assert "ran already" in text_of(again.outbound[0]) if again.outbound else again.decision.silent_because
