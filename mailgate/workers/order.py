"""An order that comes by no mail does what the same order does by mail: same change, history and mails."""

import secrets
from dataclasses import replace
from datetime import datetime
from functools import partial

from mailgate import understand
from mailgate.errors import Refused
from mailgate.model.decision import Command, Decision, Order
from mailgate.model.facts import Facts
from mailgate.model.message import Envelope, Message, Verdict
from mailgate.model.reading import Reading
from mailgate.model.ticket import ORDERED, Event
from mailgate.notify.compose import Context
from mailgate.store import apply, asked, commissions, known, people, rows
from mailgate.store.engine import Store
from mailgate.store.facts import free_references
from mailgate.tickets import commission, effects, reference, telling
from mailgate.tickets.carried import carry_out
from mailgate.tickets.commands import DUPLICATE
from mailgate.tickets.timing import timed
from mailgate.workers.about import composed

ACTOR = "operator"


def give(store: Store, context: Context, ref: str, order: Order, now: datetime) -> tuple[str, ...]:
    """Give the ticket *ref* an order; the references of what it opened.

    Refused, with why, where it cannot be carried out; TryLater where the ticket changed meanwhile.
    """
    config, reading = context.config, no_mail(now)
    with store.deciding([ref, *([order.to] if order.do == DUPLICATE and order.to else [])]) as connection:
        ticket = rows.by_ref(connection, ref)
        other = rows.by_ref(connection, order.to) if order.do == DUPLICATE and order.to else ticket
        whole = rows.wholes(connection, {other.id: other})[other.id]
        facts = understand.with_posts_reread(
            Facts(
                now,
                colleagues=people.members(connection, [ticket.team])[ticket.team] if ticket.team else (),
                workers=people.workers(connection, config.service.sharing),
                named={other.ref: whole},
                parts=rows.parts(connection, [ticket.id]),
                posts=known.posts(connection, [order.mail] if order.mail else []),
                commissions=commissions.known(connection, [ticket]),
            ),
            config,
        )
        carried = carry_out(ticket, whole, order, reading, config, facts)
        if isinstance(carried, str):
            raise Refused(f"{ref} stays as it is: {carried}")
        change = timed(carried.change, config, now)
        decision = Decision(
            Command(ticket, order, carried.opens),
            config.version,
            changes=(change, *carried.others),
            events=(Event(ORDERED, ACTOR, *effects.said_of(order, change)),),
            replies=carried.replies(order, reading, config, now),
        )
        decision = commission.carried(decision, config, facts)
        (decision,) = telling.told([decision], [reading], config, asked.known(connection, [decision]))
        opening = len(decision.drafts)
        make = partial(reference.make, config.service.reference, secrets.randbelow)
        references = free_references(connection, opening, make) if opening else []
        sent = composed(decision, reading, references, context, f"{ref} {now.isoformat()}", now)
        decision = replace(decision, replies=tuple(reply for reply, _ in sent))
        apply.carry_out(store, connection, decision, references, [mail for _, mail in sent], now)
    return tuple(references)


def no_mail(now: datetime) -> Reading:
    """What is read of a mail that there is not."""
    return Reading(Message(message_id=""), Envelope("", (), now), None, Verdict.INTERNAL)
