"""Nobody is answered for ever: whole gateways against each other, machines and floods (S41-S44, T7)."""

import email
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import pytest
from sqlalchemy import text

from mailgate.app import context_of, make_ready
from mailgate.model.message import Envelope
from mailgate.model.operator import Operator, Send
from mailgate.model.operator import Store as StoreSettings
from mailgate.model.outbound import Attempt, SendState
from mailgate.notify.fields import TO_TEAM
from mailgate.store import outbox
from mailgate.store.engine import Store, open_store
from mailgate.store.spool import ingest_key, put
from mailgate.workers.intake import Intake
from mailgate.workers.loop import turn
from tests.make import make_config

BEGUN = datetime.now(UTC).replace(microsecond=0)
NUMBERS = itertools.count(1)
Machine = Callable[[Attempt, Message], tuple[str, str, bytes] | None]
"""What answers a mail: sender, envelope sender and mail, or None."""


class Gateway:
    """A whole one for *domain*, with its store and its decisions; ``answers`` is what it sends."""

    def __init__(self, folder: Path, domain: str, via: str = "maildir:x") -> None:
        self.mailbox, self.now = f"helpdesk@{domain}", BEGUN
        service = {"send_from": None, "domains": [domain], "mailboxes": {self.mailbox: {"team": "desk"}}}
        service["questions"] = {"status": ["status"]}
        operator = Operator(
            store=StoreSettings(url=f"sqlite:///{folder}/{domain}.db"),
            send=Send(via=via),
            keys=f"{folder}/{domain}.keys",
        )
        config = make_config(**service).model_copy(update={"operator": operator})
        self.store: Store = open_store(operator)
        make_ready(self.store, config)
        self._intake = Intake(self.store, context_of(config, self.store), lambda: self.now)

    def receives(self, raw: bytes, sender: str, to: str = "", *, vouched: bool = False) -> None:
        envelope = Envelope(sender, (to or self.mailbox,), self.now, vouched=vouched)
        with self.store.write() as tx:
            put(tx, [(ingest_key(envelope, raw), envelope, raw)])

    def answers(self) -> list[Attempt]:
        """What goes to those who wrote: the team's own mails go to colleagues, whom E137 spares."""
        while turn(self._intake):
            pass
        sent = outbox.claim(self.store, 1000, 60)
        outbox.record(self.store, [outbox.Result(each, SendState.SENT) for each in sent], self.now)
        return [each for each in sent if each.message not in TO_TEAM]

    def count(self, query: str) -> int:
        with self.store.read() as connection:
            return int(connection.execute(text(query)).scalar_one())


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    opened: list[Gateway] = []

    def gateway(domain: str = "council.example", via: str = "maildir:x") -> Gateway:
        opened.append(Gateway(tmp_path, domain, via))
        return opened[-1]

    yield gateway
    for each in opened:
        each.store.close()


def mail(sender: str, to: str, subject: str = "", headers: str = "", words: str = "Please help me.") -> bytes:
    number = next(NUMBERS)
    subject = subject or f"Question {number}"
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{number}@mail.example>\r\n"
        f"Date: {BEGUN:%a, %d %b %Y %H:%M:%S} +0000\r\n{headers}\r\n{words} This is number {number}.\r\n"
    ).encode()


# ---------------------------------------------------------------- what answers us

STRANGER = "jo@mail.example"


def out_of_office(attempt: Attempt, ours: Message) -> tuple[str, str, bytes]:
    return STRANGER, STRANGER, mail(STRANGER, _reply_to(ours), "Away", "Auto-Submitted: auto-replied\r\n")


def dumb_responder(attempt: Attempt, ours: Message) -> tuple[str, str, bytes]:
    """Says in no header that it is one, but answers in the thread."""
    thread = f"In-Reply-To: {ours['Message-ID']}\r\n"
    return STRANGER, STRANGER, mail(STRANGER, _reply_to(ours), f"Re: {ours['Subject']}", thread, "I am away.")


def echo(attempt: Attempt, ours: Message) -> tuple[str, str, bytes]:
    """A new mail with a new subject, each time."""
    return STRANGER, STRANGER, mail(STRANGER, _reply_to(ours).replace(_tag(ours), ""))


def bouncer(attempt: Attempt, ours: Message) -> tuple[str, str, bytes]:
    return "mailer-daemon@mail.example", "", mail("mailer-daemon@mail.example", _reply_to(ours), "Undeliverable")


def notify(attempt: Attempt, ours: Message) -> tuple[str, str, bytes]:
    """Another service that answers by GOV.UK Notify, which marks nothing as automatic (docs/notify.md section 1)."""
    sender = "service@notifications.service.gov.uk"
    return sender, "0100018@email.notifications.service.gov.uk", mail(sender, _reply_to(ours), "We have your message")


def to_the_return_path(attempt: Attempt, ours: Message) -> tuple[str, str, bytes] | None:
    """RFC 3834: an answer goes where failures go, which a null sender forbids."""
    return (STRANGER, STRANGER, mail(STRANGER, attempt.sender)) if attempt.sender else None


def _reply_to(ours: Message) -> str:
    return str(ours["Reply-To"]).rpartition("<")[2].rstrip(">")


def _tag(ours: Message) -> str:
    return "+" + _reply_to(ours).partition("+")[2].partition("@")[0]


@pytest.mark.parametrize("machine", [out_of_office, dumb_responder, echo, bouncer, notify, to_the_return_path])
@pytest.mark.parametrize("via", ["maildir:x", "smtp://relay.example:25"])
def test_S41_whatever_answers_us_gets_one_acknowledgement(made, via: str, machine: Machine) -> None:
    ours = made(via=via)
    ours.receives(mail(STRANGER, ours.mailbox), STRANGER)
    sent = []
    for _ in range(7 * 24):  # a week, an exchange an hour
        answers = ours.answers()
        sent += answers
        ours.now += timedelta(hours=1)
        for attempt in answers:
            if answered := machine(attempt, email.message_from_bytes(attempt.content)):
                _, path, raw = answered
                to = attempt.sender if machine is to_the_return_path else ""
                ours.receives(raw, path, to)
    a_day = 1 if machine is not echo else 7  # an echo that hides well is a new mail each time: one answer a day
    assert 1 <= len(sent) <= a_day
    assert {attempt.recipient for attempt in sent} == {STRANGER}


def test_S41_our_own_mail_that_comes_back_is_not_answered(made) -> None:
    ours = made()
    ours.receives(mail("ann@council.example", ours.mailbox), "ann@council.example", vouched=True)
    (attempt,) = ours.answers()
    for sender in ("", ours.mailbox, "ann@council.example"):
        ours.receives(attempt.content, sender, vouched=True)
        assert ours.answers() == []


@pytest.mark.parametrize(
    ("headers", "sender", "path"),
    [
        ("", STRANGER, ""),
        ("", "MAILER-DAEMON@mail.example", "x@mail.example"),
        ("", "noreply@mail.example", "noreply@mail.example"),
        ("List-Id: <news.mail.example>\r\n", STRANGER, STRANGER),
        ("", "helpdesk@council.example", "helpdesk@council.example"),
        ("Precedence: bulk\r\n", STRANGER, STRANGER),
        ("Auto-Submitted: auto-generated\r\n", STRANGER, STRANGER),
        ("X-Auto-Response-Suppress: All\r\n", STRANGER, STRANGER),
    ],
)
def test_S42_these_are_never_answered(made, headers: str, sender: str, path: str) -> None:
    ours = made()
    ours.receives(mail(sender, ours.mailbox, headers=headers), path)
    assert ours.answers() == []


def test_S43_a_storm_of_forged_senders_is_answered_twenty_times_a_minute_and_each_once(made) -> None:
    ours = made()
    for number in range(150):
        sender = f"p{number % 100}@m{number % 100}.example"
        ours.receives(mail(sender, ours.mailbox), sender)
    first = ours.answers()
    assert len(first) == 20
    assert max(Counter(attempt.recipient for attempt in first).values()) == 1
    assert ours.count("SELECT count(*) FROM tickets") == 150


@pytest.mark.parametrize("keeps_headers", [True, False])
@pytest.mark.parametrize("changes_subject", [True, False])
def test_S44_T7_two_gateways_that_answer_each_other_stop(made, keeps_headers: bool, changes_subject: bool) -> None:
    """Each takes the other's acknowledgement for a request; on the way headers may be lost and subjects changed."""
    first, second = made("council.example"), made("borough.example")
    first.receives(mail(second.mailbox, first.mailbox), second.mailbox)
    sent = 0
    for _ in range(50):
        going = [(first, second, attempt) for attempt in first.answers()]
        going += [(second, first, attempt) for attempt in second.answers()]
        sent += len(going)
        for here, there, attempt in going:
            raw = attempt.content
            if not keeps_headers:
                subject = f"New {next(NUMBERS)}" if changes_subject else "We have received your request"
                raw = mail(here.mailbox, there.mailbox, subject)
            elif changes_subject:
                raw = raw.replace(b"We have received", b"We had")
            there.receives(raw, here.mailbox)
        first.now = second.now = first.now + timedelta(seconds=30)
    assert 1 <= sent <= 2  # one each way


COLLEAGUE = "scanner@council.example"


def asking_in_the_thread(ours: Message, number: int) -> bytes:
    """Says in no header that it is a machine, and its words ask for an answer each time."""
    raw = mail(COLLEAGUE, _reply_to(ours), f"New {number}", f"In-Reply-To: {ours['Message-ID']}\r\n", "status")
    return raw.partition(b"This is number")[0] + b"\r\n"


def under_one_subject(ours: Message, number: int) -> bytes:
    """What it answers nobody knows, so that each mail is a request."""
    return mail(COLLEAGUE, "helpdesk@council.example", "RE: Your message", f"In-Reply-To: <{number}@x>\r\n")


@pytest.mark.parametrize(("machine", "most"), [(asking_in_the_thread, 2), (under_one_subject, 3)])
def test_E135_a_colleagues_machine_that_answers_is_not_answered_for_ever(made, machine, most: int) -> None:
    """Nobody caps how much a verified colleague is answered."""
    ours = made()
    ours.receives(mail(COLLEAGUE, ours.mailbox), COLLEAGUE, vouched=True)
    sent = 0
    for number in range(30):
        answers = [email.message_from_bytes(each.content) for each in ours.answers() if each.recipient == COLLEAGUE]
        sent += len(answers)
        ours.now += timedelta(seconds=5)
        for answer in answers:
            ours.receives(machine(answer, number), COLLEAGUE, vouched=True)
    assert sent == most


def report(to: str, failed: str, status: str) -> bytes:
    """A delivery report that names no mail of ours."""
    recipient = f"Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: {status}\r\n"
    return (
        f"From: MAILER-DAEMON@relay.example\r\nTo: {to}\r\nSubject: Undelivered Mail\r\n"
        f"Message-ID: <{next(NUMBERS)}@relay>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; relay\r\n\r\n{recipient}\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(("status", "flagged"), [("5.1.1", 1), ("5.2.2", 0)])
def test_S45_E141_a_bounce_to_the_return_path_is_on_the_ticket_and_silences_whom_we_wrote_to(
    made, status: str, flagged: int
) -> None:
    ours = made(via="smtp://relay.example:25")
    ours.receives(mail(STRANGER, ours.mailbox), STRANGER)
    (attempt,) = ours.answers()
    ours.receives(report(attempt.sender, "where.it.was.forwarded@other.example", status), "", attempt.sender)
    assert ours.answers() == []
    assert ours.count("SELECT count(*) FROM tickets") == 1
    assert ours.count("SELECT count(*) FROM events WHERE what = 'our mail could not be delivered'") == 1
    assert ours.count("SELECT count(*) FROM events WHERE what = 'requester unreachable'") == flagged
    assert ours.count(f"SELECT count(*) FROM contacts WHERE address = '{STRANGER}' AND flagged_at > 0") == flagged


def test_E142_the_team_hears_once_that_whom_it_waits_for_cannot_be_reached(made) -> None:
    ours = made(via="smtp://relay.example:25")
    ours.receives(mail(STRANGER, ours.mailbox, words="The screen does not start."), STRANGER)
    (attempt,) = (each for each in ours.answers() if each.recipient == STRANGER)
    assert attempt.message == "more_needed"
    ours.receives(report(attempt.sender, STRANGER, "5.1.1"), "", attempt.sender)
    told = ours.answers()
    assert [(each.message, each.recipient) for each in told] == [("unreachable", "lena.brook@council.example")]
    ours.receives(report(attempt.sender, STRANGER, "5.1.1"), "", attempt.sender)
    assert ours.answers() == []


def test_T7_E136_five_hundred_mails_an_hour_from_one_sender_are_twenty_tickets_and_one_that_collects(made) -> None:
    ours = made()
    sent = []
    for number in range(500):
        ours.receives(mail(STRANGER, ours.mailbox), STRANGER)
        if number % 50 == 49:
            sent += ours.answers()
            ours.now += timedelta(minutes=5)
    assert ours.count("SELECT count(*) FROM tickets") == 21
    assert ours.count("SELECT count(*) FROM messages") == 500
    collecting = "SELECT count(*) FROM messages WHERE ticket_id = (SELECT ticket_id FROM floods)"
    assert ours.count(collecting) == 480
    assert len(sent) == 1


def test_E136_a_domain_outside_opens_sixty_tickets_an_hour_however_many_senders_it_has(made) -> None:
    ours = made()
    for number in range(130):
        sender = f"p{number}@mail.example"
        ours.receives(mail(sender, ours.mailbox), sender)
    ours.answers()
    assert ours.count("SELECT count(*) FROM tickets") == 61
    ours.now += timedelta(hours=1, seconds=1)
    ours.receives(mail(STRANGER, ours.mailbox), STRANGER)
    ours.answers()
    assert ours.count("SELECT count(*) FROM tickets") == 62


def test_E136_once_the_collecting_ticket_is_closed_another_one_collects(made) -> None:
    ours = made()
    for closed in (False, True):
        for _ in range(25):
            ours.receives(mail(STRANGER, ours.mailbox), STRANGER)
        ours.answers()
        assert ours.count("SELECT count(*) FROM tickets") == (22 if closed else 21)
        with ours.store.write() as tx:
            tx.execute(
                text("UPDATE tickets SET closed_at = 1, status = 'done' WHERE id = (SELECT ticket_id FROM floods)")
            )


def test_E136_one_acknowledgement_in_ten_minutes_is_counted_for_each_mailbox(made) -> None:
    ours = made()
    ours.receives(mail(STRANGER, ours.mailbox), STRANGER)
    (attempt,) = ours.answers()
    counted = ours.count(
        "SELECT count(*) FROM outbox_mails JOIN tickets ON tickets.id = ticket_id WHERE mailbox != '' AND to_stranger"
    )
    assert (attempt.recipient, counted) == (STRANGER, 1)
