"""A mail by somebody who takes no part in the ticket that it is for: what its team says about it (E121).

Such a mail was posted, and the order names it by its number; or it opened a ticket of its own, linked to the one that
it claims to be for, and the order names that. All of it can be undone. Any other mail can be separated in the same way.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from mailgate.model.config import Config
from mailgate.model.decision import NewTicket, Order
from mailgate.model.facts import Facts, Post
from mailgate.model.ticket import UNLINKED, Change, Standing, Ticket
from mailgate.rules import request
from mailgate.tickets import answer, effects, wishes
from mailgate.tickets.lifecycle import Happened, after

ACCEPT, ADD, SEPARATE, DISCARD = "accept", "add", "separate", "discard"
ORDERS = frozenset({ACCEPT, ADD, SEPARATE, DISCARD})


def is_about_one(order: Order) -> bool:
    """Whether *order* is about a single mail, or about what a ticket claims."""
    return order.do in ORDERS and bool(order.mail or order.to)


def of_order(ticket: Ticket, order: Order, config: Config, facts: Facts) -> Change | str:
    """What *order* changes, or why it cannot be done; ``is_about_one`` is true of it."""
    if not order.mail:
        return _of_claim(ticket, order, facts)
    post = facts.posts.get(order.mail)
    if post is None or post.ticket.id != ticket.id:
        return f"it has no mail {order.mail}"
    return _OF_MAIL[order.do](ticket, post, config, facts)


def opened(ticket: Ticket, order: Order, config: Config, facts: Facts) -> NewTicket | None:
    """The ticket that a separated mail opens, linked to the one that it leaves."""
    post = facts.posts.get(order.mail)
    if order.do != SEPARATE or post is None:
        return None
    asks = not answer.never(post.reading, config)
    drafts, _ = request.requests(request.asked_for(post.reading, config), post.reading, config, facts, asks=asks)
    return NewTicket(tuple(replace(draft, linked_to=ticket.ref) for draft in drafts), takes_along=post)


# ---- a mail that was posted


def _accepted(ticket: Ticket, post: Post, config: Config, facts: Facts) -> Change | str:
    """What it says counts as if its sender took part."""
    if post.standing is not Standing.DOUBTFUL:
        return f"nobody is in doubt about mail {post.number}"
    known = replace(ticket, participants=ticket.participants | {post.reading.sender})
    change = effects.of_answer(known, post.reading, config, facts).change or Change(ticket)
    return replace(change, ticket=ticket, standing=(post.number, Standing.ACCEPTED))


def _added(ticket: Ticket, post: Post, config: Config, facts: Facts) -> Change | str:
    """Its sender takes part from now on; a mail that is in doubt counts, too."""
    if post.reading.sender in ticket.participants:
        return "its sender takes part already"
    accepted = _accepted(ticket, post, config, facts) if post.standing is Standing.DOUBTFUL else Change(ticket)
    return accepted if isinstance(accepted, str) else replace(accepted, added=post.reading.sender)


def _separated(ticket: Ticket, post: Post, config: Config, facts: Facts) -> Change | str:
    """The ticket as if the mail had never joined it (E158)."""
    if post.before is None:
        return f"mail {post.number} is what the ticket is about"
    said = effects.brought(post.before, post.reading, config)
    if post.is_request:
        drafts, _ = request.requests(request.asked_for(post.reading, config), post.reading, config, facts, asks=False)
        said = drafts[0].fields
    return wishes.without(ticket, said, post.reading.sender, post.before, "agent")


def _discarded(ticket: Ticket, post: Post, config: Config, facts: Facts) -> Change | str:
    if post.standing is not Standing.DOUBTFUL:
        return f"nobody is in doubt about mail {post.number}"
    return Change(ticket, standing=(post.number, Standing.DISCARDED))


_OF_MAIL: Mapping[str, Callable[[Ticket, Post, Config, Facts], Change | str]] = {
    ACCEPT: _accepted,
    ADD: _added,
    SEPARATE: _separated,
    DISCARD: _discarded,
}


# ---- a ticket that claims to be for another one


def _of_claim(ticket: Ticket, order: Order, facts: Facts) -> Change | str:
    if ticket.linked_to is None or ticket.linked_to != order.to:
        return "it is not linked to that ticket"
    if order.do == SEPARATE:
        return Change(ticket, linked_to=UNLINKED)
    if order.do == DISCARD:
        status = after(ticket, Happened.CANCELLED)
        if status is None:
            return f"the ticket is {ticket.status} already"
        return Change(ticket, status=status, closed_at=facts.now)
    return effects.merged(Change(ticket), facts.named.get(order.to))
