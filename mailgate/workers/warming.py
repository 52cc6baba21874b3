"""The way of a first mail, so that the next one finds made what is made once: tables of words, calendars, templates."""

from datetime import datetime, timedelta
from itertools import islice

from mailgate import journal, understand
from mailgate.decide import decide
from mailgate.ingest.parse import parse
from mailgate.model.facts import Facts
from mailgate.model.message import Envelope
from mailgate.notify.compose import Context
from mailgate.workers.about import composed
from mailgate.workers.loop import failure_of

_MOST = 20  # mailboxes: what is made for more of them is made when mail comes
_REFERENCE = "MG-7K3F-99"


def warm_up(context: Context, at: datetime) -> None:
    """Read, decide and answer a mail to each mailbox, and forget it; processes forked afterwards share what was made.

    Nothing is stored or sent. What goes wrong is logged: a mail that meets it goes to quarantine as ever.
    """

    def taken(mailbox: str) -> None:
        service, envelope = context.config.service, Envelope(f"a@{_domain(mailbox)}", (mailbox,), at, vouched=True)
        message = parse(_mail(mailbox, at), service.text, service.markings)
        reading = understand.asked_ahead(understand.read(message, envelope, context.config), context.config)
        decision = decide(reading, context.config, Facts(at))
        composed(decision, reading, [_REFERENCE] * len(decision.drafts), context, "warming up", at)

    for mailbox in islice(context.config.service.mailboxes, _MOST):
        if (error := failure_of(taken, mailbox)) is not None:
            journal.worker_failed("warming up", error)


def _mail(mailbox: str, at: datetime) -> bytes:
    """A colleague's request that states a date."""
    people = f"From: a@{_domain(mailbox)}\r\nTo: {mailbox}\r\n"
    words = f"Subject: A request\r\n\r\nPlease do it by {at + timedelta(days=30):%d/%m/%Y}.\r\n"
    return f"{people}Date: {at:%d %b %Y %H:%M:%S} +0000\r\n{words}".encode()


def _domain(mailbox: str) -> str:
    return mailbox.rpartition("@")[2]
