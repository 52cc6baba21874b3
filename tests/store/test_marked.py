"""What an agent writes under a higher marking leaves the organisation only once it was confirmed (E208)."""

from pathlib import Path

import pytest

from mailgate.app import context_of
from mailgate.model.config import Config
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.store.engine import Store
from tests.conversation import Conversation, text_of
from tests.make import ANN, SERVICE, STRANGER, make_config

LENA = "lena.brook@council.example"  # who leads the desk
HIGH, ANSWER = "OFFICIAL-SENSITIVE", "The new screen is in room 12."


def talk_of(store: Store, folder: Path, config: Config) -> Conversation:
    return Conversation(
        store, context_of(config.model_copy(update={"operator": Operator(keys=f"{folder}/keys")}), store)
    )


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    return talk_of(store, tmp_path, make_config(commands={**SERVICE["commands"], "reply": ["#reply"], "ask": ["#ask"]}))


def asked(talk: Conversation, sender: str, marking: str) -> Outbound:
    """The mail by which the desk's lead hears of a request."""
    settled = talk.hears(f"{marking}\n\nThe screen of A12345 does not start. I am in room 12.", sender)
    return next(mail for mail in settled.outbound if mail.recipient == LENA)


def sent(talk: Conversation, words: str, to: Outbound) -> list[tuple[str, str]]:
    return [(mail.message, mail.recipient) for mail in talk.hears(words, LENA, to).outbound]


@pytest.mark.parametrize(
    ("words", "message"),
    [(ANSWER, "answer"), (f"#reply {ANSWER}", "answer"), ("#ask Which screen is it?", "question")],
)
def test_E208_words_under_a_higher_marking_go_outside_once_they_were_confirmed(
    talk: Conversation, words: str, message: str
) -> None:
    work = asked(talk, STRANGER, HIGH)
    kept = talk.hears(words, LENA, work)
    (confirm,) = kept.outbound
    assert (confirm.message, confirm.recipient) == ("confirm", LENA)
    assert f"they are {HIGH}, and would leave our organisation" in text_of(confirm)
    assert ANSWER not in text_of(confirm)
    (said, *_) = talk.hears(words, LENA, confirm).outbound
    assert (said.message, said.recipient) == (message, STRANGER)
    assert text_of(said).splitlines()[2] == HIGH


@pytest.mark.parametrize(("sender", "marking"), [(STRANGER, "OFFICIAL"), (STRANGER, ""), (ANN, HIGH)])
def test_E208_the_lowest_marking_and_colleagues_need_no_confirming(
    talk: Conversation, sender: str, marking: str
) -> None:
    assert sent(talk, ANSWER, asked(talk, sender, marking)) == [("answer", sender)]


def test_E208_what_the_agent_marks_counts_as_well(talk: Conversation) -> None:
    work = asked(talk, STRANGER, "")
    marked = f"{HIGH} [PERSONAL]\n\n{ANSWER}"
    kept = talk.hears(marked, LENA, work)
    assert [mail.message for mail in kept.outbound] == ["confirm"]
    (said,) = talk.hears(marked, LENA, kept.outbound[0]).outbound
    assert text_of(said).splitlines()[2] == f"{HIGH} [PERSONAL]"


def test_E208_orders_that_send_no_words_run_at_once(talk: Conversation) -> None:
    assert ("done", STRANGER) in sent(talk, "Done", asked(talk, STRANGER, HIGH))


@pytest.mark.parametrize(("wanted", "said"), [(True, f"{HIGH}: "), (False, "")])
def test_E208_the_marking_stands_in_the_subject_where_the_service_wants_it(
    store: Store, tmp_path: Path, wanted: bool, said: str
) -> None:
    talk = talk_of(store, tmp_path, make_config(privacy={"marking_in_subject": wanted}))
    settled = talk.hears(f"{HIGH}\n\nThe screen of A12345 does not start. I am in room 12.", ANN)
    (received,) = (mail for mail in settled.outbound if mail.message == "received")
    assert received.subject == f"[{settled.references[0]}] {said}We have received your request"
    follow = talk.hears("It is the left one.", ANN, received)
    assert follow.decision.ticket is not None
    assert follow.reading.subject == "We have received your request"
