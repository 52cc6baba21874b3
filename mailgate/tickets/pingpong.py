"""Whether two machines answer each other without end (E135): by what was said lately, whatever their headers say."""

from datetime import datetime, timedelta

from mailgate.model.config import Config
from mailgate.model.facts import Facts
from mailgate.model.message import VERIFIED
from mailgate.model.reading import Reading
from mailgate.model.sent_lately import SentLately
from mailgate.tickets import subject

AT_ONCE, LATELY = timedelta(seconds=20), timedelta(minutes=30)
MOST_ALIKE = 3


def why_endless(reading: Reading, config: Config, facts: Facts) -> str:
    """Why this mail looks like one more of an endless exchange, so that it is not answered; "" where it does not."""
    if _answers_at_once_again(reading, facts):
        return "its sender answers mails of ours within seconds"
    is_request = reading.is_new and not facts.evidence  # three warning letters in a morning are three requests
    if _alike(reading, config, facts) >= MOST_ALIKE and not is_request:
        return "its sender writes under one subject again and again"
    return ""


def _answers_at_once_again(reading: Reading, facts: Facts) -> bool:
    """Whether it came within seconds after the mail of ours that it answers, and so did the mail which that answered.

    Who writes two requests in a row has not answered anything.
    """
    causes = {each.cause for each in facts.evidence if each.mailed_to == reading.sender}
    ids = {*reading.message.in_reply_to, *reading.message.references}
    last = next((sent for sent in facts.sent_lately if sent.cause in causes or sent.message_id in ids), None)
    if last is None or last.received_at is None or not _at_once(last, reading.envelope.received_at):
        return False
    return any(_at_once(sent, last.received_at) for sent in facts.sent_lately if sent.cause != last.cause)


def _at_once(sent: SentLately, came_at: datetime) -> bool:
    """Whether a mail that *came_at* may answer *sent*, and was quick; the outbox may have kept *sent* for a while."""
    return sent.written_at <= came_at < sent.sent_at + AT_ONCE


def _alike(reading: Reading, config: Config, facts: Facts) -> int:
    """How many mails under this subject its sender has written lately that we answered, with this one."""
    service, since = config.service, reading.envelope.received_at - LATELY
    answered = {
        sent.cause
        for sent in facts.sent_lately
        if sent.received_at is not None
        and sent.received_at > since
        and subject.plain(sent.subject, service.markings, service.reference) == reading.subject
    }
    return len(answered) + 1 if reading.subject else 1


def is_new(reading: Reading, config: Config) -> bool:
    """Whether a colleague proved to have sent it, and nothing in it says that it answers a mail."""
    message, service = reading.message, config.service
    if message.in_reply_to or message.references:
        return False
    answers = subject.is_reply(message.subject, service.markings, service.reference)
    return not answers and reading.verdict in VERIFIED and config.is_ours(reading.sender_domain)
