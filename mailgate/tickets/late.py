"""Answers that came before the mail they answer: they opened tickets of their own, and become part of its (E123)."""

from collections.abc import Sequence
from datetime import timedelta

from mailgate.model.config import Config
from mailgate.model.facts import Facts, Post
from mailgate.model.message import Verdict
from mailgate.model.reading import Reading
from mailgate.model.ticket import Draft, Ticket
from mailgate.tickets.thread import is_colleague

WITHIN = timedelta(hours=24)
_MOST_AWAITED = 10  # of each header; longer threads are cut by others as well (E125)


def awaits(reading: Reading, facts: Facts) -> tuple[str, ...]:
    """The mails that it answers, where we have seen none of them."""
    if facts.evidence:
        return ()
    message = reading.message
    return tuple(dict.fromkeys((*message.in_reply_to[:_MOST_AWAITED], *message.references[-_MOST_AWAITED:])))


def parts(reading: Reading, drafts: Sequence[Draft], config: Config, facts: Facts) -> tuple[Ticket, ...]:
    """The tickets of earlier answers that become part of what *reading* opens.

    An answer belongs to it that could have been posted there, had it come in time (E120 row 3), and that was sent to
    whoever wrote *reading*: a Message-ID alone takes nobody's request away.
    """
    if reading.verdict is Verdict.FAIL or not reading.message.from_ok or len(drafts) != 1 or drafts[0].show_to:
        return ()
    return tuple(post.ticket for post in facts.answers if _belongs(post, reading, config))


def _belongs(post: Post, reading: Reading, config: Config) -> bool:
    answer = post.reading
    is_own = answer.sender == reading.sender
    named = {to.address for to in (*answer.message.to, *answer.message.cc)}
    may_post = is_colleague(answer, config) or (is_own and answer.verdict is not Verdict.FAIL)
    return may_post and (is_own or reading.sender in named) and post.ticket.show_to is None
