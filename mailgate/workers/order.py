"""An order that comes by no mail does what the same order does by mail: same change, history and mails."""

from datetime import datetime

from mailgate.errors import Refused
from mailgate.model.decision import Command, Decision, Facts, Order, Reading
from mailgate.model.message import Envelope, Message, Verdict
from mailgate.model.ticket import ORDERED, Event
from mailgate.notify.compose import Context
from mailgate.store import asked, commissions, people, rows
from mailgate.store.apply import carry_out
from mailgate.store.engine import Store
from mailgate.tickets import answer, commission, effects, telling
from mailgate.tickets.commands import DUPLICATE
from mailgate.tickets.timing import timed
from mailgate.workers.about import composed

ACTOR = "operator"


def give(store: Store, context: Context, ref: str, order: Order, now: datetime) -> None:
    """Give the ticket *ref* an order. Refused, with why, where it cannot be carried out; TryLater where it changed."""
    config = context.config
    with store.deciding([ref, *([order.to] if order.do == DUPLICATE and order.to else [])]) as connection:
        ticket = rows.by_ref(connection, ref)
        colleagues = people.members(connection, [ticket.team])[ticket.team] if ticket.team else ()
        other = rows.by_ref(connection, order.to) if order.do == DUPLICATE and order.to else ticket
        whole = rows.wholes(connection, {other.id: other})[other.id]
        named = {other.ref: whole}
        facts = Facts(
            now,
            colleagues=colleagues,
            workers=people.workers(connection, config.service.sharing),
            named=named,
            commissions=commissions.known(connection, [ticket]),
        )
        reading = _no_mail(now)
        change = effects.of_order(ticket, order, reading, config, facts)
        if isinstance(change, str):
            raise Refused(f"{ref} stays as it is: {change}")
        change = timed(change, config, now)
        replies = answer.of_order(ticket, change, order, reading, config, now)
        changes = (change, *effects.alongside(order, change, whole))
        decision = Decision(Command(ticket, order), config.version, changes=changes, replies=replies)
        decision = commission.carried(decision, config, facts)
        (decision,) = telling.told([decision], [reading], config, asked.known(connection, [decision]))
        sent = composed(decision, reading, (), context, f"{ref} {now.isoformat()}", now)
        happened = Event(ORDERED, ACTOR, *effects.said_of(order, change))
        carry_out(store, connection, decision.changes, happened, sent, now)


def _no_mail(now: datetime) -> Reading:
    """What is read of a mail that there is not."""
    return Reading(Message(message_id=""), Envelope("", (), now), None, Verdict.INTERNAL)
