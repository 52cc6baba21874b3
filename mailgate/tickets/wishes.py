"""What requesters may order by reply, of their own requests alone: cancel, and "this is a separate request" (E158).

To reopen needs no words: any answer to a closed ticket does (E128).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from mailgate.model.config import Config
from mailgate.model.decision import Order
from mailgate.model.facts import Evidence
from mailgate.model.reading import Match, Reading, Trace
from mailgate.model.ticket import Change, Draft, Event, Status, Ticket, Values
from mailgate.rules import needs
from mailgate.tickets import commands, duplicate
from mailgate.tickets.orders import Ambiguous
from mailgate.tickets.thread import RANK_OUR_ID, is_verified

CANCEL, SEPARATE = "cancel", "separate"


def is_proved(reading: Reading, evidence: Evidence) -> bool:
    """Whether the very person to whom we wrote answers that mail: E186, for requesters."""
    is_answer = evidence.rank <= RANK_OUR_ID and evidence.mailed_to.lower() == reading.sender
    return is_answer and is_verified(reading) and "duplicate-header" not in reading.message.defects


def read_wish(
    reading: Reading, ticket: Ticket, config: Config, dates: Callable[[str], date | None]
) -> tuple[Order | None, Trace]:
    """The order of a requester that the mail gives, if any; an agent's words are a note from anybody else."""
    order, trace = commands.read_order(reading, ticket, config, dates)
    if order is None or isinstance(order, Ambiguous) or order.do not in (CANCEL, SEPARATE):
        return None, ()
    return order, trace


def may_cancel(ticket: Ticket, parts: Iterable[Ticket], sender: str) -> bool:
    """Only who asked for it, and only while nobody else waits for it too, nor for one of its *parts*."""
    return all(each.requester == sender and not each.watchers - {sender} for each in (ticket, *parts))


# ---- a request that joined a ticket, and is one of its own after all


def other_date(reading: Reading, draft: Draft, before: Ticket, config: Config) -> Trace:
    """Why *draft* is another request than the ticket *before* it joined, by the date that its sender was asked for."""
    asked = duplicate.unsaid(draft, before, config)
    told = needs.stated(before.task, reading.fields, reading.loose_dates, config).fields
    differs = duplicate.differing({name: told[name] for name in asked if name in told}, before.fields, config)
    if differs is None:
        return ()
    return (Match("duplicate", "other request", differs, where=before.ref, effect="it is for another date"),)


def both(first: Reading, answer: Reading) -> Reading:
    """The mail that had joined, with what its sender adds now."""
    dates = tuple(dict.fromkeys((*answer.loose_dates, *first.loose_dates)))
    return replace(first, fields={**first.fields, **answer.fields}, loose_dates=dates)


def without(ticket: Ticket, said: Values, who: str, before: Ticket, by: str = "sender") -> Change:
    """*ticket* less what *said* filled in and *who* said it, and closed if it was: as if that had never come (E158).

    *before* is the ticket as it was then, *by* who takes it out. What has happened since stays.
    """
    filled = {name for name, values in ticket.fields.items() if name not in before.fields and values == said.get(name)}
    closes = not before.is_open and ticket.status is Status.OPEN
    return Change(
        ticket,
        status=before.status if closes else None,
        closed_at=before.closed_at if closes else None,
        first_reply_due=before.first_reply_due if closes else None,
        due_at=before.due_at if closes else None,
        paused_seconds=before.paused_seconds if closes else None,
        fields={name: values for name, values in ticket.fields.items() if name not in filled},
        missing=tuple(name for name in before.missing if name in ticket.missing or name in filled),
        leaver=None if who in before.participants else who,
        events=(Event("split off", by, {"less": sorted(filled)}, {"from": who}),),
    )
