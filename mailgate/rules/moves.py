"""What other rules would have done with a mail: where it went, where it would have gone."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from mailgate.model.decision import Command, Decision, FollowUp, Ignore, NewTicket
from mailgate.model.ticket import Draft

NOTHING = "nothing"


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """That *what* ("task", "priority") is *after* instead of *before*."""

    what: str
    before: str
    after: str


OF_A_TICKET: Mapping[str, Callable[[Draft], Iterable[str | None]]] = {
    "priority": lambda draft: (draft.priority,),
    "team": lambda draft: (draft.team,),
    "service level": lambda draft: (draft.sla_policy,),
    "tags": lambda draft: draft.tags,
    "show_to": lambda draft: (draft.show_to,),
    "attachments": lambda draft: (draft.attachments,),
    "start": lambda draft: (draft.starts,),
    "asked for": lambda draft: draft.missing,
    "about": lambda draft: draft.keys,
}


def moves(before: Decision, after: Decision) -> tuple[Move, ...]:
    """How *after* differs from *before*; of a mail that goes to another task only that, as the rest follows from it."""
    match before.outcome, after.outcome:
        case NewTicket(drafts=old), NewTicket(drafts=new):
            tasks = _tasks(old), _tasks(new)
            return (Move("task", *tasks),) if tasks[0] != tasks[1] else tuple(_of_tickets(old, new))
    places = _place(before), _place(after)
    return () if places[0] == places[1] else (Move("mail", *places),)


def table(found: Iterable[Move]) -> list[tuple[Move, int]]:
    """Each move with how often it was made, the most frequent first."""
    return sorted(Counter(found).items(), key=lambda counted: (-counted[1], counted[0]))


def _of_tickets(old: Iterable[Draft], new: Iterable[Draft]) -> Iterator[Move]:
    for one, other in zip_longest(old, new):
        for what, told in OF_A_TICKET.items():
            before, after = _said(told(one)), _said(told(other))
            if before != after:
                yield Move(what, before, after)


def _said(values: Iterable[str | None]) -> str:
    return ", ".join(value for value in values if value) or NOTHING


def _tasks(drafts: Iterable[Draft]) -> str:
    return " + ".join(draft.task or NOTHING for draft in drafts)


def _place(decision: Decision) -> str:
    """What becomes of the mail, as one thing to compare and to count: tickets apart, which are all different."""
    match decision.outcome:
        case NewTicket(drafts=drafts):
            return f"{decision.action} {_tasks(drafts)}"
        case FollowUp(intent=intent):
            return f"{decision.action} {intent}"
        case Command(order=order):
            return f"{decision.action} {order.do}"
        case Ignore(intent=intent) if intent:
            return f"{decision.action} {intent}"
    return str(decision.action)
