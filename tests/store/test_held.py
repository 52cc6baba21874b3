"""Files that a rule holds back, from their mail to a person's word, on both engines."""

from base64 import b64encode
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from mailgate.app import context_of
from mailgate.errors import Refused
from mailgate.model.operator import Operator
from mailgate.model.outbound import Outbound
from mailgate.model.ticket import FileState
from mailgate.store import held, people
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from tests.conversation import Conversation
from tests.make import ANN, CLEO, NOW, STRANGER, make_config

HOLD = {
    "name": "From outside",
    "when": {"from": "anyone outside council.example"},
    "then": {"attachments": "hold until a person releases them"},
}
# In parts: scanners read this file too.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
REQUEST = "Could you repair the screen of A12345? Room 12."


@pytest.fixture
def talk(store: Store, tmp_path: Path) -> Conversation:
    config = make_config(rules=[HOLD]).model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    return Conversation(store, context_of(config, store))


def sends(talk: Conversation, sender: str, *names: str, answers: Outbound | None = None) -> Settled:
    """*sender* sends a mail with files of these *names*; what became of it."""
    mail = message_from_bytes(talk.mail(REQUEST, sender, answers), EmailMessage, policy=policy.default)
    for name in names:
        mail.add_attachment(name.encode(), maintype="application", subtype="octet-stream", filename=name)
    talk.arrives(mail.as_bytes(), sender, vouched=sender == ANN)
    (settled,) = talk.works()
    return settled


def waiting(talk: Conversation) -> list[tuple[str, str]]:
    with talk.store.read() as connection:
        return [(each["ticket"], each["filename"]) for each in held.held(connection)]


def states(talk: Conversation, ref: str) -> list[str | None]:
    messages: Any = talk.ticket(ref)["messages"]
    return [file["state"] for mail in messages for file in mail["attachments"]]


def settle(talk: Conversation, ref: str, state: FileState) -> list[str]:
    with talk.store.read() as connection:
        files = held.of_ticket(connection, ref)
    return held.settle(talk.store, files, state, NOW)


def test_files_from_outside_wait_until_a_person_releases_them(talk: Conversation) -> None:
    (ref,) = sends(talk, STRANGER, "a.pdf", "b.pdf").references
    assert waiting(talk) == [(ref, "a.pdf"), (ref, "b.pdf")]
    assert settle(talk, ref, FileState.RELEASED) == ["a.pdf", "b.pdf"]
    assert (waiting(talk), states(talk, ref)) == ([], ["released", "released"])
    events: Any = talk.ticket(ref)["events"]
    assert [event["what"] for event in events[-2:]] == ["attachment released"] * 2
    assert (events[-1]["actor"], events[-1]["personal"]) == ("operator", {"name": "b.pdf"})
    with pytest.raises(Refused, match="no file of"):
        settle(talk, ref, FileState.DISCARDED)


def test_what_is_sent_later_to_the_same_ticket_waits_too(talk: Conversation) -> None:
    opened = sends(talk, STRANGER)
    (ref,), (received, *_) = opened.references, opened.outbound
    assert sends(talk, STRANGER, "photo.png", answers=received).references == ()
    assert waiting(talk) == [(ref, "photo.png")]


def test_files_that_no_rule_names_wait_for_nobody(talk: Conversation) -> None:
    (ref,) = sends(talk, ANN, "plan.pdf").references
    assert (waiting(talk), states(talk, ref)) == ([], [None])


def test_a_file_that_is_not_held_is_refused_and_nothing_is_released_beside_it(talk: Conversation) -> None:
    (ref,) = sends(talk, STRANGER, "a.pdf").references
    with talk.store.read() as connection:
        (file,) = held.of_ticket(connection, ref)
    with pytest.raises(Refused, match=r'no file "99\.1" is held'):
        held.settle(talk.store, [file, (99, 1)], FileState.DISCARDED, NOW)
    assert waiting(talk) == [(ref, "a.pdf")]


def test_S58_a_file_with_a_virus_is_locked_until_a_person_says_otherwise_and_its_ticket_is_usable(
    talk: Conversation,
) -> None:
    with talk.store.write() as tx:
        people.put(tx, [CLEO])
    mail = message_from_bytes(talk.mail(REQUEST, STRANGER), EmailMessage, policy=policy.default)
    mail.add_attachment(EICAR, maintype="application", subtype="octet-stream", filename="eicar.com")
    talk.arrives(mail.as_bytes(), STRANGER, vouched=False)
    (opened,) = talk.works()
    (ref,) = opened.references
    assert states(talk, ref) == ["held"]
    to_cleo = next(each for each in opened.outbound if each.recipient == CLEO.address)
    answered = [*opened.outbound]
    for words in ("I'll take it", "Done"):
        answered += talk.hears(words, CLEO.address, to_cleo).outbound
    assert talk.ticket(ref)["status"] == "done"
    assert states(talk, ref) == ["held"]
    assert not [each.subject for each in answered if EICAR in each.content or b64encode(EICAR)[:40] in each.content]
    settle(talk, ref, FileState.RELEASED)
    assert states(talk, ref) == ["released"]
