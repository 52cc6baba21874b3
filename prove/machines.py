"""The machines of K10: an echo, and twelve kinds of programs that answer whatever they get, for ever.

Some of them *hide*: nothing in their mail says that nobody wrote it. None counts how often it answered whom: whoever
writes to them has to stop by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import parseaddr

from mailgate.model.outbound import Attempt

RETURN_PATH = "the return path"
REPORT = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=part\r\n\r\n"
    "--part\r\nContent-Type: text/plain\r\n\r\n{words}\r\n--part\r\nContent-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; {me}\r\nAction: failed\r\nStatus: {status}\r\n"
    "\r\n--part\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {answered}\r\n\r\n--part--\r\n"
)


@dataclass(frozen=True)
class Letter:
    """A mail on its way: *path* is its envelope's sender, *to* its only recipient."""

    path: str
    to: str
    message_id: str
    raw: bytes


@dataclass(frozen=True)
class Machine:
    """How one kind answers. {subject} and {answered} are those of our mail, {number} is never the same twice.

    *says* are the headers by which it can be known, *to* the address of our mail that it writes to.
    """

    name: str
    subject: str
    says: str = ""
    words: str = "I am away until the end of the month."
    sender: str = "{me}"
    path: str = "{me}"
    to: str = "Reply-To"
    in_thread: bool = False
    is_report: bool = False
    is_redirect: bool = False
    hides: bool = False

    def answer(self, me: str, attempt: Attempt, ours: Message, numbers: Iterator[int]) -> Letter | None:
        """What the one at the address *me* says to a mail of ours."""
        to = attempt.sender if self.to == RETURN_PATH else parseaddr(str(ours[self.to] or ours["From"]))[1]
        if not to:
            return None  # a null return path forbids an answer (RFC 3834)
        if self.is_redirect:
            return Letter(me, to, attempt.message_id, attempt.content)
        known = {"me": me, "domain": me.partition("@")[2], "number": next(numbers), "answered": attempt.message_id}
        known |= {"subject": " ".join(str(ours["Subject"]).split()), "status": "5.1.1"}
        message_id = "<machine{number}@{domain}>".format(**known)
        thread = "In-Reply-To: {answered}\r\n" if self.in_thread else ""
        head = f"From: {self.sender}\r\nTo: {to}\r\nSubject: {self.subject}\r\nMessage-ID: {message_id}\r\n"
        body = REPORT.replace("{words}", self.words) if self.is_report else "\r\n" + self.words + "\r\n"
        raw = (head + thread + self.says + body).format(**known).encode()
        return Letter(self.path.format(**known), to, message_id, raw)


CHALLENGE = Machine(
    "challenge",
    "Please confirm {number}",
    words="Answer this mail, so that we know that you are no machine. Your number is {number}.",
    to="From",
    hides=True,
)
ECHO = Machine(
    "echo", "About matter {number}", words="You said: {subject}. This was number {number}.", to="From", hides=True
)
KINDS = (
    Machine(
        "Exchange, out of office",
        "Automatic reply: {subject}",
        "X-Auto-Response-Suppress: All\r\nX-MS-Exchange-Inbox-Rules-Loop: {me}\r\nauto-submitted: auto-generated\r\n"
        "x-ms-exchange-parent-message-id: {answered}\r\n"
        "x-ms-exchange-generated-message-source: Mailbox Rules Agent\r\n",
        path="",
    ),
    Machine(
        "Sieve's vacation",
        "Auto: {subject}",
        "Auto-Submitted: auto-replied (vacation)\r\n",
        path="",
        to=RETURN_PATH,
        in_thread=True,
    ),
    Machine("vacation of old", "away from my mail", "Precedence: bulk\r\n", to=RETURN_PATH),
    Machine("a header of its own", "Re: {subject}", "X-Autoreply: yes\r\n", in_thread=True),
    Machine("known by its subject", "Abwesenheitsnotiz: {subject}"),
    Machine("nameless, in the thread", "Re: {subject}", in_thread=True, hides=True),
    Machine("nameless, always the same", "I am away", hides=True),
    Machine(
        "another desk",
        "Ticket Received - {number} - {subject}",
        words="We have your request. Its number is {number}.",
        in_thread=True,
        hides=True,
    ),
    Machine(
        "bouncer with a report",
        "Undelivered Mail Returned to Sender",
        words="The mail could not be delivered.",
        sender="MAILER-DAEMON@{domain}",
        path="",
        to=RETURN_PATH,
        is_report=True,
    ),
    Machine(
        "bouncer in its own words",
        "Returned mail {number}",
        words="Nobody of that name works here any more. This is notice {number}.",
        sender="Postmaster <postmaster@{domain}>",
    ),
    CHALLENGE,
    Machine("redirect", "", is_redirect=True, to="From"),
)
