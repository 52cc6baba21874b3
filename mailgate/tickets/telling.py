"""Which of us hears what of a decision: whose request it is now, and what somebody wrote about it.

A request that waits for its requester wakes nobody; the answer that ends the wait does. Chasers and
thanks reach nobody (docs/email.md section 7), and nobody is told what they ordered themselves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailgate.model.config import Config
from mailgate.model.decision import AutoReply, Command, Decision, Duplicate, FollowUp, Intent, Order, Reply
from mailgate.model.people import Person
from mailgate.model.reading import Reading
from mailgate.model.ticket import OPEN_STATUSES, Change, Draft, Status, Ticket, WaitingFor
from mailgate.tickets import commission, disguise
from mailgate.tickets.answer import to
from mailgate.tickets.thread import lead_of

REQUESTER = "requester"
"""Who is named in a ticket's history as having ordered what whoever asked for it may."""
ASSIGNED, NEW, NEWS = "assigned", "new", "news"
DOUBTFUL = "doubtful"
"""The rows of a mail to us about mails by people who take no part in the ticket (E121)."""
RESUME = "resume"
"""What is ordered of a request that a capacity level paused before anybody heard of it, once the level goes back."""
ASKED, MOVED = "commission", "commission_changed"
UNTOLD = frozenset({Intent.CHASER, Intent.COMMISSION_RETURN, Intent.EXTENSION_REQUEST})

Members = Mapping[str, Sequence[Person]]


@dataclass(frozen=True, slots=True)
class Said:
    """What *who* wrote, in the mail of that *number*."""

    number: int
    who: str
    words: str
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of those who hear: the *members* of ``teams_of``; the texts of the requests that are told
    again, *asked*; and of posts that nobody could read yet, *untold*; both by the id of the ticket.
    """

    members: Members = field(default_factory=dict)
    asked: Mapping[int, str] = field(default_factory=dict)
    untold: Mapping[int, Sequence[Said]] = field(default_factory=dict)


def teams_of(decisions: Iterable[Decision]) -> set[str]:
    """The teams whose members may have to hear of *decisions*."""
    return {case.team for decision in decisions for case, message in _told(decision) if message and case.team}


def tickets_of(decisions: Iterable[Decision], *messages: str) -> set[int]:
    """The existing tickets of which one of *messages* tells."""
    cases = (told for decision in decisions for told in _told(decision))
    return {case.id for case, message in cases if isinstance(case, Ticket) and message in messages}


def told(decisions: Sequence[Decision], readings: Sequence[Reading], config: Config, known: Known) -> list[Decision]:
    """*decisions* about *readings* with the mails to us."""
    both = zip(decisions, readings, strict=True)
    return [_with_replies(decision, reading, config, known) for decision, reading in both]


def _with_replies(decision: Decision, reading: Reading, config: Config, known: Known) -> Decision:
    replies = [
        _reply(case, message, address, draft, reading, config, known, decision)
        for draft, (case, message) in enumerate(_told(decision))
        for address in _readers(case, message, reading, config, known.members)
    ]
    if beware := disguise.why(reading.message.from_, config):
        replies = [disguise.warned(reply, beware) for reply in replies]
    return replace(decision, replies=(*decision.replies, *replies)) if replies else decision


def _told(decision: Decision) -> Iterator[tuple[Draft | Ticket, str]]:
    """Each case that somebody of us hears about, as it is afterwards, and by which message.

    Of a new mail every draft, in order, so that its place is its number: "" for those that wait.
    """
    if decision.is_doubtful:
        yield from ((draft, _handed(draft) or NEW) for draft in decision.drafts)
    else:
        yield from ((draft, ASKED if draft.unit else _handed(draft)) for draft in decision.drafts)
    match decision.outcome:
        case FollowUp(ticket=ticket) if decision.is_doubtful:
            yield next(iter(_after(decision)), ticket), NEWS
        case Command(order=order) if _hands_over(order, decision):
            yield from ((after, _handed(after)) for after in _after(decision)[:1])
        case Command() | AutoReply() if decision.absence is not None:
            yield from ((after, _handed(after)) for after in _after(decision))
        case FollowUp(ticket=ticket, intent=intent) if intent not in UNTOLD and not _is_ours(decision):
            after = next(iter(_after(decision)), ticket)
            yield after, _handed(after) if ticket.waiting_for is WaitingFor.REQUESTER else NEWS
        case Duplicate() if decision.changes:
            yield from ((after, NEWS) for after in _after(decision))
    yield from ((change.after, MOVED) for change in decision.changes if _moves_unit(change))


def _moves_unit(change: Change) -> bool:
    """Whether a unit has another day to answer until, or is no longer asked."""
    return bool(change.ticket.unit) and (
        change.due_at is not None or any(event.what == commission.MOVED for event in change.events)
    )


def _hands_over(order: Order, decision: Decision) -> bool:
    """Whether the order gives the request to somebody; undone, or wakes it: not so a word about one of its mails."""
    if order.do != "undo":
        by_requester = order.do == "separate" and any(event.actor == REQUESTER for event in decision.events)
        return by_requester or order.do in ("assign", "move", "team", RESUME)
    change = decision.changes[0]
    moved = change.assignee, change.team, change.status if change.status is not change.ticket.status else None
    return change.standing is None and any(each is not None for each in moved)


def _is_ours(decision: Decision) -> bool:
    """Whether it is a note or an answer of the team's own: who it is for reads it elsewhere, or nobody does."""
    return any(event.what in ("command refused", "answered") for event in decision.events)


def _after(decision: Decision) -> list[Ticket]:
    """The tickets as the decision leaves them."""
    return [change.after for change in decision.changes]


def _handed(case: Draft | Ticket) -> str:
    if case.status is Status.WAITING or case.status not in OPEN_STATUSES:
        return ""
    return ASSIGNED if case.assignee else NEW


def _readers(case: Draft | Ticket, message: str, reading: Reading, config: Config, members: Members) -> Sequence[str]:
    """Who has it; where nobody has, the lead and the members of its team. Never a mailbox of ours.

    Whose mail it is hears nothing, unless it is a request: then it may be theirs to do.
    """
    if not message or case.team is None:
        return ()
    if case.assignee:
        found = [case.assignee]
    else:
        lead = lead_of(case.team, config)
        found = [*([lead] if lead else []), *(person.address for person in members.get(case.team, ()))]
    return [
        address
        for address in dict.fromkeys(found)
        if (address != reading.sender or isinstance(case, Draft))
        and config.is_ours(address.rpartition("@")[2])
        and not config.accepts(address)
    ]


def _reply(
    case: Draft | Ticket,
    message: str,
    address: str,
    draft: int,
    reading: Reading,
    config: Config,
    known: Known,
    decision: Decision,
) -> Reply:
    """The mail with the request's text and facts; a restricted record shows its reference and key alone (docs/domain.md
    section 9)."""
    facts = [f"{name}: {', '.join(values)}" for name, values in case.fields.items()]
    said = _said(case, message, reading, known, decision)
    words = "\n".join(each.words for each in said if not each.is_doubtful)
    fields = {} if case.show_to else {"asked_by": case.requester, "words": words, "facts": "\n".join(facts)}
    fields |= {"guidance": guidance(case.task, config)}
    fields |= {"unit": case.unit} if case.unit else {}
    fields |= {"status": case.status} if message == MOVED and case.status not in OPEN_STATUSES else {}
    reply = to(address, message, config, fields)
    if isinstance(case, Draft):
        claimed = [{"about": case.linked_to}] if decision.is_doubtful and case.linked_to else []
        return replace(reply, draft=draft, lists={DOUBTFUL: claimed})
    doubtful = [
        {"who": each.who, "words": each.words, "about": f"mail {each.number}"} for each in said if each.is_doubtful
    ]
    return replace(reply, ticket=case, lists={DOUBTFUL: [] if case.show_to else doubtful})


def _said(case: Draft | Ticket, message: str, reading: Reading, known: Known, decision: Decision) -> Sequence[Said]:
    """What the mail itself says after what nobody could read yet, or the request that the ticket is about."""
    new = Said(reading.number, reading.sender, reading.message.reply_text, decision.is_doubtful)
    if isinstance(case, Draft):
        taken = decision.opens.takes_along if decision.opens else None
        first = [Said(taken.number, taken.reading.sender, taken.reading.message.reply_text)] if taken else []
        by_agent = isinstance(decision.outcome, Command)
        return first if by_agent else [*first, replace(new, is_doubtful=False)]
    if message == NEWS:
        return [*known.untold.get(case.id, ()), new]
    return [Said(0, case.requester, known.asked.get(case.id, ""))]


def guidance(task: str | None, config: Config) -> str:
    """How *task* is done, as the service wrote it down; "" where it did not."""
    return config.guidance.get(task or "", "")
