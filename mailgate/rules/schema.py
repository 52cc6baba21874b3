"""What only the whole configuration can tell: that each name stands for something, each pattern is one.

Works on the values with their places, not on the models, so that these mistakes are found
in the same run as those of the models.
"""

import re
from collections.abc import Iterator, Sequence

import re2

from mailgate.model.sending import Messages
from mailgate.model.spans import Span
from mailgate.rules.located import Node, Problem
from mailgate.rules.typed import suggestion

CONDITIONS = (
    "from",
    "to",
    "sender_role",
    "marking",
    "task",
    "category",
    "priority",
    "subject",
    "body",
    "header",
    "attachment",
    "has",
    "tag",
)
NESTINGS = ("all", "any", "not")
CONDITION_NAMES = (*CONDITIONS, *NESTINGS)
"""The names in a rule's ``when``; the name of any information or identifier is a condition too."""

COMMAND_NAMES = (
    "done",
    "take",
    "waiting",
    "move",
    "assign",
    "extend",
    "ask",
    "away",
    "back",
    "task",
    "priority",
    "due",
    "note",
    "reply",
    "duplicate",
    "undo",
    "approve",
    "separate",
    "more",
    "reopen",
    "cancel",
    "level",
)

# Where a name stands, what it is called, and the section that defines it.
_REFERENCES = (
    ("defaults.team", "team", "teams"),
    ("mailboxes.*.team", "team", "teams"),
    ("categories.*.team", "team", "teams"),
    ("teams.*.cover", "team", "teams"),
    ("commissions.compiled_by", "team", "teams"),
    ("defaults.calendar", "calendar", "calendars"),
    ("teams.*.calendar", "calendar", "calendars"),
    ("mailboxes.*.usually", "category", "categories"),
    ("priorities.*", "service level", "sla"),
    ("categories.*.tasks.*.sla", "service level", "sla"),
    ("defaults.priority", "priority", "priorities"),
    ("categories.*.priority", "priority", "priorities"),
    ("categories.*.tasks.*.priority", "priority", "priorities"),
    ("messages.quiet_for.*", "priority", "priorities"),
    ("rules.*.then.priority", "priority", "priorities"),
    ("rules.*.then.task", "task", "tasks"),
    ("categories.*.needs.*", "information", "information"),
    ("categories.*.tasks.*.needs.*", "information", "information"),
    ("categories.*.tasks.*.without.*", "information", "information"),
    ("identifiers.*.belongs_to", "identifier", "identifiers"),
)
# The same inside a rule's condition.
_CONDITION_REFERENCES = (
    ("task.*", "task", "tasks"),
    ("category.*", "category", "categories"),
    ("priority.*", "priority", "priorities"),
    ("has.*", "information", "information"),
)
_PATTERNS = ("identifiers.*.pattern", "information.*.pattern")
_PHRASES = (
    "categories.*.tasks.*.recognise.*",
    "information.*.words.*",
    "information.*.lead.*",
    "identifiers.*.after.*",
    "identifiers.*.not_after.*",
    "commands.*.*",
    "commissions.nil_return.*",
    "commissions.more_time.*",
    "small_talk.*.*",
    "questions.*.*",
    "text.*.*",
    "markings.*",
)
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_LARGEST_PATTERN = 512 << 10  # bytes that RE2 may need: a mail is searched in a moment by all that are smaller
_LONGEST_BASE = 34  # E224: a token of 30 characters has to fit into a local part of 64


def mistakes(service: Node) -> Iterator[Problem]:
    """Every mistake that shows only when the parts of *service* are looked at together."""
    names = _names(service)
    yield from _references(service, _REFERENCES, names)
    for rule in service.each(("rules", "*", "when")):
        yield from _condition(rule, names)
    for pattern in _nodes(service, _PATTERNS):
        yield from _pattern(pattern)
    for phrase in _nodes(service, _PHRASES):
        if isinstance(phrase.value, str) and not phrase.value.strip():
            yield phrase.place.problem("an empty phrase would fit every mail; write words or take it out")
    yield from _addresses(service)
    yield from _whole(service)
    for node in service.each(("privacy", "neutral")):
        for name, words in node.entries.items():
            if name not in names["tasks"]:
                yield words.key.problem(f'unknown task "{name}"{suggestion(name, names["tasks"])}')
    for node in service.each(("keep", "mailboxes")):
        ours = [name for name, _ in _entries(service, "mailboxes")]
        for name, period in node.entries.items():
            if name not in ours:
                yield period.key.problem(f'unknown mailbox "{name}"{suggestion(name, ours)}')
    for name, command in _entries(service, "commands"):
        if name not in COMMAND_NAMES:
            yield command.key.problem(f'unknown command "{name}"{suggestion(name, COMMAND_NAMES)}')


def _names(service: Node) -> dict[str, Sequence[str]]:
    """The names that each section defines, in its order."""
    names: dict[str, Sequence[str]] = {
        section: tuple(name for name, _ in _entries(service, section))
        for section in ("teams", "calendars", "categories", "sla", "priorities", "identifiers")
    }
    names["information"] = tuple(
        dict.fromkeys(name for section in ("information", "identifiers") for name, _ in _entries(service, section))
    )
    names["tasks"] = tuple(
        f"{category}.{task}"
        for category, node in _entries(service, "categories")
        for task in dict.fromkeys((*(name for name, _ in _entries(node, "tasks")), "other"))
    )
    names["messages"] = tuple(name for name in Messages.model_fields if name != "quiet_for")
    return names


def _references(
    root: Node, table: Sequence[tuple[str, str, str]], names: dict[str, Sequence[str]]
) -> Iterator[Problem]:
    for pattern, what, section in table:
        for node in root.each(pattern.split(".")):
            if not isinstance(node.value, str):
                continue
            name = node.value.removeprefix("at least ") if what == "priority" else node.value
            if name not in names[section]:
                known = names[section]
                hint = suggestion(name, known) if known else f'; there is no "{section}" yet'
                yield node.place.problem(f'unknown {what} "{name}"{hint}')


def _condition(when: Node, names: dict[str, Sequence[str]]) -> Iterator[Problem]:
    """The names in one condition and in those nested in it."""
    known = (*CONDITION_NAMES, *names["information"])
    for name, node in when.entries.items():
        if name in NESTINGS:
            inner = node.value if isinstance(node.value, list) else [node]
            for nested in inner:
                if isinstance(nested.value, dict):
                    yield from _condition(nested, names)
                else:
                    yield nested.place.problem(f'expected conditions of the form name: value under "{name}"')
        elif name not in known:
            yield node.key.problem(f'unknown condition "{name}"{suggestion(name, known)}')
        elif isinstance(node.value, dict) != (name == "header"):
            wanted = "a header and its value, such as {X-Priority: 1}" if name == "header" else "words"
            yield node.place.problem(f'expected {wanted} under "{name}"')
        else:
            yield from _wanted(node)
    yield from _references(when, _CONDITION_REFERENCES, names)


def _wanted(condition: Node) -> Iterator[Problem]:
    """The mistakes in what a condition wants: in a regular expression between slashes, in a length of time."""
    for node in condition.scalars():
        if not isinstance(node.value, str):
            continue
        if len(node.value) > 2 and node.value.startswith("/") and node.value.endswith("/"):
            yield from _pattern(Node(node.value[1:-1], node.place, node.key))
        elif node.value.startswith("within "):
            try:
                Span.parse(node.value.removeprefix("within "))
            except ValueError as error:
                yield node.place.problem(f'{error} after "within"')


def _pattern(node: Node) -> Iterator[Problem]:
    if not isinstance(node.value, str):
        return
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _LARGEST_PATTERN
    try:
        pattern = re2.compile(node.value, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        yield node.place.problem(f"this regular expression cannot be used: {reason}")
    else:
        if pattern.match(""):
            yield node.place.problem("this regular expression fits even an empty text; make it narrower")


def _addresses(service: Node) -> Iterator[Problem]:
    boxes = [(name, node.key) for name, node in _entries(service, "mailboxes")]
    boxes += [(node.value, node.place) for node in service.each(["send_from"]) if isinstance(node.value, str)]
    for address, place in boxes:
        base = address.partition("@")[0]
        if not _ADDRESS.fullmatch(address):
            yield place.problem(f'expected an address such as help@example.org, found "{address}"')
        elif len(base) > _LONGEST_BASE or "+" in base:
            yield place.problem(
                f'"{base}" must have no "+" and at most {_LONGEST_BASE} characters, '
                "so that answers can carry the ticket behind it"
            )
    for node in _nodes(service, ("domains.*", "privacy.partners.*")):
        if isinstance(node.value, str) and not _DOMAIN.fullmatch(node.value):
            yield node.place.problem(f'expected a domain in small letters such as example.org, found "{node.value}"')


def _whole(service: Node) -> Iterator[Problem]:
    """What one part asks of another."""
    yield from _commissions(service)
    keys = [node for node in service.each(("identifiers", "*", "key")) if str(node.value).lower() in _YES]
    for node in keys[1:]:
        yield node.key.problem(f'only one identifier can be the "key"; the first is on {keys[0].key}')
    for send_from in service.each(["send_from"]):
        if not any(service.each(("defaults", "team"))):
            yield send_from.key.problem('"defaults" needs a "team": mail to send_from that fits nothing goes to it')
    if not any(service.each(("domains", "*"))):
        for lead in service.each(("teams", "*", "lead")):
            if isinstance(lead.value, str) and "@" not in lead.value:
                yield lead.place.problem(
                    f'"{lead.value}" needs "domains": it stands for an address at the first of them'
                )


def _commissions(service: Node) -> Iterator[Problem]:
    """A unit is asked by way of the team that serves it; what starts a commission needs one to start."""
    served = {str(unit.value).casefold() for unit in service.each(("teams", "*", "units", "*"))}
    for unit in service.each(("commissions", "ask", "*")):
        if str(unit.value).casefold() not in served:
            yield unit.place.problem(f'no team serves "{unit.value}" alone: name it under "units" of one')
    if not any(service.each(("commissions",))):
        for start in service.each(("rules", "*", "then", "start")):
            yield start.place.problem('there is no "commissions" yet: say there which units are asked')


_YES = frozenset({"yes", "true", "on", "y", "t", "1"})


def _nodes(root: Node, patterns: Sequence[str]) -> Iterator[Node]:
    for pattern in patterns:
        yield from root.each(pattern.split("."))


def _entries(node: Node, name: str) -> Iterator[tuple[str, Node]]:
    for section in node.each([name]):
        yield from section.entries.items()
