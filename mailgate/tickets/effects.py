"""What a person's mail does to the ticket it belongs to: an agent's order, or anybody's answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailgate.model.commission import COMMISSION
from mailgate.model.config import Config
from mailgate.model.decision import Intent, Order
from mailgate.model.facts import Facts, Ordered
from mailgate.model.message import Verdict
from mailgate.model.reading import Reading
from mailgate.model.spans import Span, Unit
from mailgate.model.ticket import APART, NOBODY, Change, Standing, Status, Ticket, Values, WaitingFor
from mailgate.rules import needs
from mailgate.rules.classify import classify
from mailgate.rules.promise import calendar_of, priority_of
from mailgate.sla.calendar import closing_time, due
from mailgate.sla.clock import stands
from mailgate.tickets import commission, lifecycle
from mailgate.tickets.lifecycle import Happened
from mailgate.tickets.sharing import share
from mailgate.tickets.thread import is_colleague, is_staff_of

ORDERS: Mapping[str, Happened | None] = {
    "done": Happened.DONE,
    "take": Happened.TAKEN,
    "waiting": Happened.PUT_ON_HOLD,
    "cancel": Happened.CANCELLED,
    "ask": Happened.PUT_ON_HOLD,
    "reopen": Happened.REOPENED,
    **dict.fromkeys(("assign", "move", "task", "priority", "due", "note", "reply", "undo", "extend", "approve")),
    **dict.fromkeys(("duplicate", "separate", "team")),
}
"""The commands that an agent can give, and what each does to the ticket's status."""

PUBLIC_VALUES = ("status", "waiting_for", "category", "task", "priority", "team", "sla_policy", "due_at", "linked_to")
PERSONAL_VALUES = ("assignee",)

REPLIES = frozenset({"reply", "take", "done", "waiting", "cancel", "ask"})
"""Those that are the first reply, where none was before: somebody has the ticket, or writes to its requester."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a follow-up is for, what it brings of the missing information, and what it changes."""

    intent: Intent
    brings: Values
    change: Change | None


# ---- an agent's order


def of_order(ticket: Ticket, order: Order, reading: Reading, config: Config, facts: Facts) -> Change | str:
    """What *order* changes, or why it cannot be done to the ticket as it is."""
    if order.do not in ORDERS:
        return f"{order.do} cannot be ordered by mail yet"
    if order.do == "assign" and order.to not in {person.address for person in facts.colleagues}:
        return "nobody of that address is in the ticket's team"
    happened = ORDERS[order.do]
    status = lifecycle.after(ticket, happened) if happened else ticket.status
    if status is None:
        return f"the ticket is {ticket.status} already"
    is_reply = order.do in REPLIES and ticket.first_reply_at is None
    change = Change(ticket, status=status, first_reply_at=facts.now if is_reply else None)
    match order.do:
        case "done" | "cancel":
            return replace(change, closed_at=facts.now)
        case "take":
            return replace(change, assignee=reading.sender)
        case "waiting":
            return replace(change, waiting_for=WaitingFor.THIRD_PARTY)
        case "assign":
            return replace(change, assignee=order.to)
        case "ask":
            return replace(change, waiting_for=WaitingFor.REQUESTER)
        case "extend":
            return _extended(change, order.days or 0, config, facts.now)
        case "move":
            return _moved(change, order.to or "", reading, config, facts)
        case "team":
            return _given_to(change, order.to, config, facts)
        case "task":
            return _with_task(change, order.to or "", config, facts)
        case "priority":
            return replace(change, priority=order.to)
        case "due":
            return _due_on(change, order.until, config, facts.now)
        case "undo":
            return _undone(ticket, reading, config, facts)
        case "duplicate":
            return merged(change, facts.named.get(order.to or ""))
        case "separate":
            return apart(ticket, config)
        case "approve":
            return commission.approved(ticket, facts)
    return change


def merged(change: Change, whole: Ticket | None) -> Change | str:
    """Part of *whole* from now on; all that belongs to it stays as it is, for the day that it is split off (E158)."""
    ticket = change.ticket
    if whole is None:
        return "there is no such ticket"
    if whole.id == ticket.id:
        return "that is the same ticket"
    closed = next((each for each in (ticket, whole) if not each.is_open), None)
    if closed is not None:
        return f"{closed.ref} is {closed.status} already"
    return replace(change, merged_into=whole.id)


def apart(ticket: Ticket, config: Config) -> Change | str:
    """A ticket of its own again, as if it had never been merged (E158)."""
    if not ticket.merged_into:
        return "it is part of no other ticket"
    return Change(ticket, merged_into=APART, runs=not stands(ticket.status, ticket.waiting_for, config))


def before(change: Change) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """What *change* replaces or adds, as an event keeps it for ``undo``: what is public, what is personal."""

    def of(names: Sequence[str]) -> dict[str, str | None]:
        replaced = {name: getattr(change.ticket, name) for name in names if _replaces(change, name)}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in replaced.items()}

    public, personal = of(PUBLIC_VALUES), of(PERSONAL_VALUES)
    if change.missing is not None and change.missing != change.ticket.missing:
        public["missing"] = " ".join(change.ticket.missing)
    if change.merged_into:
        public["merged_into"] = None
    if change.standing:
        public["standing"] = Standing.DOUBTFUL
    return public, personal | ({"added": change.added} if change.added else {})


def _replaces(change: Change, name: str) -> bool:
    if name == "waiting_for":  # it ends with the wait
        return change.status is not None and change.ticket.status is Status.WAITING
    new = getattr(change, name)
    return new is not None and new != (getattr(change.ticket, name) or NOBODY)


def last_own(ticket: Ticket, reading: Reading, facts: Facts) -> Ordered | str:
    """The last order about *ticket*, if the sender gave it, or why there is none to undo."""
    ran = facts.ordered.get(ticket.id, ())
    if not ran:
        return "nothing was ordered that could be undone"
    return ran[-1] if ran[-1].by == reading.sender else "the last change was made by somebody else"


def _undone(ticket: Ticket, reading: Reading, config: Config, facts: Facts) -> Change | str:
    """The ticket as it was before the sender's last order."""
    last = last_own(ticket, reading, facts)
    if isinstance(last, str):
        return last
    was = last.before
    if last.do == "undo" or not was or bool(ticket.merged_into) != ("merged_into" in was):
        return f"{last.do} changed nothing that could be undone"
    if ticket.merged_into:
        return apart(ticket, config)
    restored = (was.get("missing") or "").split()
    brought = set(restored).difference(ticket.missing)
    status, waiting_for, due_at = was.get("status"), was.get("waiting_for"), was.get("due_at")
    return Change(
        ticket,
        status=Status(status) if status else ticket.status,
        waiting_for=WaitingFor(waiting_for) if waiting_for else None,
        assignee=was["assignee"] or NOBODY if "assignee" in was else None,
        category=was.get("category"),
        task=was.get("task"),
        priority=was.get("priority"),
        team=was.get("team"),
        sla_policy=was.get("sla_policy"),
        due_at=datetime.fromisoformat(due_at) if due_at else None,
        linked_to=was.get("linked_to"),
        missing=tuple(restored) if restored else None,
        fields={name: values for name, values in ticket.fields.items() if name not in brought} if brought else None,
        keys=() if config.key_name in brought else None,
        standing=(last.mail, Standing.DOUBTFUL) if "standing" in was else None,
        leaver=was.get("added"),
    )


def said_of(order: Order, change: Change) -> tuple[dict[str, object], dict[str, object]]:
    """What the event of *order* says: what is public, and what is personal, as whom a ticket is assigned to.

    A changed task is a correction of what the rules made of the mail.
    """
    until = order.until.isoformat() if order.until else None
    said: dict[str, object] = {"do": order.do, "status": change.status, "until": until}
    said |= {"days": order.days} if order.days else {}
    said |= {"task": change.task} if change.task else {}
    said |= {"mail": order.mail} if order.mail else {}
    if order.do == "assign":
        return said, {"to": order.to}
    return {**said, "to": order.to}, {}


def _extended(change: Change, days: int, config: Config, now: datetime) -> Change | str:
    """So many working days more than it had, or than now where its time is over."""
    ticket = change.ticket
    if not ticket.is_open or ticket.due_at is None:
        return "it has no time to finish that could be extended"
    more = Span(days, Unit.WORKING_DAYS)
    return replace(change, due_at=due(max(now, ticket.due_at), more, calendar_of(ticket.team, config)))


def _with_task(change: Change, task: str, config: Config, facts: Facts) -> Change:
    """Another task; with another category also its team."""
    category = task.partition(".")[0]
    changed = _as(change, task, config)
    team = config.service.categories[category].team
    return _given_to(changed, team, config, facts) if team and category != change.ticket.category else changed


def _due_on(change: Change, day: date | None, config: Config, now: datetime) -> Change | str:
    """Due when the team's working day *day* ends."""
    due_at = closing_time(day, calendar_of(change.ticket.team, config)) if day else None
    if due_at is None or due_at <= now:
        return "that day is over: write one that is still to come"
    return replace(change, due_at=due_at)


def _moved(change: Change, to: str, reading: Reading, config: Config, facts: Facts) -> Change:
    """To a category, and the task of it that the order names, or to a team as it is."""
    category = config.service.categories.get(to)
    if category is None:
        return _given_to(change, to, config, facts)
    named = classify("", reading.wording, None, config)
    task = named.task if named.category == to else f"{to}.other"
    mailbox = config.service.mailboxes.get(change.ticket.mailbox)
    team = category.team or (mailbox.team if mailbox else change.ticket.team)
    return _given_to(_as(change, task or "", config), team, config, facts)


def _as(change: Change, task: str, config: Config) -> Change:
    """Another task, with its priority, unless a rule or a person had raised that of the ticket higher."""
    ticket, brings = change.ticket, priority_of(task, config)
    urgency: dict[str | None, int] = {each: number for number, each in enumerate(config.service.priorities)}
    is_raised = ticket.priority != priority_of(ticket.task, config)
    if is_raised and urgency.get(ticket.priority, len(urgency)) < urgency.get(brings, len(urgency)):
        brings = None
    return replace(change, category=task.partition(".")[0], task=task, priority=brings)


def _given_to(change: Change, team: str | None, config: Config, facts: Facts) -> Change:
    """With another team also another person has it, or nobody yet."""
    if team == change.ticket.team:
        return change
    return replace(change, team=team, assignee=share(team, config, facts)[0] or NOBODY)


# ---- an answer


def of_answer(ticket: Ticket, reading: Reading, config: Config, facts: Facts) -> Answer:
    """What a mail in the thread does: it moves the ticket, brings what was missing, reopens what was closed.

    A note of the team's own, and words of somebody who takes no part in the ticket (E121), move nothing.
    """
    from_team = reading.sender != ticket.requester and is_staff_of(ticket, reading, config, facts)
    takes_part = reading.sender in ticket.participants or is_colleague(reading, config)
    if from_team or not takes_part or reading.verdict is Verdict.FAIL:
        return Answer(Intent.NOTE, {}, None)
    if ticket.starts == COMMISSION and reading.sender != ticket.requester:
        return Answer(Intent.NOTE, {}, None)  # a return is one of a unit (returns.py)
    third_party = ticket.waiting_for is WaitingFor.THIRD_PARTY and reading.sender != ticket.requester
    brings = brought(ticket, reading, config)
    status = _status_after(ticket, brings, third_party=third_party)
    change = Change(
        ticket,
        status=status,
        waiting_for=ticket.waiting_for if status is Status.WAITING else None,
        missing=tuple(name for name in ticket.missing if name not in brings),
        fields={**ticket.fields, **{name: values for name, values in brings.items() if name != config.key_name}},
        keys=ticket.keys or brings.get(config.key_name or "", ()),
    )
    return Answer(_intent(ticket, brings, third_party=third_party), brings, change)


def brought(ticket: Ticket, reading: Reading, config: Config) -> Values:
    """What the mail states of that which *ticket* still lacks."""
    if not ticket.missing:
        return {}
    said = {**reading.fields, config.key_name: reading.keys} if config.key_name else reading.fields
    told = needs.stated(ticket.task, said, reading.loose_dates, config).fields
    return {name: values for name in ticket.missing if (values := told.get(name))}


def _status_after(ticket: Ticket, brings: Values, *, third_party: bool) -> Status:
    """A ticket that asked for several things waits until all of them are there."""
    if ticket.waiting_for is WaitingFor.REQUESTER and any(name not in brings for name in ticket.missing):
        return ticket.status
    happened = Happened.THIRD_PARTY_REPLIED if third_party else Happened.REQUESTER_REPLIED
    return lifecycle.after(ticket, happened) or ticket.status


def _intent(ticket: Ticket, brings: Values, *, third_party: bool) -> Intent:
    if third_party:
        return Intent.THIRD_PARTY_REPLY
    if not ticket.is_open:
        return Intent.REOPEN
    return Intent.ANSWERS_QUESTION if brings else Intent.NOTE
