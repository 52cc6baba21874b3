"""One request by three people who have nothing but a mail program, from the question to the reopening.

What each of them sees stands in ``conversation.txt`` of the test's folder; ``-s`` prints it too.
"""

import csv
import email
import os
import smtplib
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

from aiosmtpd.controller import Controller

from tests.gateway import MAILBOX, ROOT, gateway, wait_until
from tests.servers import free_port

DARA = "dara.whitlock@justice.example"  # asks
PRIYA = "priya.thandi-rowe@justice.example"  # does it
KWAME = "kwame.ashdown@justice.example"  # leads her team
PEOPLE = [("name", "address", "role", "unit", "team"),
          ("Dara Whitlock", DARA, "practitioner", "Aldermoor PDU", ""),
          ("Priya Thandi-Rowe", PRIYA, "administrator", "Enforcement Hub", "enforcement-hub"),
          ("Kwame Ashdown", KWAME, "manager", "Enforcement Hub", "enforcement-hub")]  # fmt: skip


class Post:
    """The mail server of the three: what the gateway sends stands in ``mails``, what they send goes to it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.said: list[str] = []
        self.port = 0

    async def handle_DATA(self, server, session, envelope) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def write(self, sender: str, text: str, answering: EmailMessage | None = None, subject: str = "") -> None:
        mail = EmailMessage()
        mail["From"], mail["Message-ID"] = sender, make_msgid(domain="justice.example")
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["To"] = answering["Reply-To"] if answering else MAILBOX
        mail["Subject"] = f"Re: {answering['Subject']}" if answering else subject
        quoted = ""
        if answering is not None:
            mail["In-Reply-To"] = mail["References"] = answering["Message-ID"]
            lines = "".join(f"> {line}\n" for line in text_of(answering).splitlines())
            quoted = f"\n\nOn Monday the gateway wrote:\n{lines}"
        mail.set_content(f"{text}{quoted}")
        self._note(sender, parseaddr(str(mail["To"]))[1], str(mail["Subject"]), text)
        with smtplib.SMTP("127.0.0.1", self.port) as client:
            client.send_message(mail, sender, [parseaddr(str(mail["To"]))[1]])

    def heard(self, reader: str, subject: str) -> EmailMessage:
        """The next mail to *reader* with these words in its subject."""
        wait_until(lambda: self._next(reader, subject) is not None, 30)
        mail = self._next(reader, subject)
        self.mails.remove(mail)
        self._note("the gateway", reader, str(mail["Subject"]), text_of(mail))
        return mail

    def _next(self, reader: str, subject: str) -> EmailMessage | None:
        found = (mail for mail in self.mails if reader in mail["To"] and subject in mail["Subject"])
        return next(found, None)

    def _note(self, sender: str, reader: str, subject: str, text: str) -> None:
        self.said.append(f"From:    {sender}\nTo:      {reader}\nSubject: {subject}\n\n{text.strip()}\n")


def text_of(mail: EmailMessage) -> str:
    return mail.get_body(("plain",)).get_content()


@contextmanager
def post():
    """A post office on loopback."""
    office = Post()
    server = Controller(office, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        yield office, server.port
    finally:
        server.stop()


def directory(folder) -> None:
    """The three in the directory of the store."""
    with open(folder / "people.csv", "w", newline="") as file:
        csv.writer(file).writerows(PEOPLE)
    settings = {"PYTHONPATH": str(ROOT), "MAILGATE_STORE__URL": f"sqlite:///{folder}/mailgate.db",
                "MAILGATE_CONFIG": str(ROOT / "config"), "MAILGATE_KEYS": str(folder / "keys")}  # fmt: skip
    importing = [sys.executable, "-m", "mailgate", "people", "import", str(folder / "people.csv")]
    subprocess.run(importing, env=os.environ | settings, cwd=folder, check=True, timeout=60)


def test_a_request_from_its_question_to_its_reopening(tmp_path):
    with post() as (office, port), gateway(tmp_path, MAILGATE_SEND__VIA=f"smtp://127.0.0.1:{port}") as running:
        office.port = running.port
        directory(tmp_path)
        office.write(DARA, "Please send a first warning letter. He missed his appointment on Friday 13 November.",
                     subject="Warning letter")  # fmt: skip
        question = office.heard(DARA, "more information")
        assert running.rows("SELECT status, waiting_for FROM tickets") == [("waiting", "requester")]

        office.write(DARA, "Sorry, it is X372915, event 2.", question)
        assigned = office.heard(KWAME, "Yours: ")
        assert "Please send a first warning letter" in text_of(assigned)
        assert "Post the same day" in text_of(assigned)

        office.write(KWAME, "Assign to Priya please", assigned)
        yours = office.heard(PRIYA, "Yours: ")

        office.write(DARA, "Any update?", question)
        assert "in progress" in text_of(office.heard(DARA, "Where your request is"))

        office.write(PRIYA, "On hold until Monday, waiting for the police", yours)
        office.heard(DARA, "on hold")

        office.write(PRIYA, "Done, letter went out in the 3pm post", yours)
        done = office.heard(DARA, "complete")

        office.write(DARA, "Thanks!", done)
        wait_until(lambda: len(running.rows("SELECT id FROM messages")) == 7)
        assert running.rows("SELECT status FROM tickets") == [("done",)]

        office.write(DARA, "It came back: the letter had no house number.", done)
        office.heard(DARA, "reopened")
        wait_until(lambda: running.rows("SELECT message FROM outbox_mails WHERE message = 'news'"))
        running.let_time_pass()
        news = office.heard(PRIYA, "News")
        assert "no house number" in text_of(news)

        office.write(PRIYA, "Which number is it?", news)
        answer = office.heard(DARA, "An answer")
        assert "Which number is it?" in text_of(answer)
        assert "On Monday the gateway wrote" not in text_of(answer)
        assert question["In-Reply-To"] in (answer["In-Reply-To"], *str(answer["References"]).split())
        assert running.rows("SELECT status, assignee FROM tickets") == [("open", PRIYA)]
        assert office.mails == []
    story = ("\n" + "-" * 78 + "\n").join(office.said)
    (tmp_path / "conversation.txt").write_text(story)
    print(story)
