"""What says that a mail belongs to a ticket, of what was looked up for all mails at once (E120)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mailgate.model.facts import Evidence
from mailgate.model.reading import Reading, Token
from mailgate.model.ticket import Ticket
from mailgate.tickets.token import DIGEST, written_at

REPLY_TOKEN = "reply"
BOUNCE_TOKEN = "bounce"
HOW = {REPLY_TOKEN: "the reply address", BOUNCE_TOKEN: "the return path of a mail of ours"}
DIGEST_MESSAGE = "digest"
UNKNOWN_RECIPIENT = "unknown"  # of a mail of ours that is no longer stored: nobody's address
EXCHANGE_PARENT = "x-ms-exchange-parent-message-id"


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of one look-up for all mails; tickets are ids until all of them are loaded at once."""

    sent_ids: Mapping[str, Any]
    sent_serials: Mapping[tuple[str, int], Any]
    stored_ids: Mapping[str, Sequence[Any]]
    same_content: Mapping[str, Sequence[Any]]
    refs: Mapping[str, int]
    cases: Mapping[str, Sequence[int]]


def mails_answered(reading: Reading) -> tuple[str, ...]:
    """The mails this one answers: In-Reply-To, then References from the newest."""
    message = reading.message
    return (*message.in_reply_to, *reversed(message.references))


def mails_named(reading: Reading) -> tuple[str, ...]:
    """Every mail it names, in order of weight (E120 row 2); a report of failure names what it returns."""
    message = reading.message
    parent = message.header(EXCHANGE_PARENT)
    return (*mails_answered(reading), *([parent] if parent else ()), *message.returned_ids)


def evidence_of(reading: Reading, good: set[Token], found: Found, known: Mapping[int, Ticket]) -> tuple[Evidence, ...]:
    """What says that the mail belongs to a ticket, in order of rank; of equals the newest reference first."""
    told = [
        *_by_tokens(reading, good, found, known),
        *_by_sent_ids(reading, found, known),
        *_by_stored_ids(reading, found, known),
        *_by_refs(reading, found, known),
    ]
    once: dict[tuple[object, ...], Evidence] = {}
    for each in told:
        once.setdefault((each.rank, each.ticket.id, each.mailed_to, each.answers), each)
    return tuple(sorted(once.values(), key=lambda each: each.rank))


def _by_tokens(reading: Reading, good: set[Token], found: Found, known: Mapping[int, Ticket]) -> Iterator[Evidence]:
    for token in reading.tokens:
        if token not in good or token.ref not in found.refs:
            continue
        if token.purpose.startswith(DIGEST):
            yield Evidence(
                rank=1,
                how="a button of a summary",
                ticket=known[found.refs[token.ref]],
                mailed_to=reading.sender,
                answers=DIGEST_MESSAGE,
                serial=token.serial,
                sent_at=written_at(token),
            )
            continue
        mail = found.sent_serials.get((token.ref, token.serial))
        yield Evidence(
            rank=1 if token.purpose == REPLY_TOKEN else 2,
            how=HOW.get(token.purpose, "the Message-ID of a mail of ours"),
            ticket=known[found.refs[token.ref]],
            mailed_to=mail.recipient if mail else UNKNOWN_RECIPIENT,
            answers=mail.message if mail else "",
            serial=token.serial,
            sent_at=mail.queued_at if mail else None,
            cause=mail.cause if mail else "",
        )


def _by_sent_ids(reading: Reading, found: Found, known: Mapping[int, Ticket]) -> Iterator[Evidence]:
    for mail in filter(None, map(found.sent_ids.get, mails_named(reading))):
        if mail.ticket_id:
            how = "the Message-ID of a mail of ours"
            answered = (mail.recipient, mail.message, mail.serial, mail.queued_at, mail.cause)
            yield Evidence(2, how, known[mail.ticket_id], *answered)


def _by_stored_ids(reading: Reading, found: Found, known: Mapping[int, Ticket]) -> Iterator[Evidence]:
    for message_id in mails_answered(reading):
        for row in found.stored_ids.get(message_id, ()):
            if row.ticket_id:
                yield Evidence(3, "the Message-ID of a mail to us", known[row.ticket_id])


def _by_refs(reading: Reading, found: Found, known: Mapping[int, Ticket]) -> Iterator[Evidence]:
    for ref in reading.refs:
        if ref in found.refs:
            yield Evidence(4, "the reference in the subject", known[found.refs[ref]])


def of_whole(evidence: Evidence, wholes: Mapping[int, Ticket]) -> Evidence:
    """*evidence* for the ticket that its own was merged into (E128)."""
    part, whole = evidence.ticket, wholes[evidence.ticket.id]
    return replace(evidence, ticket=whole, part=part) if whole.id != part.id else evidence
