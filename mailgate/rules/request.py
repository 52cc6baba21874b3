"""What becomes of a new request: its task, priority, team and promise, and what it still has to say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailgate.model.config import Calendar, Config, SlaPolicy
from mailgate.model.decision import Facts, Match, Reading, Trace
from mailgate.model.spans import Unit
from mailgate.model.ticket import Draft, Status, Values, WaitingFor
from mailgate.rules.classify import Classified, Item, classify
from mailgate.rules.conditions import Case
from mailgate.rules.extract import extract
from mailgate.rules.needs import needs_of, stated
from mailgate.rules.outcomes import apply_rules
from mailgate.sla.calendar import closing_time, instant
from mailgate.sla.clock import OFFICE, Clock, start
from mailgate.tickets.sharing import share

_RUN_ON = frozenset({"urgent", "immediate"})  # priorities or service levels that wait for nobody
_DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class _Request:
    """One request of a mail: its task by its words, and the facts that count for it."""

    task: str | None
    keys: tuple[str, ...]
    fields: Values
    loose_dates: tuple[str, ...]


def asked_for(reading: Reading, config: Config) -> Classified:
    """What the mail asks for, by its words."""
    return classify(reading.subject, reading.wording, reading.mailbox, config, has_old_subject(reading))


def requests(
    found: Classified, reading: Reading, config: Config, facts: Facts, *, asks: bool = True
) -> tuple[tuple[Draft, ...], Trace]:
    """The tickets that a new request opens for what was *found*, the mail's own first, and why they are what they are.

    *asks*: the sender may be asked for what is missing. A ticket waits for an answer only then.
    """
    if found.items:
        asked = _listed(reading, found.items, found.around, config, has_old_subject(reading))
    else:
        asked = (_Request(found.task, reading.keys, reading.fields, reading.loose_dates),)
    cases = [_settled(request, reading, config, facts) for request in asked]
    drafts = [_draft(case, request.keys, asks) for case, request in zip(cases, asked, strict=True)]
    trace = list(found.matches)
    for case, (draft, why) in zip(cases, drafts, strict=True):
        trace += (*case.trace, *why, *_lacking(draft, reading, asks))
    return tuple(draft for draft, _ in drafts), tuple(trace)


def has_old_subject(reading: Reading) -> bool:
    """Whether the subject was written for an earlier mail, and one that is not ours."""
    message = reading.message
    answers = bool(message.in_reply_to) or message.subject.lower().lstrip().startswith("re:")
    return answers and not message.is_forward and not reading.refs and not reading.tokens


def _listed(reading: Reading, items: Sequence[Item], around: str, config: Config, old: bool) -> tuple[_Request, ...]:
    """A request for each task of the list, each with its own facts and those that stand around the list."""
    at = _sent_at(reading)
    common = extract(reading.subject, around, old, config, at)
    requests: list[_Request] = []
    for task in dict.fromkeys(item.task for item in items):
        own = extract("", "\n\n".join(item.text for item in items if item.task == task), False, config, at)
        allowed = set(reading.keys)  # a number struck out anywhere counts nowhere
        keys = tuple(key for key in own.keys if key in allowed) or tuple(key for key in common.keys if key in allowed)
        fields = {name: values for name, values in {**common.fields, **own.fields}.items() if name in reading.fields}
        dates = tuple(found.value for found in own.dates or common.dates)
        requests.append(_Request(task, keys or reading.keys, fields, dates))
    return tuple(requests)


def _sent_at(reading: Reading) -> datetime:
    return reading.message.date or reading.envelope.received_at


def _settled(request: _Request, reading: Reading, config: Config, facts: Facts) -> Case:
    """The request after all rules; its fields name the dates that its task needs."""
    key = {config.key_name: request.keys} if config.key_name and request.keys else {}
    known = {**request.fields, **key}
    calendar = calendar_of(_team(request.task, reading, config, facts), config)

    def with_task(case: Case, task: str | None) -> Case:
        told = stated(task, known, request.loose_dates, config)
        return replace(case, task=task, priority=_priority(task, config), fields=told.fields, missing=told.missing)

    return apply_rules(with_task(Case(reading, facts, config, calendar), request.task), with_task)


def _draft(case: Case, keys: tuple[str, ...], asks: bool) -> tuple[Draft, Trace]:
    reading, config = case.reading, case.config
    team = _team(case.task, reading, config, case.facts)
    sla = service_level(case.task, case.priority, config)
    waits = asks and bool(case.missing) and not {case.priority, sla} & _RUN_ON
    clock, why = _clock(case, sla, calendar_of(team, config))
    kept = {*config.service.identifiers, *needs_of(case.task, config)} - {config.key_name}
    fields = {name: values for name, values in case.fields.items() if name in kept}
    assignee, given = share(team, config, case.facts)
    draft = Draft(
        mailbox=reading.mailbox or _mailbox_of(team, config),
        requester=reading.sender or reading.envelope.sender,
        subject=reading.subject,
        received_at=reading.envelope.received_at,
        status=Status.WAITING if waits else Status.NEW,
        waiting_for=WaitingFor.REQUESTER if waits else None,
        category=case.category,
        task=case.task,
        priority=case.priority,
        team=team,
        assignee=assignee,
        sla_policy=sla,
        keys=keys,
        fields=fields,
        missing=case.missing,
        marking=reading.message.marking,
        tags=case.tags,
        show_to=case.show_to,
        attachments=case.attachments,
        starts=case.starts,
        first_reply_due=clock.first_reply_due if clock else None,
        due_at=clock.due_at if clock else None,
        clock_started_at=clock.started_at if clock and not waits else None,
    )
    return draft, (*given, *why)


# ---- who, how soon, until when


def _priority(task: str | None, config: Config) -> str | None:
    if task is None:
        return config.service.defaults.priority
    category, entry = config.task(task)
    return entry.priority or category.priority or config.service.defaults.priority


def service_level(task: str | None, priority: str | None, config: Config) -> str | None:
    """The task's own, which outlives a change of priority, or the priority's."""
    own = config.task(task)[1].sla if task else None
    return own or config.service.priorities.get(priority or "")


def _team(task: str | None, reading: Reading, config: Config, facts: Facts) -> str | None:
    """The category's, else the mailbox's, else that of the sender's unit, else the default."""
    category = config.task(task)[0].team if task else None
    mailbox = config.service.mailboxes[reading.mailbox].team if reading.mailbox else None
    unit = facts.sender.unit if facts.sender else ""
    return category or mailbox or _team_of_unit(unit, config) or config.service.defaults.team


def _team_of_unit(unit: str, config: Config) -> str | None:
    """The team that serves *unit* and shares most words with it: "Aldermoor, POD 2" is the second of two."""
    words = set(unit.lower().replace(",", " ").replace("-", " ").split())
    serving = {
        name: len(words & set(name.lower().split("-")))
        for name, team in config.service.teams.items()
        if team.units != "all" and any(words >= set(own.lower().split()) for own in team.units)
    }
    return max(serving, key=lambda name: serving[name]) if serving else None


def _mailbox_of(team: str | None, config: Config) -> str:
    """The first mailbox of *team*; where it has none, the address that answers come to."""
    own = (name for name, mailbox in config.service.mailboxes.items() if mailbox.team == team)
    return next(own, config.service.send_from or "")


def calendar_of(team: str | None, config: Config) -> Calendar:
    """When *team* works: its own calendar, else the default one."""
    service = config.service
    own = service.teams[team].calendar if team and team in service.teams else None
    return service.calendars.get(own or service.defaults.calendar or "", OFFICE)


def _clock(case: Case, sla: str | None, calendar: Calendar) -> tuple[Clock | None, Trace]:
    """The promise of the service level *sla*, and where its deadline came from."""
    at = case.reading.envelope.received_at
    policy = case.config.service.sla.get(sla or "")
    if policy is None:
        return None, ()
    if Unit.DEADLINE not in (policy.reply.unit, policy.finish.unit):
        return start(at, policy, calendar), ()
    deadline = _deadline(case, calendar)
    if deadline is not None:
        why = Match("sla", sla or "", words=deadline.isoformat(), effect="the deadline in the mail")
        return start(at, policy, calendar, deadline), (why,)
    usual = case.config.service.sla.get(case.config.service.priorities.get(case.priority or "", ""))
    why = Match("sla", sla or "", effect=f"no deadline in the mail: as priority {case.priority} until there is one")
    return (_usual_clock(at, usual, calendar), (why,))


def _usual_clock(at: datetime, policy: SlaPolicy | None, calendar: Calendar) -> Clock | None:
    """The promise that the priority brings; none where that too is the deadline in the mail."""
    if policy is None or Unit.DEADLINE in (policy.reply.unit, policy.finish.unit):
        return None
    return start(at, policy, calendar)


def _deadline(case: Case, calendar: Calendar) -> datetime | None:
    """The first deadline that the mail states, at its time of day or at the close of that day."""
    stated_dates = [datetime.fromisoformat(value) for value in case.fields.get(_DEADLINE, ())]
    timed = [value for value in case.fields.get(_DEADLINE, ()) if "T" in value]
    if not stated_dates:
        return None
    first = min(stated_dates).date()
    at = next((datetime.fromisoformat(value).time() for value in timed if value.startswith(first.isoformat())), None)
    due = instant(first, at, calendar) if at is not None else closing_time(first, calendar)
    return max(due, case.reading.envelope.received_at)


def _lacking(draft: Draft, reading: Reading, asks: bool) -> Trace:
    """What is missing, for the trace."""
    if not draft.missing:
        return ()
    written = f'"{reading.as_written}" is not a whole one' if reading.as_written else ""
    waits = draft.status is Status.WAITING
    effect = "asked for; the ticket waits" if waits else "asked for; the clock runs on" if asks else "not asked for"
    return (Match("needs", ", ".join(draft.missing), words=written, effect=effect),)
