"""Lists by mail, on both engines: who gets which, and what their buttons do."""

import re
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest
from sqlalchemy import select

from mailgate.app import context_of
from mailgate.model.decision import Action
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.store import people
from mailgate.store.engine import Store
from mailgate.store.tables import messages, outbox_mails
from mailgate.workers.worklists import Worklists
from tests.conversation import Conversation, text_of
from tests.make import ANN, BEN, CLEO, DEV, STRANGER, make_config

REQUEST = "The screen of A12345 does not start. I am in room 12."
QUESTIONS = {"mine": ["my list"], "team": ["team list"], "status": ["status"]}
COMMANDS = {"take": ["#take"], "done": ["#done"]}


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    config = make_config(questions=QUESTIONS, commands=COMMANDS)
    config = config.model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    with store.write() as tx:
        people.put(tx, [CLEO, DEV])
    return Conversation(store, context_of(config, store))


def asks(talk: Conversation, text: str, sender: str) -> list[Outbound]:
    return list(talk.hears(text, sender, subject="Question").outbound)


def pressed(talk: Conversation, mail: Outbound, label: str, sender: str) -> Action:
    """What became of the mail that the first button *label* of *mail* opens."""
    address, _, said = re.findall(rf"- {label}: mailto:(\S+)", text_of(mail))[0].partition("?")
    words = {name: values[0] for name, values in parse_qs(said).items()}
    mail_back = message_from_bytes(talk.mail(words.get("body", ""), sender, subject=words["subject"]))
    mail_back.replace_header("To", unquote(address))
    talk.arrives(mail_back.as_bytes(), sender)
    (settled,) = talk.works()
    return settled.decision.action


def test_E205_a_team_list_has_buttons_that_act_for_their_reader(talk: Conversation) -> None:
    (ref,) = talk.hears(REQUEST, ANN).references
    (listed,) = asks(talk, "Team list", CLEO.address)
    assert (listed.message, listed.recipient) == ("worklist", CLEO.address)
    assert ref in text_of(listed)
    assert asks(talk, "my list", CLEO.address)[0].subject == "Your worklist"
    assert pressed(talk, listed, "I'll take it", CLEO.address) is Action.COMMAND
    assert talk.ticket(ref)["assignee"] == CLEO.address
    assert ref in text_of(asks(talk, "my list", CLEO.address)[0])
    assert pressed(talk, listed, "Done", DEV.address) is not Action.COMMAND  # E186: not the mail they got


def test_whoever_does_no_work_here_gets_no_worklist(talk: Conversation) -> None:
    talk.hears(REQUEST, ANN)
    for sender in (ANN, STRANGER):
        mails = asks(talk, "team list", sender)
        assert "worklist" not in [mail.message for mail in mails]


def test_a_requester_who_writes_status_hears_of_their_own_requests(talk: Conversation) -> None:
    (ref,) = talk.hears(REQUEST, ANN).references
    (listed,) = asks(talk, "Status?", ANN)
    assert listed.message == "open_requests"
    assert ref in text_of(listed)
    (nothing,) = asks(talk, "Status", BEN)
    assert ref not in text_of(nothing)
    assert "not working on anything" in text_of(nothing)
    assert len(talk.tickets()) == 1


def test_every_morning_each_agent_gets_one_worklist(talk: Conversation) -> None:
    talk.hears(REQUEST, ANN)
    (listed,) = asks(talk, "team list", DEV.address)
    pressed(talk, listed, "I'll take it", DEV.address)
    sent = []
    for hour in (5, 6, 8, 9):
        now = talk.now.replace(hour=hour) + timedelta(days=1)
        Worklists(talk.store, talk.context, lambda now=now: now).turn()  # type: ignore[misc]
        sent.append(worklists(talk))
    assert sent[0] == []
    assert sent[-1] == sent[2] == [DEV.address]
    Worklists(talk.store, talk.context, lambda: talk.now + timedelta(days=6)).turn()
    assert worklists(talk) == [DEV.address], "it is a Saturday"


def worklists(talk: Conversation) -> list[str]:
    """Who got one of a morning."""
    with talk.store.read() as connection:
        found = connection.execute(select(outbox_mails).where(outbox_mails.c.cause.startswith("worklist")))
        return [row.recipient for row in found]


@pytest.mark.parametrize("said", ["The first one is done, and so is the second.", "Done", "#done"])
def test_a_plain_answer_to_a_whole_list_is_told_what_to_do_and_opens_nothing(talk: Conversation, said: str) -> None:
    (ref,) = talk.hears(REQUEST, ANN).references
    (listed,) = asks(talk, "team list", CLEO.address)
    before = talk.tickets()
    talk.later(minutes=1)  # nobody reads it within seconds (E135)
    told = talk.hears(said, CLEO.address, listed)
    (mail,) = told.outbound
    assert (told.decision.action, mail.message, mail.recipient) == (Action.IGNORE, "refused", CLEO.address)
    assert "press a button below the one you mean" in text_of(mail)
    assert ref not in mail.subject
    assert talk.tickets() == before
    with talk.store.read() as connection:
        kept = connection.execute(select(messages.c.reply_text).where(messages.c.id == told.spooled.id)).scalar_one()
    assert said in kept


def test_thanks_for_a_list_are_answered_by_nothing(talk: Conversation) -> None:
    talk.hears(REQUEST, ANN)
    (listed,) = asks(talk, "team list", CLEO.address)
    talk.later(minutes=1)
    assert talk.hears("Thanks", CLEO.address, listed).outbound == ()


def test_who_passes_a_list_on_or_may_not_be_answered_opens_a_request(talk: Conversation) -> None:
    talk.hears(REQUEST, ANN)
    (listed,) = asks(talk, "team list", CLEO.address)
    assert talk.hears("Please look at the second.", DEV.address, listed).decision.action is Action.NEW_TICKET
    silent = talk.hears("The second one.", CLEO.address, listed, x_auto_response_suppress="All")
    assert silent.decision.action is Action.NEW_TICKET
