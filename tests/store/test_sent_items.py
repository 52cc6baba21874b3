"""Our mails in a real Dovecot's folder of sent mail: what they are called there, and that they went (E124, E140)."""

from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import text

from mailgate.errors import Refused
from mailgate.ingest.imap import MailFolder
from mailgate.ingest.mailbox_folder import header_of
from mailgate.ingest.sent_items import ours
from mailgate.model.folder import Sent
from mailgate.workers.sent_items import SentItems
from tests.dovecot import PASSWORD, dovecot
from tests.store import made

REF, LOOP = "MG-7K3F-99", "0123456789abcdef"
GIVEN = "<LO2P1@PROD.OUTLOOK.COM>"


def copy(serial: int | str = 1, *, loop: str = LOOP, message_id: str = GIVEN, ref: str = REF) -> bytes:
    """A mail of ours as a server files it."""
    head = f"Subject: s\r\nMessage-ID: {message_id}\r\nX-Mailgate-Loop: {loop}\r\nX-Mailgate-Id: {ref}.{serial}\r\n"
    return f"{head}\r\nWe have it.\r\n".encode()


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        (copy(4), Sent(REF, 4, GIVEN)),
        (copy(loop="another"), None),
        (copy("x"), None),
        (copy("9999999999"), None),
        (copy("\u0664"), None),
        (copy(message_id=""), None),
        (b"Subject: written by a person\r\nMessage-ID: <a@x>\r\n\r\nHello\r\n", None),
    ],
)
def test_E124_a_mail_of_ours_says_which_it_is(mail: bytes, expected: Sent | None) -> None:
    assert ours(header_of(mail), LOOP) == expected


@pytest.fixture(scope="module")
def server():
    with dovecot() as running:
        yield running


@pytest.fixture
def filed(server, request):
    """What a test files among what was sent, by an account of its own."""
    own = server.of(f"{abs(hash(request.node.name))}@council.example")
    with own.client() as client:
        client.create("Sent")

    def file(*mails: bytes):
        with own.client() as client:
            for mail in mails:
                client.append("Sent", "", "", mail)
        return own

    return file


def learner(store, *accounts) -> SentItems:
    return SentItems(store, {own.user: partial(folder, own) for own in accounts}, LOOP, lambda: datetime.now(UTC))


def folder(own) -> MailFolder:
    return MailFolder(own.account(sent_folder="Sent"), lambda: PASSWORD)


def evidence(store, message_id: str) -> list[tuple[str, str]]:
    (facts,) = made.looked_up(store, made.reading(in_reply_to=(message_id,)))
    return [(each.ticket.ref, each.mailed_to) for each in facts.evidence]


def sent_states(store) -> list[tuple[str, int]]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT state, doubts FROM outbox ORDER BY id"))]


def test_E124_a_reply_to_the_id_that_the_server_gave_finds_its_ticket(filed, store):
    made.opened(store, REF)
    own = filed(b"Subject: by a person\r\n\r\nx\r\n", copy(loop="another", message_id="<b@x>"), copy())
    assert evidence(store, GIVEN) == []
    worker = learner(store, own)
    worker.turn()
    worker.turn()
    assert (evidence(store, GIVEN), evidence(store, "<b@x>")) == ([(REF, made.ANN)], [])


def test_E124_what_comes_later_is_learnt_at_the_next_look_and_nothing_is_read_twice(filed, store):
    for ref in (REF, "MG-2346-7T"):
        made.opened(store, ref)
    own = filed(copy())
    worker = learner(store, own)
    worker.turn()
    with store.write() as tx:
        tx.execute(text("DELETE FROM receipts"))
    filed(copy(ref="MG-2346-7T", message_id="<second@PROD.OUTLOOK.COM>"))
    worker.turn()
    assert evidence(store, "<second@PROD.OUTLOOK.COM>") == [("MG-2346-7T", made.ANN)]
    assert evidence(store, GIVEN) == []


def test_E124_a_mail_that_kept_its_id_has_no_other(filed, store):
    made.opened(store, REF)
    learner(store, filed(copy(message_id=f"<mg.{REF}.1@gate.council.example>"))).turn()
    with store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM receipts")) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("ready", 1), ("sent", 0)),
        (("uncertain", 2), ("sent", 0)),
        (("ready", 0), ("ready", 0)),  # a person has it sent again
        (("cancelled", 1), ("cancelled", 1)),
    ],
)
def test_E140_what_may_have_gone_and_is_found_there_went(filed, store, before, after):
    made.opened(store, REF)
    with store.write() as tx:
        tx.execute(
            text("UPDATE outbox SET state = :state, doubts = :doubts"), {"state": before[0], "doubts": before[1]}
        )
    learner(store, filed(copy())).turn()
    assert sent_states(store) == [after]


def test_a_folder_that_is_not_there_is_told_and_keeps_no_other_from_being_looked_at(filed, server, store):
    made.opened(store, REF)
    lacking = server.of("nobody@council.example")
    with pytest.raises(Refused, match="check imap"):
        next(iter(folder(lacking).sent(datetime.now(UTC), None)))
    learner(store, lacking, filed(copy())).turn()
    assert evidence(store, GIVEN) == [(REF, made.ANN)]
