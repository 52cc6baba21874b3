"""Rules: conditions with outcomes, read from the top until one says "stop"."""

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate

from mailgate.model.config import Config
from mailgate.model.reading import Match
from mailgate.model.work import Rule
from mailgate.rules.conditions import Case, holds_all, recipients
from mailgate.rules.shortlist import address_tokens, name_tokens, shortlist

STAGE = "rule"
_AT_LEAST = "at least "

Refresh = Callable[[Case, str], Case]


def apply_rules(case: Case, set_task: Refresh) -> Case:
    """*case* changed by every rule of the configuration that fits it, from the top, until one stops.

    *set_task* gives the case another task with all that follows from it.
    """
    service = case.config.service
    if not service.rules:
        return case
    texts = {"subject": case.reading.subject, "body": case.reading.wording}
    case = replace(case, said=shortlist(case.config).said(texts))
    waiting = _worth_reading(case, -1)
    while waiting:
        number = waiting.pop(0)
        rule = service.rules[number]
        words = holds_all(case, rule.when)
        if words is None:
            continue
        case = replace(_applied(rule, case, set_task), trace=(*case.trace, _told(rule, words)))
        if rule.then.stop:
            break
        if rule.then.task:
            waiting = _worth_reading(case, number)
    return case


def _told(rule: Rule, words: str) -> Match:
    then = rule.then.model_dump(exclude_defaults=True)
    return Match(STAGE, rule.name, words=words, effect=", ".join(f"{name}: {_shown(then[name])}" for name in then))


def _worth_reading(case: Case, after: int) -> list[int]:
    """The numbers of the rules behind *after* that may fit the case as it now is."""
    reading, marking = case.reading, case.reading.message.marking.split(" ")
    tokens = (
        *address_tokens("from", [reading.sender]),
        *address_tokens("to", recipients(reading)),
        *name_tokens("sender_role", [case.facts.sender.role if case.facts.sender else None]),
        *name_tokens("marking", accumulate(marking, "{} {}".format)),
        *name_tokens("task", [case.task]),
        *name_tokens("category", [case.category]),
        *(("states", name) for name in case.fields),
        *(("header", name) for name in reading.message.headers),
        *((place, wish) for place, said in case.said.items() for wish in said),
    )
    return [number for number in shortlist(case.config).worth_reading(tokens) if number > after]


def _applied(rule: Rule, case: Case, set_task: Refresh) -> Case:
    then = rule.then
    if then.task:
        case = set_task(case, then.task)
    return replace(
        case,
        priority=_raised(case.priority, then.priority, case.config) if then.priority else case.priority,
        tags=tuple(dict.fromkeys((*case.tags, *then.tag))),
        show_to=then.show_to or case.show_to,
        attachments=then.attachments or case.attachments,
        starts=then.start or case.starts,
    )


def _raised(current: str | None, wanted: str, config: Config) -> str:
    """The priority after "urgent" or "at least high"; ``priorities`` lists the most pressing first."""
    if not wanted.startswith(_AT_LEAST):
        return wanted
    order = list(config.service.priorities)
    least = wanted.removeprefix(_AT_LEAST).strip()
    return current if current in order and order.index(current) <= order.index(least) else least


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, tuple) else str(value)
