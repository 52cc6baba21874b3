"""Whether one rule's conditions hold wherever another's do, told from the conditions alone.

Where that cannot be said the answer is no: whoever reads a warning should find it true.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mailgate.model.spans import Span
from mailgate.model.work import Rule
from mailgate.rules.conditions import listed

_ADDRESSES = frozenset({"from", "to"})
_WITHIN = "within "
_OUTSIDE = "anyone outside "
_SET_ONCE = ("task", "priority")
_CHANGED_BY: Mapping[str, frozenset[str]] = {
    "task": frozenset({"task"}),
    "category": frozenset({"task"}),
    "priority": frozenset({"task", "priority"}),
    "tag": frozenset({"tag"}),
}
_OF_THE_MAIL = frozenset({"from", "to", "sender_role", "marking", "subject", "body", "header", "attachment"})

Conditions = Mapping[str, Any]


def shadowing(rules: Sequence[Rule], number: int) -> int | None:
    """The earlier rule with ``stop: yes`` that fits wherever rule *number* does; that one is never read then."""
    for earlier, rule in enumerate(rules[:number]):
        is_same = not _reads(rule.when) & _changes(rules[earlier + 1 : number])
        if rule.then.stop and is_same and covers(rule.when, rules[number].when):
            return earlier
    return None


def undone(rules: Sequence[Rule], number: int) -> Iterator[tuple[int, str]]:
    """What rule *number* sets and a later rule, which fits wherever it does, always sets to something else."""
    own = rules[number]
    for later in range(number + 1, len(rules)):
        if any(rule.then.stop for rule in rules[number:later]):
            return
        other = rules[later]
        if covers(other.when, own.when) and not _reads(other.when) & _changes(rules[number:later]):
            for name in _SET_ONCE:
                mine, theirs = getattr(own.then, name), getattr(other.then, name)
                if mine and theirs and mine != theirs and not theirs.startswith("at least "):
                    yield later, name


def is_impossible(when: Conditions) -> bool:
    """Whether it asks for a task of another category than it asks for."""
    flat = list(_flat(when))
    categories = [set(map(str, listed(wanted))) for name, wanted in flat if name == "category"]
    tasks = [set(map(str, listed(wanted))) for name, wanted in flat if name == "task"]
    return any(
        not {task.partition(".")[0] for task in wished} & category for wished in tasks for category in categories
    )


def fits_every_mail(when: Conditions) -> bool:
    return all(name in _ADDRESSES and "*" in listed(wanted) for name, wanted in _flat(when))


def covers(wide: Conditions, narrow: Conditions) -> bool:
    """Whether *wide* holds wherever *narrow* does."""
    known = list(_flat(narrow))
    return all(_follows(name, wanted, known) for name, wanted in _flat(wide))


def _flat(when: Conditions) -> Iterator[tuple[str, Any]]:
    """The conditions that all have to hold, those under ``all`` too."""
    for name, wanted in when.items():
        if name == "all":
            for nested in listed(wanted):
                yield from _flat(nested)
        else:
            yield name, wanted


def _follows(name: str, wanted: Any, known: Sequence[tuple[str, Any]]) -> bool:
    if name == "has":
        return all(_is_stated(wish, known) for wish in listed(wanted))
    return any(_is_implied(name, wanted, other, given) for other, given in known)


def _is_stated(name: str, known: Sequence[tuple[str, Any]]) -> bool:
    return any((other == "has" and name in listed(given)) or (other == name and given is not False)
               for other, given in known)  # fmt: skip


def _is_implied(name: str, wanted: Any, other: str, given: Any) -> bool:
    """Whether the condition *name* follows from the one condition *other*."""
    if name == "category" and other == "task":
        return {str(task).partition(".")[0] for task in listed(given)} <= set(map(str, listed(wanted)))
    if name != other:
        return False
    if isinstance(wanted, bool) or isinstance(given, bool) or name in ("header", "any", "not"):
        return bool(wanted == given or (wanted is True and given is not False and name not in ("any", "not")))
    return all(any(_admits(name, wish, special) for wish in listed(wanted)) for special in listed(given))


def _admits(name: str, wish: Any, special: Any) -> bool:
    """Whether whatever is *special* is also what is wished for."""
    wide, narrow = str(wish).casefold(), str(special).casefold()
    if wide == narrow:
        return True
    if name in _ADDRESSES:
        plain = not wide.startswith(_OUTSIDE) and "?" not in wide and "[" not in wide
        return wide == "*" or (plain and not narrow.startswith(_OUTSIDE) and fnmatchcase(narrow, wide))
    if name == "marking":
        return narrow.startswith(f"{wide} ")
    if wide.startswith(_WITHIN) and narrow.startswith(_WITHIN):
        longer, shorter = Span.parse(wide.removeprefix(_WITHIN)), Span.parse(narrow.removeprefix(_WITHIN))
        return longer.unit is shorter.unit and longer.count >= shorter.count
    return False


def _reads(when: Conditions) -> frozenset[str]:
    """What the conditions look at that a rule can change: what the mail states counts for its task."""
    found: frozenset[str] = frozenset()
    for name, wanted in when.items():
        if name in ("all", "any", "not"):
            found = found.union(*(_reads(nested) for nested in listed(wanted)))
        elif name not in _OF_THE_MAIL:
            found |= _CHANGED_BY.get(name, frozenset({"task"}))
    return found


def _changes(rules: Sequence[Rule]) -> frozenset[str]:
    return frozenset(name for rule in rules for name in ("task", "priority", "tag") if getattr(rule.then, name))
