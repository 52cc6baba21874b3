"""What a mail says by itself: where it came to, who sent it, which facts it states, before anything is looked up."""

from dataclasses import replace

from mailgate.ingest import authentic
from mailgate.model.config import Config
from mailgate.model.facts import Facts, Post
from mailgate.model.message import BOUNCES, Envelope, Kind, Message
from mailgate.model.reading import Reading
from mailgate.rules import extract, request
from mailgate.tickets import absence, canary, fingerprint, orders, pingpong, questions, reference, subject
from mailgate.tickets.token import tokens_in

LONGEST_WORDING = 200_000  # a book of 30,000 words: nobody typed what follows, and reading it would stop other mail
LONGEST_ORDER = 2_000  # characters in which an order names another ticket, or a mail


def read(message: Message, envelope: Envelope, config: Config, number: int = 0) -> Reading:
    """Understand one mail by itself: where it came to, who proved to have sent it, which facts it states.

    *number* is what the store knows it by.
    """
    content = fingerprint.content(message)
    return _understood(message, envelope, config, (fingerprint.fingerprint(message, content), content), number)


def reread(reading: Reading, config: Config) -> Reading:
    """The mail of *reading* as *config* understands it; its fingerprints are those that it has."""
    known = (reading.fingerprint, reading.content)
    again = _understood(reading.message, reading.envelope, config, known, reading.number)
    return replace(again, asked=reading.asked)


def _understood(
    message: Message, envelope: Envelope, config: Config, fingerprints: tuple[str, str], number: int
) -> Reading:
    service = config.service
    ids = (*message.in_reply_to, *reversed(message.references), message.header("x-ms-exchange-parent-message-id"))
    named = [to.address for to in (*message.to, *message.cc)]
    # of a mail that came back: where answers to it were to go (E141), as some relays write ids of their own over ours
    returned = message.returned_to if message.kind in BOUNCES else ()
    addresses = (*envelope.recipients, *named, *message.delivered_to, *returned)
    sender = message.from_.address if message.from_ else ""
    reading = Reading(
        message=message,
        envelope=envelope,
        mailbox=_mailbox(envelope, named, config),
        verdict=authentic.verdict(message, envelope, config),
        subject=subject.plain(message.subject, service.markings, service.reference),
        wording=message.reply_text[:LONGEST_WORDING],
        tokens=(*canary.claims(message), *tokens_in(addresses, ids, service.reference, sender)),
        refs=reference.find(message.subject, service.reference),
        named=reference.find(message.reply_text[:LONGEST_ORDER], service.reference),
        names_mail=orders.mail_in(message.reply_text[:LONGEST_ORDER]),
        fingerprint=fingerprints[0],
        content=fingerprints[1],
        number=number,
    )
    at = message.date or envelope.received_at
    is_old = request.has_old_subject(reading)
    found = extract.extract(reading.subject, reading.wording, is_old, config, at, message.struck)
    return replace(
        reading,
        keys=found.keys,
        fields=found.fields,
        as_written=found.as_written,
        suggestion=found.suggestion,
        loose_dates=tuple(date.value for date in found.dates),
        question=questions.question(reading, config),
        tells_absence=absence.is_told(reading, config),
        is_new=pingpong.is_new(reading, config),
    )


def asked_ahead(reading: Reading, config: Config) -> Reading:
    """*reading* with what it asks for where it seems to be a new request: most of the work, and no lock is held yet."""
    if reading.message.kind is not Kind.HUMAN or reading.tokens or reading.refs:
        return reading
    return replace(reading, asked=request.asked_for(reading, config))


def with_posts_reread(facts: Facts, config: Config) -> Facts:
    """*facts*, with the mails that an order may be about as *config* understands them."""
    return replace(facts, posts={number: reread_post(post, config) for number, post in facts.posts.items()})


def reread_post(post: Post, config: Config) -> Post:
    return replace(post, reading=reread(post.reading, config))


def _mailbox(envelope: Envelope, named: list[str], config: Config) -> str | None:
    """The mailbox it came to: of several the first in To, then in Cc; None for an answer to ``send_from``."""
    reached = {address: config.mailbox_of(address) for address in envelope.recipients}
    mailboxes = [mailbox for mailbox in reached.values() if mailbox]
    visible = (config.mailbox_of(address) for address in named)
    return next((mailbox for mailbox in visible if mailbox in mailboxes), mailboxes[0] if mailboxes else None)
