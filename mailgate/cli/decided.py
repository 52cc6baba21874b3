"""A decision as the JSON object that ``explain`` and ``rehearse`` print."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mailgate.model.config import Config
from mailgate.model.decision import Bounce, Command, Decision, Duplicate, FollowUp, Ignore, NewTicket, Order
from mailgate.model.reading import Reading, Trace
from mailgate.model.ticket import Draft, Ticket, Values

Named = Callable[[Ticket], str]


def as_json(decision: Decision, reading: Reading, config: Config, named: Named) -> dict[str, Any]:
    """The fields that docs/design.md promises; *named* says how a ticket is called ("MG-7K3F-99")."""
    joined = named(decision.ticket) if decision.ticket else None
    shown: dict[str, Any] = {
        "action": decision.action,
        "ticket": joined,
        "duplicate_of": joined if isinstance(decision.outcome, Duplicate) else None,
        "follow_up_to": None if isinstance(decision.outcome, Duplicate) else joined,
        "mailbox": reading.mailbox or (decision.ticket.mailbox if decision.ticket else None),
        **_what(decision, reading, config),
        f"{config.key_name}_as_written": reading.as_written,
        f"{config.key_name}_suggestion": reading.suggestion,
        "marking": reading.message.marking or None,
        "external": not config.is_ours(reading.sender.rpartition("@")[2]),
        "verdict": reading.verdict,
        "kind": reading.message.kind,
        "replies": [reply.message for reply in decision.replies],
        "silent_because": decision.silent_because or None,
        "trace": trace_as_json(decision.trace),
        "config_version": decision.config_version,
    }
    return shown


def trace_as_json(trace: Trace) -> list[dict[str, str]]:
    names = ("stage", "name", "words", "where", "effect")
    return [{name: getattr(match, name) for name in names} for match in trace]


def sentence(match: Mapping[str, str]) -> str:
    """One line of a trace, as a person reads it."""
    words = f' "{match["words"]}"' if match["words"] else ""
    where = f" in the {match['where']}" if match["where"] else ""
    effect = f" -> {match['effect']}" if match["effect"] else ""
    return f"{match['stage']}: {match['name']}{words}{where}{effect}"


def _what(decision: Decision, reading: Reading, config: Config) -> dict[str, Any]:
    said: dict[str, Any] = {"intent": None, "command": None}
    match decision.outcome:
        case NewTicket(drafts=drafts):
            more = [_ticket(draft, config) for draft in drafts[1:] if not draft.unit]
            return {**_ticket(drafts[0], config), **said, "more_tickets": more, **_asked(drafts)}
        case FollowUp(ticket=ticket, intent=intent, answers=answers):
            said |= {"intent": intent, "answers": _plain(answers), "unit": ticket.unit or None}
        case Command(order=order):
            said["command"] = _order(order)
        case Bounce(failed_recipient=failed):
            said["failed_recipient"] = failed
        case Ignore(intent=intent, reason=reason):
            said |= {"intent": intent, "reason": reason}
    nothing = dict.fromkeys(("category", "task", "priority", "team", "assignee", "sla_policy"))
    keys = {} if config.key_name is None else _keys(reading.keys, config.key_name)
    return {**nothing, **keys, "fields": _plain(reading.fields), "missing_information": [], "more_tickets": [], **said}


def _ticket(draft: Draft, config: Config) -> dict[str, Any]:
    keys = {} if config.key_name is None else _keys(draft.keys, config.key_name)
    return {
        "category": draft.category,
        "task": draft.task,
        "priority": draft.priority,
        "team": draft.team,
        "assignee": draft.assignee,
        "sla_policy": draft.sla_policy,
        **keys,
        "fields": _plain(draft.fields),
        "missing_information": list(draft.missing),
        "tags": list(draft.tags),
        "show_to": draft.show_to,
        "attachments": draft.attachments,
        "start": draft.starts,
        "status": draft.status,
        "due_at": draft.due_at.isoformat() if draft.due_at else None,
    }


def _asked(drafts: Sequence[Draft]) -> dict[str, Any]:
    """Of a commission: which units are asked, and when the first of them has to answer."""
    units = [draft for draft in drafts if draft.unit]
    due = min((draft.due_at for draft in units if draft.due_at), default=None)
    said = {"fan_out": [draft.unit for draft in units], "internal_deadline": due.isoformat() if due else None}
    return said if units else {}


def _keys(keys: Sequence[str], name: str) -> dict[str, Any]:
    """The key under its own name, all of them as its plural: "crn" and "crns"."""
    return {name: keys[0] if keys else None, f"{name}s": list(keys)}


def _plain(values: Values) -> dict[str, Any]:
    return {name: each[0] if len(each) == 1 else list(each) for name, each in values.items()}


def _order(order: Order) -> dict[str, Any]:
    said = {"until": order.until.isoformat() if order.until else None, "to": order.to}
    said |= {"reason": order.reason, "note": order.note}
    return {"do": order.do, **{name: value for name, value in said.items() if value}}
