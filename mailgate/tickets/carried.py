"""All that an order does: to its ticket, to the other one that it is about, and what it opens.

The same for an order by mail and for one from the command line.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from mailgate.model.config import Config
from mailgate.model.decision import NewTicket, Order, Reply
from mailgate.model.facts import Facts, Ordered
from mailgate.model.reading import Reading
from mailgate.model.ticket import APART, Change, Event, Ticket
from mailgate.tickets import answer, effects, posts
from mailgate.tickets.thread import is_staff_of

MERGED, SPLIT_OFF = "merged", "split off"


@dataclass(frozen=True, slots=True)
class Carried:
    """*change* is that of the ticket which was ordered about, *others* are those of tickets that hear of it.

    *parts* are what was merged into it: of its end whoever asked for these hears, too, under their own reference.
    """

    change: Change
    others: tuple[Change, ...] = ()
    opens: NewTicket | None = None
    parts: tuple[Ticket, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.change, *self.others

    def replies(self, order: Order, reading: Reading, config: Config, now: datetime) -> tuple[Reply, ...]:
        """What the requester hears of *order*, the agent who gave it by *reading*, and whose mail was separated."""
        ticket = self.change.ticket
        said = answer.of_order(ticket, self.change, order, reading, config, now)
        said += answer.of_parts(self.parts, ticket, self.change, config, now)
        taken = self.opens.takes_along.reading if self.opens and self.opens.takes_along else None
        if self.opens is None or taken is None:
            return said
        heard = () if answer.never(taken, config) else answer.acknowledgements(self.opens.drafts, taken, config)
        return (*(replace(reply, ticket=ticket) for reply in said), *heard)


def carry_out(
    ticket: Ticket, whole: Ticket, order: Order, reading: Reading, config: Config, facts: Facts
) -> Carried | str:
    """What *order* about *ticket* does, or why it cannot be done; *whole* is what the ticket is part of, or itself."""
    is_apart = bool(ticket.merged_into) and order.do == posts.SEPARATE and not order.mail
    about_one = posts.is_about_one(order) and not is_apart
    if ticket.merged_into and not is_apart and order.do != "undo":
        return f"{ticket.ref} is part of another ticket now: order it there, or order separate first"
    if order.do == "undo" and (last := _separation(ticket, reading, facts)):
        opened = facts.posts[last.mail].ticket
        is_theirs = opened.linked_to == ticket.ref and is_staff_of(opened, reading, config, facts)
        return _back(ticket, opened) if is_theirs else "what it opened went elsewhere meanwhile"
    if about_one:
        change = posts.of_order(ticket, order, config, facts)
    else:
        change = effects.of_order(ticket, order, reading, config, facts)
    if isinstance(change, str):
        return change
    other = facts.named.get(order.to or "", whole)
    if order.do == posts.ADD and order.to and ticket.requester in other.participants:
        return "its sender takes part there already: accept it"
    opens = posts.opened(ticket, order, config, facts)
    return Carried(change, _alongside(change, other, order, facts), opens, facts.parts.get(ticket.id, ()))


def _alongside(change: Change, other: Ticket, order: Order, facts: Facts) -> tuple[Change, ...]:
    """The one that a ticket is merged into, or split off from, hears of it; who was added with it comes and goes."""
    if change.merged_into is None:
        return ()
    ticket = change.ticket
    events = (Event(SPLIT_OFF if change.merged_into == APART else MERGED, "mailgate", {"part": ticket.ref}),)
    ran = facts.ordered.get(ticket.id, ())
    goes = order.do == "undo" and bool(ran) and ran[-1].do == posts.ADD
    added = ticket.requester if order.do == posts.ADD else None
    return (Change(other, added=added, leaver=ticket.requester if goes else None, events=events),)


# ---- a separated mail comes back


def _separation(ticket: Ticket, reading: Reading, facts: Facts) -> Ordered | None:
    """The last order, where it took a mail out of *ticket* and may be undone."""
    last = effects.last_own(ticket, reading, facts)
    if isinstance(last, str) or last.do != posts.SEPARATE or last.mail not in facts.posts:
        return None
    return last


def _back(ticket: Ticket, opened: Ticket) -> Carried | str:
    """What the mail opened becomes part of the ticket that it left: answers that came meanwhile go with it."""
    change = effects.merged(Change(opened), ticket)
    if isinstance(change, str):
        return change
    events = (Event(MERGED, "mailgate", {"part": opened.ref}),)
    return Carried(Change(ticket, events=events), (change,))
