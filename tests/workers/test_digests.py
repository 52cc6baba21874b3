"""Summaries for managers: who gets which, each once, and what their buttons do for whom."""

import re
from contextlib import closing
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from sqlalchemy import select, update

from mailgate.app import context_of
from mailgate.errors import Refused
from mailgate.model.decision import Action, Order
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.model.people import Person
from mailgate.store import people
from mailgate.store.engine import Store
from mailgate.store.schema import upgrade
from mailgate.store.seals import seal_all
from mailgate.store.tables import outbox_mails, raw_mails, tickets
from mailgate.tickets.seal import keys_from
from mailgate.workers.digests import Digests
from mailgate.workers.order import give
from tests.conversation import Conversation, text_of
from tests.make import ANN, BEN, CLEO, DEV, SERVICE, make_config
from tests.store.conftest import opened

LEAD, HEAD, FIELD_LEAD = "lena.brook@council.example", "hal.ford@council.example", "omar.finch@council.example"
OTHER_AGENT = Person("fay.reed@council.example", "Fay Reed", "agent", team="field-team")
REQUEST = "The screen of A12345 does not start. I am in room 12."
DIGESTS = {
    "daily": {"at": "8am", "to": ["team lead", "head of service"]},
    "weekly": {"on": "Monday", "at": "8am", "to": ["head of service"]},
}


@pytest.fixture
def quiet(tmp_path: Path) -> Any:
    """A gateway without a mail; it is Monday, 10am."""
    commands = {**SERVICE["commands"], "extend": ["#extend"], "ask": ["#ask"]}
    config = make_config(digests=DIGESTS, commands=commands)
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with closing(opened(f"sqlite:///{tmp_path}/mailgate.db")) as store:
        upgrade(store)
        with store.write() as tx:
            people.put(tx, [CLEO, DEV, OTHER_AGENT, Person(HEAD, "Hal Ford", "Head of service")])
        yield Conversation(store, context_of(config, store))


@pytest.fixture
def talk(quiet: Conversation) -> Conversation:
    """With one late request; it is Thursday, 10am."""
    quiet.hears(REQUEST, ANN)
    quiet.later(days=3)
    return quiet


def wakes(talk: Conversation) -> None:
    Digests(talk.store, talk.context, lambda: talk.now).turn()


def written(store: Store, message: str = "daily") -> dict[str, Any]:
    """The summaries by their reader."""
    with store.read() as connection:
        found = connection.execute(select(outbox_mails).where(outbox_mails.c.message == message))
        return {row.recipient: row for row in found}


def said(mail: Any) -> str:
    return str(message_from_bytes(mail.content, policy=policy.default).get_body(("plain",)).get_content()).replace(
        "\r\n", "\n"
    )


def presses(talk: Conversation, mail: Any, label: str, words: str, sender: str) -> Action:
    """What becomes of the mail that the first button *label* opens, with *words* added by *sender*."""
    address, _, asked = re.findall(rf"- {label}: mailto:(\S+)", said(mail))[0].partition("?")
    told = {name: values[0] for name, values in parse_qs(asked).items()}
    raw = message_from_bytes(talk.mail(told["body"] + words, sender, subject=told["subject"]))
    raw.replace_header("To", unquote(address))
    talk.arrives(raw.as_bytes(), sender, unquote(address))
    (settled,) = talk.works()
    talk.outbound = settled.outbound  # type: ignore[attr-defined]
    return settled.decision.action


def ticket(talk: Conversation) -> dict[str, Any]:
    return talk.ticket(str(talk.tickets()[0]["ref"]))


def test_leads_and_who_has_the_role_hear_of_what_is_theirs(talk: Conversation) -> None:
    ref = ticket(talk)["ref"]
    wakes(talk)
    found = written(talk.store)
    assert set(found) == {LEAD, HEAD, FIELD_LEAD}
    for reader in (LEAD, HEAD):
        assert f"Late\n\n{ref}: Repair; A12345; due 25 November 2026 at 5pm; nobody has it" in said(found[reader])
    assert "Late: none" in said(found[FIELD_LEAD])
    assert ref not in said(found[FIELD_LEAD])


def test_S77_the_daily_summary_has_the_last_seal_as_verify_takes_it(talk: Conversation) -> None:
    wakes(talk)
    assert "Seal" not in said(written(talk.store)[HEAD])
    (seal,) = seal_all(talk.store, keys_from(talk.context.keys.secrets), talk.now, 1)
    talk.later(days=1)
    wakes(talk)
    assert f"Seal of the histories, to be kept: {seal}\n" in said(written(talk.store)[HEAD])


def test_who_has_a_restricted_request_is_told_to_its_lead_alone(talk: Conversation) -> None:
    with talk.store.write() as tx:
        tx.execute(update(tickets).values(show_to="named", assignee=CLEO.address))
    wakes(talk)
    found = written(talk.store)
    assert f"{CLEO.address} has it" in said(found[LEAD])
    assert CLEO.address not in said(found[HEAD])
    assert "nobody has it" not in said(found[HEAD])


def test_nothing_is_sent_twice_after_a_restart(talk: Conversation) -> None:
    for hours in (0, 0, 2, 6):
        talk.later(hours=hours)
        wakes(talk)
    assert len(written(talk.store)) == 3
    talk.later(days=1)
    wakes(talk)
    with talk.store.read() as connection:
        mails = outbox_mails.c
        own = (mails.recipient == LEAD) & (mails.message == "daily")
        causes = list(connection.scalars(select(mails.cause).where(own)))
    assert sorted(causes) == ["daily 2026-11-26", "daily 2026-11-27"]


def test_two_nodes_that_wake_at_once_write_one_summary(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailgate.store.troubles.was_written", lambda *_: False)  # neither sees what the other does
    wakes(talk)
    wakes(talk)
    assert len(written(talk.store)) == 3


def test_none_before_its_time_and_none_at_the_weekend(talk: Conversation) -> None:
    talk.now = talk.now.replace(hour=7, minute=59)
    wakes(talk)
    talk.now = talk.now.replace(hour=12) + timedelta(days=2)
    wakes(talk)
    assert written(talk.store) == {}


def test_what_was_due_before_the_first_mail_is_not_written(talk: Conversation) -> None:
    """It is Thursday, 10am; the week's was due on Monday at 8am."""
    for first_at, found in [
        (talk.now, []),
        (talk.now.replace(hour=7), ["daily"]),
        (talk.now - timedelta(days=4), ["daily", "weekly"]),
    ]:
        with talk.store.write() as tx:
            tx.execute(update(raw_mails).values(received_at=first_at))
        wakes(talk)
        assert [message for message in ("daily", "weekly") if written(talk.store, message)] == found


def test_without_any_mail_there_is_no_summary(quiet: Conversation) -> None:
    quiet.later(days=3)
    wakes(quiet)
    assert written(quiet.store) == {}


def test_the_week_has_its_figures_and_a_workbook(talk: Conversation) -> None:
    talk.hears(REQUEST, BEN)
    give(talk.store, talk.context, str(ticket(talk)["ref"]), Order("done"), talk.now)
    talk.later(days=4)  # Monday
    wakes(talk)
    mail = written(talk.store, "weekly")[HEAD]
    assert "- Hardware: New 1, Finished 1, Working hours 24, Within time 0%" in said(mail)
    attached = [part for part in message_from_bytes(mail.content).walk() if part.get_filename()]
    assert "made no work: 1" in said(mail)
    assert [part.get_filename() for part in attached] == ["figures.xlsx"]
    assert attached[0].get_payload(decode=True).startswith(b"PK")


def test_a_manager_gives_it_more_days_with_a_reason(talk: Conversation) -> None:
    wakes(talk)
    mail = written(talk.store)[HEAD]
    assert presses(talk, mail, "Give more days", "the part comes on Monday", HEAD) is Action.COMMAND
    assert ticket(talk)["due_at"] == "2026-11-30T17:00:00+00:00"  # two working days from now: it was late
    event = next(event for event in ticket(talk)["events"] if event["what"] == "command")
    assert (event["data"]["do"], event["data"]["days"]) == ("extend", 2)


def test_a_manager_asks_the_requester(talk: Conversation) -> None:
    wakes(talk)
    assert presses(talk, written(talk.store)[HEAD], "Ask the requester", "Which room?", HEAD) is Action.COMMAND
    (asked,) = talk.outbound  # type: ignore[attr-defined]
    assert (asked.message, asked.recipient) == ("question", ANN)
    assert "Which room?" in text_of(asked)
    assert (ticket(talk)["status"], ticket(talk)["waiting_for"]) == ("waiting", "requester")
    talk.hears("Room 12.", ANN, asked)
    assert ticket(talk)["status"] == "open"


def test_a_lead_gives_it_to_one_of_the_team(talk: Conversation) -> None:
    wakes(talk)
    assert presses(talk, written(talk.store)[LEAD], "Assign to", "Dev Patel", LEAD) is Action.COMMAND
    assert ticket(talk)["assignee"] == DEV.address


@pytest.mark.parametrize("sender", [BEN, CLEO.address, OTHER_AGENT.address, FIELD_LEAD, "mallory@mail.example"])
def test_E186_a_button_acts_for_its_reader_alone(talk: Conversation, sender: str) -> None:
    wakes(talk)
    before = ticket(talk)
    assert presses(talk, written(talk.store)[HEAD], "Assign to", "Dev Patel", sender) is not Action.COMMAND
    assert (ticket(talk)["assignee"], ticket(talk)["due_at"]) == (before["assignee"], before["due_at"])


def test_E186_who_no_longer_has_the_role_orders_nothing(talk: Conversation) -> None:
    wakes(talk)
    with talk.store.write() as tx:
        people.put(tx, [Person(HEAD, "Hal Ford", "agent")])
    assert presses(talk, written(talk.store)[HEAD], "Assign to", "Dev Patel", HEAD) is not Action.COMMAND


def test_E186_a_manager_closes_nothing_by_a_button(talk: Conversation) -> None:
    wakes(talk)
    mail = written(talk.store)[HEAD]
    address = re.findall(r"- Assign to: mailto:([^?]+)", said(mail))[0]
    raw = message_from_bytes(talk.mail("Done.", HEAD, subject=f"Re: [{ticket(talk)['ref']}]"))
    raw.replace_header("To", unquote(address))
    talk.arrives(raw.as_bytes(), HEAD, unquote(address))
    talk.works()
    assert ticket(talk)["status"] == "new"


@pytest.mark.parametrize("words", ["because it is late", "0 days because", "2 days"])
def test_days_without_a_number_or_a_reason_change_nothing(talk: Conversation, words: str) -> None:
    wakes(talk)
    due_at = ticket(talk)["due_at"]
    mail: Outbound = written(talk.store)[LEAD]
    address = re.findall(r"- Give more days: mailto:([^?]+)", said(mail))[0]
    raw = message_from_bytes(talk.mail(f"#extend {words}", LEAD, subject=f"Re: [{ticket(talk)['ref']}]"))
    raw.replace_header("To", unquote(address))
    talk.arrives(raw.as_bytes(), LEAD, unquote(address))
    talk.works()
    assert ticket(talk)["due_at"] == due_at


def test_one_summary_can_be_sent_or_looked_at_now(talk: Conversation) -> None:
    digests = Digests(talk.store, talk.context, lambda: talk.now)
    assert "Daily summary for 26 November 2026" in digests.page(LEAD, "daily")
    assert digests.send(LEAD, "daily")
    assert not digests.send(LEAD, "daily")
    with pytest.raises(Refused, match="gets no daily summary; these do: "):
        digests.send(BEN, "daily")
