"""What becomes of a new request: its task, priority, team and promise, and what it still has to say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailgate.model.config import Config
from mailgate.model.facts import Facts
from mailgate.model.reading import Classified, Item, Match, Reading, Trace
from mailgate.model.ticket import Draft, Status, Values, WaitingFor
from mailgate.rules.classify import classify
from mailgate.rules.conditions import Case
from mailgate.rules.extract import extract
from mailgate.rules.needs import needs_of, stated
from mailgate.rules.outcomes import apply_rules
from mailgate.rules.promise import calendar_of, priority_of, promised, service_level
from mailgate.sla.calendar import local_date
from mailgate.sla.clock import stands
from mailgate.tickets.capacity import of_new
from mailgate.tickets.sharing import share

_RUN_ON = frozenset({"urgent", "immediate"})  # priorities or service levels that wait for nobody


@dataclass(frozen=True, slots=True)
class _Request:
    """One request of a mail: its task by its words, and the facts that count for it."""

    task: str | None
    keys: tuple[str, ...]
    fields: Values
    loose_dates: tuple[str, ...]


def asked_for(reading: Reading, config: Config) -> Classified:
    """What the mail asks for, by its words."""
    return classify(
        reading.subject, reading.wording, reading.mailbox, config, has_old_subject(reading), tuple(reading.fields)
    )


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
    unit = facts.sender.unit if facts.sender else ""
    drafts = [_draft(case, request.keys, asks, unit) for case, request in zip(cases, asked, strict=True)]
    trace = list(found.matches)
    for case, (draft, why) in zip(cases, drafts, strict=True):
        trace += (*case.trace, *why, *_lacking(draft, reading, asks))
    return tuple(draft for draft, _ in drafts), tuple(trace)


def holds_files(task: str | None, reading: Reading, config: Config, facts: Facts) -> bool:
    """Whether a rule holds back the files of a mail that belongs to a ticket about *task*."""
    request = _Request(task, reading.keys, reading.fields, reading.loose_dates)
    return _settled(request, reading, config, facts).attachments is not None


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


def _dates(request: _Request, sent_on: date) -> tuple[tuple[str, ...], ...]:
    """The dates that nothing claims: first without the mail's own day, as "today" beside others says when to do it."""
    others = tuple(each for each in request.loose_dates if not each.startswith(str(sent_on)))
    return tuple(dict.fromkeys((others or request.loose_dates, request.loose_dates)))


def _settled(request: _Request, reading: Reading, config: Config, facts: Facts) -> Case:
    """The request after all rules; its fields name the dates that its task needs."""
    key = {config.key_name: request.keys} if config.key_name and request.keys else {}
    known = {**request.fields, **key}
    calendar = calendar_of(_team(request.task, reading, config, facts), config)
    dates = _dates(request, local_date(_sent_at(reading), calendar))

    def with_task(case: Case, task: str | None) -> Case:
        told = min((stated(task, known, each, config) for each in dates), key=lambda told: len(told.missing))
        missing = told.missing or _mistyped(task, reading, config)
        return replace(case, task=task, priority=priority_of(task, config), fields=told.fields, missing=missing)

    return apply_rules(with_task(Case(reading, facts, config, calendar), request.task), with_task)


def _mistyped(task: str | None, reading: Reading, config: Config) -> tuple[str, ...]:
    """The key, where a mail that fits no task writes one that cannot be right: it is asked for, never guessed."""
    return (config.key_name,) if task is None and reading.as_written and config.key_name else ()


def _draft(case: Case, keys: tuple[str, ...], asks: bool, unit: str) -> tuple[Draft, Trace]:
    """The ticket; *unit* is that of its requester."""
    reading, config = case.reading, case.config
    team = _team(case.task, reading, config, case.facts)
    sla = service_level(case.task, case.priority, config)
    waits = asks and bool(case.missing) and not {case.priority, sla} & _RUN_ON
    status, waiting_for = (Status.WAITING, WaitingFor.REQUESTER) if waits else (Status.NEW, None)
    received_at = reading.envelope.received_at
    clock, why = promised(sla, case.priority, case.fields, received_at, calendar_of(team, config), config)
    kept = {*config.service.identifiers, *needs_of(case.task, config)} - {config.key_name}
    fields = {name: values for name, values in case.fields.items() if name in kept}
    assignee, given = share(team, config, case.facts)
    draft = Draft(
        mailbox=reading.mailbox or _mailbox_of(team, config),
        requester=reading.sender or reading.envelope.sender,
        subject=reading.subject,
        received_at=received_at,
        status=status,
        waiting_for=waiting_for,
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
        clock_started_at=clock.started_at if clock and not stands(status, waiting_for, config) else None,
    )
    draft, held = of_new(draft, unit, case.facts.levels, config, is_told=asks)
    return draft, (*given, *why, *held)


# ---- who


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


def _lacking(draft: Draft, reading: Reading, asks: bool) -> Trace:
    """What is missing, for the trace."""
    if not draft.missing:
        return ()
    written = f'"{reading.as_written}" is not a whole one' if reading.as_written else ""
    waits = draft.waiting_for is WaitingFor.REQUESTER
    effect = "asked for; the ticket waits" if waits else "asked for; the clock runs on" if asks else "not asked for"
    return (Match("needs", ", ".join(draft.missing), words=written, effect=effect),)
