"""A store with many tickets, made by the very transaction that a mail ends in, so that rows and hashes are real."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

from mailgate.model.decision import Decision, NewTicket, Reply
from mailgate.model.message import Address, Envelope, Message, Verdict
from mailgate.model.outbound import Outbound, SendState
from mailgate.model.reading import Reading
from mailgate.model.ticket import Draft, Event
from mailgate.store import spool
from mailgate.store.apply import Settled, apply
from mailgate.store.engine import Store
from mailgate.tickets import reference
from prove.ledger import MAILBOX, address, mail

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
BATCH = 200
SIZE = 300
NOTES = 3  # events after the first one


def fill(store: Store, canaries: Sequence[int]) -> None:
    """One ticket for each of *canaries*, with its mail, its acknowledgement and a history."""
    for begin in range(0, len(canaries), BATCH):
        some = canaries[begin : begin + BATCH]
        arrived = {canary: (Envelope(address(canary), (MAILBOX,), AT), mail(canary, SIZE)) for canary in some}
        canary_of = {spool.ingest_key(*each): canary for canary, each in arrived.items()}
        with store.write() as tx:
            spool.put(tx, [(spool.ingest_key(*each), *each) for each in arrived.values()])
        while claimed := spool.claim(store, BATCH, 600):
            with store.deciding(()) as connection:
                apply(store, connection, [_settled(each, canary_of[each.key]) for each in claimed])


def _settled(mail_of: spool.Spooled, canary: int) -> Settled:
    sender, ref = address(canary), _reference(canary)
    message = Message(
        f"<canary{canary}x@justice.example>",
        from_=Address(sender),
        subject=f"Request canary{canary}x",
        text=f"Please help me with matter number {canary}.",
    )
    draft = Draft(mailbox=MAILBOX, requester=sender, subject=message.subject, received_at=AT, clock_started_at=AT)
    sent = Outbound(
        message="received",
        recipient=sender,
        sender=MAILBOX,
        subject=f"[{ref}] {message.subject}",
        message_id=f"<mg.{canary}@justice.example>",
        content=f"To: {sender}\r\n\r\ncanary{canary}x\r\n".encode(),
        cause=mail_of.key,
        serial=1,
        state=SendState.OBSERVED,
    )
    noted = tuple(Event("noted", sender, {"number": number}, {"note": f"canary{canary}x"}) for number in range(NOTES))
    decision = Decision(NewTicket((draft,)), "filled", events=noted, replies=(Reply("received", sender),))
    reading = Reading(
        message, mail_of.envelope, MAILBOX, Verdict.INTERNAL, fingerprint=mail_of.key, content=mail_of.key
    )
    return Settled(mail_of, reading, decision, (ref,), (sent,), AT)


def _reference(number: int) -> str:
    """Another one for each *number*."""
    base = len(reference.ALPHABET)
    digits = (number // base**place % base for place in itertools.count())
    return reference.make("MG", lambda _: next(digits))
