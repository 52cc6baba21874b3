"""The conditions of rules.

A condition is one small function and one line of ``CONDITIONS``. It is handed the case and what
the configuration wants, and says on what words it holds, or None where it does not. The name of
any information or identifier is a condition too, on what the mail states of it. Where words are
wanted, ``/.../`` is a regular expression (RE2); a list means any of its entries.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from typing import Any

from mailgate.model.config import Config
from mailgate.model.facts import Facts
from mailgate.model.message import VERIFIED, Verdict
from mailgate.model.promises import Calendar
from mailgate.model.reading import Reading, Trace
from mailgate.model.spans import Span, Unit
from mailgate.model.ticket import Values
from mailgate.rules.searches import Wishes
from mailgate.sla.calendar import local_date, months_later, working_day

_OUTSIDE = "anyone outside "
_WITHIN = "within "
_NOBODY = "nobody@invalid"  # of no organisation there is (RFC 2606)


@dataclass(frozen=True, slots=True)
class Case:
    """One request while the rules are read: the mail, and what is settled about it so far.

    *said* has what was found of the words that rules look for, by the place ("subject", "body").
    """

    reading: Reading
    facts: Facts
    config: Config
    calendar: Calendar
    task: str | None = None
    priority: str | None = None
    fields: Values = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    show_to: str | None = None
    attachments: str | None = None
    starts: str | None = None
    trace: Trace = ()
    said: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def category(self) -> str | None:
        return self.task.partition(".")[0] if self.task else None


Condition = Callable[[Case, Any], str | None]


def listed(wanted: Any) -> Sequence[Any]:
    """*wanted* as several wishes, of which any will do."""
    return wanted if isinstance(wanted, list | tuple) else (wanted,)


def holds_all(case: Case, when: Mapping[str, Any]) -> str | None:
    """On what words every condition of *when* holds, or None."""
    words = []
    for name, wanted in when.items():
        told = CONDITIONS[name](case, wanted) if name in CONDITIONS else _states(name, case, wanted)
        if told is None:
            return None
        words.append(told)
    return "; ".join(filter(None, words))


def _all(case: Case, wanted: Any) -> str | None:
    told = [holds_all(case, when) for when in listed(wanted)]
    return None if None in told else "; ".join(filter(None, told))


def _any(case: Case, wanted: Any) -> str | None:
    return next((told for when in listed(wanted) if (told := holds_all(case, when)) is not None), None)


def _not(case: Case, wanted: Any) -> str | None:
    return "" if _any(case, wanted) is None else None


def _from(case: Case, wanted: Any) -> str | None:
    """Nobody is one of us by what a From says (E180): who claims it without proof counts as outside too."""
    sender = case.reading.sender
    if _is_proved(case) or not case.config.is_ours(sender.rpartition("@")[2]):
        return _first_address([sender], wanted)
    claimed = [] if case.reading.verdict is Verdict.FAIL else [sender]
    return _first_address([*claimed, _NOBODY], wanted) and sender


def _is_proved(case: Case) -> bool:
    return case.reading.verdict in VERIFIED


def _to(case: Case, wanted: Any) -> str | None:
    return _first_address(recipients(case.reading), wanted)


def recipients(reading: Reading) -> list[str]:
    people = [person.address for person in (*reading.message.to, *reading.message.cc)]
    return [address for address in (reading.mailbox, *reading.envelope.recipients, *people) if address]


def _first_address(addresses: Iterable[str], wanted: Any) -> str | None:
    wishes = [wish.lower() for wish in listed(wanted)]
    return next((one for one in addresses if any(_is_address(one.lower(), wish) for wish in wishes)), None)


def _is_address(address: str, wish: str) -> bool:
    """Whether *address* is the one wished for, fits "*@example.org", or is outside of a domain."""
    if wish.startswith(_OUTSIDE):
        domain, own = address.rpartition("@")[2], wish.removeprefix(_OUTSIDE).strip()
        return domain != own and not domain.endswith(f".{own}")
    return fnmatchcase(address, wish)


def _sender_role(case: Case, wanted: Any) -> str | None:
    known = case.facts.sender if _is_proved(case) else None
    return _one_of(known.role if known else None, wanted)


def _marking(case: Case, wanted: Any) -> str | None:
    """The marking itself, or it with a descriptor: "OFFICIAL-SENSITIVE [PERSONAL]"."""
    marking = case.reading.message.marking
    fits = any(marking == wish or marking.startswith(f"{wish} ") for wish in listed(wanted))
    return marking if fits else None


def _task(case: Case, wanted: Any) -> str | None:
    return _one_of(case.task, wanted)


def _category(case: Case, wanted: Any) -> str | None:
    return _one_of(case.category, wanted)


def _priority(case: Case, wanted: Any) -> str | None:
    return _one_of(case.priority, wanted)


def _tag(case: Case, wanted: Any) -> str | None:
    return next((tag for tag in case.tags if _one_of(tag, wanted) is not None), None)


def _one_of(value: str | None, wanted: Any) -> str | None:
    wishes = [str(wish).casefold() for wish in listed(wanted)]
    return value if value is not None and value.casefold() in wishes else None


def _subject(case: Case, wanted: Any) -> str | None:
    return _granted(case.said["subject"], wanted)


def _body(case: Case, wanted: Any) -> str | None:
    return _granted(case.said["body"], wanted)


def _granted(said: Mapping[str, str], wanted: Any) -> str | None:
    """The words of the first wish that was found; all rules' wishes were looked for in one pass."""
    return next((said[wish] for wish in map(str, listed(wanted)) if wish in said), None)


def _header(case: Case, wanted: Any) -> str | None:
    """Every header named has a value that says what is wanted: ``{X-Priority: 1}``."""
    headers = case.reading.message.headers
    told = []
    for name, words in wanted.items():
        values = headers.get(name.lower(), ())
        said = next((said for value in values if (said := _said(value, words)) is not None), None)
        if said is None:
            return None
        told.append(f"{name}: {said}")
    return "; ".join(told)


def _attachment(case: Case, wanted: Any) -> str | None:
    """One attached file is of the type (``application/pdf``, ``image/*``) or has the name (``*.docx``, ``pdf``)."""
    files = [one for one in case.reading.message.attachments if not one.inline]
    if isinstance(wanted, bool):
        return "" if bool(files) is wanted else None
    wishes = [str(wish).lower() for wish in listed(wanted)]
    for file in files:
        names = (file.content_type.lower(), file.filename.lower(), file.filename.lower().rpartition(".")[2])
        if any(fnmatchcase(name, wish) for name in names for wish in wishes):
            return file.filename or file.content_type
    return None


def _has(case: Case, wanted: Any) -> str | None:
    """The mail states every one of these."""
    names = listed(wanted)
    return ", ".join(names) if all(case.fields.get(name) for name in names) else None


CONDITIONS: Mapping[str, Condition] = {
    "all": _all,
    "any": _any,
    "not": _not,
    "from": _from,
    "to": _to,
    "sender_role": _sender_role,
    "marking": _marking,
    "task": _task,
    "category": _category,
    "priority": _priority,
    "tag": _tag,
    "subject": _subject,
    "body": _body,
    "header": _header,
    "attachment": _attachment,
    "has": _has,
}


def _states(name: str, case: Case, wanted: Any) -> str | None:
    """What the mail states of the information *name* is what is wanted; yes and no: whether it states any."""
    values = case.fields.get(name, ())
    if isinstance(wanted, bool):
        return ", ".join(values) if bool(values) is wanted else None
    fits = partial(_value_fits, case=case)
    return next((value for wish in listed(wanted) for value in values if fits(value, str(wish))), None)


def _value_fits(value: str, wish: str, case: Case) -> bool:
    if wish.startswith(_WITHIN):
        return _is_within(value, Span.parse(wish.removeprefix(_WITHIN)), case)
    return value.casefold() == wish.casefold() or _said(value, wish) is not None


def _is_within(value: str, span: Span, case: Case) -> bool:
    """Whether the date *value* lies between today and *span* ahead; never in the past."""
    today = local_date(case.facts.now, case.calendar)
    try:
        day = date.fromisoformat(value.partition("T")[0])
    except ValueError:
        return False
    return today <= day <= _last_day(today, span, case.calendar)


def _last_day(today: date, span: Span, calendar: Calendar) -> date:
    match span.unit:
        case Unit.WORKING_DAYS:
            return working_day(today, span.count, calendar)
        case Unit.MONTHS | Unit.YEARS:
            return months_later(today, span.count * (12 if span.unit is Unit.YEARS else 1))
        case Unit.WEEKS:
            return date.fromordinal(today.toordinal() + 7 * span.count)
    return date.fromordinal(today.toordinal() + span.count)


# ---- words


def _said(text: str, wanted: Any) -> str | None:
    """The words of the short *text* that are what is wanted: a phrase, or ``/a regular expression/``."""
    said = _wishes(tuple(map(str, listed(wanted)))).find(text)
    return next((said[wish] for wish in map(str, listed(wanted)) if wish in said), None)


@lru_cache(maxsize=4096)
def _wishes(wanted: tuple[str, ...]) -> Wishes:
    return Wishes(wanted)
