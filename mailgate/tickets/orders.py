"""What each order needs beside its words: until when, why, to whom; and the note that remains (E111)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from mailgate.model.config import Config
from mailgate.model.decision import Order
from mailgate.model.people import Person
from mailgate.model.ticket import Ticket
from mailgate.rules.units import known_units
from mailgate.tickets import reference
from mailgate.tickets.phrases import COURTESY, phrase, places, words_of

_REASON_ENDS = re.compile(r"[,;:.!?\n()]|\s[-–—]\s|\s(?:to|so|and|but|before|until|till?|who|which)\s")
_UNTIL = re.compile(r"(?i)\b(?:until|till?|to|through)\b")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w.-]{1,255}\w")
MOST_DAYS = 60
LEVEL = "level"
LEVEL_AT = ": "
"""Between the unit and its level, in what the order is ``to``."""
_BECAUSE = re.compile(r"(?i)\b(?:because|reason)\b")
_REVIEW = re.compile(r"(?i)\breview(?:ed)?\b")
_MORE_DAYS = re.compile(
    r"[\s:]*(?P<days>\d{1,3})\s*(?:more\s+)?(?:working\s+)?days?\b[\s,;:–—-]*(?:(?:because|as|since|reason)\b)?"
    r"[\s,;:–—-]*(?P<reason>.*)",
    re.IGNORECASE | re.DOTALL,
)
_MAIL = re.compile(r"\s+mail\s+(\d{1,15})\b", re.IGNORECASE)
_ABOUT_MAIL = re.compile(r"(?m)^[ \t]*#[\w-]{1,30}[ \t]+(?i:mail)[ \t]+(\d{1,15})\b")
_LEADS_ON = frozenset({"for", "on", "to", "with", "of"})


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """An order that cannot run; *why* is said to the agent."""

    why: str


@dataclass(frozen=True, slots=True)
class Said:
    """A phrase of the command *do* was written: *before*, *after* and *rest* are what stands around it.

    *before* and *after* are of its sentence, *rest* is what follows the sentence.
    """

    do: str
    words: str
    before: str
    after: str
    rest: str


@dataclass(frozen=True, slots=True)
class Around:
    """What else an order is read by; see ``commands.read_order``."""

    ticket: Ticket
    config: Config
    dates: Callable[[str], date | None]
    people: Sequence[Person]


def mail_in(text: str) -> int:
    """The number of the mail that an order in *text* is about, 0 where none is."""
    found = _ABOUT_MAIL.search(text)
    return int(found[1]) if found else 0


def complete(said: Said, around: Around) -> Order | Ambiguous:
    """The order that *said* gives, with what it needs; the rest of the mail is its note (E111)."""
    return _READERS.get(said.do, _plain)(said, around)


def _plain(said: Said, around: Around) -> Order | Ambiguous:
    return Order(said.do, note=_note(said.after, said.rest))


def _words(said: Said, around: Around) -> Order | Ambiguous:
    """A note, or an answer to the requester, as it was written."""
    words = "\n".join(part for part in (said.after.lstrip(" ,:;-–—"), said.rest) if part).strip()
    return Order(said.do, note=words) if words else Ambiguous(f"there is nothing after {said.words}")


def _due(said: Said, around: Around) -> Order | Ambiguous:
    until = around.dates(_paragraph(said.after, said.rest))
    if until is None:
        return Ambiguous("it does not say until which day: write a date")
    return Order("due", until=until, note=said.rest or None)


def _away(said: Said, around: Around) -> Order | Ambiguous:
    """Until the day behind "until": "on leave from Monday to Friday" ends on Friday."""
    *_, last = _UNTIL.split(_paragraph(said.after, said.rest))
    until = around.dates(last) if _UNTIL.search(_paragraph(said.after, said.rest)) else None
    if until is None:
        return Ambiguous('it does not say until which day: write "until" and a date')
    return Order("away", until=until, note=said.rest or None)


def level(said: Said, config: Config, dates: Callable[[str], date | None]) -> Order | Ambiguous:
    """ "#level Aldermoor red, review 25 January because two are ill": which unit, which level, until when, and why."""
    head, _, reason = _BECAUSE.sub("\0", _paragraph(said.after, said.rest), count=1).partition("\0")
    unit = _named(head, [(phrase(name), name) for name in known_units(config)])
    if unit is None:
        return Ambiguous(f"it does not say for which unit: write one of {', '.join(known_units(config))}")
    names = tuple(config.service.capacity_levels)
    to = _named(head, [(phrase(name), name) for name in names])
    if to is None:
        return Ambiguous(f"it does not say which level: write one of {', '.join(names)}")
    review = _REVIEW.search(head)
    until = dates(head[review.end() :]) if review else None
    if until is None:
        return Ambiguous('it does not say when the level is to be looked at again: write "review" and a date')
    why = " ".join(reason.split()).strip(" :.")
    if not why:
        return Ambiguous('it does not say why: write "because" and the reason')
    return Order(LEVEL, until=until, to=f"{unit}{LEVEL_AT}{to}", reason=why)


def _level(said: Said, around: Around) -> Order | Ambiguous:
    return level(said, around.config, around.dates)


def _back(said: Said, around: Around) -> Order | Ambiguous:
    """For whoever says so; from a lead also for the address that follows."""
    written = _ADDRESS.search(said.after)
    return Order("back", to=written[0].lower() if written else None)


def _priority(said: Said, around: Around) -> Order | Ambiguous:
    names = tuple(around.config.service.priorities)
    to = _named(said.after, [(phrase(name), name) for name in names])
    if to is None:
        return Ambiguous(f"it does not say which priority: write one of {', '.join(names)}")
    return Order("priority", to=to, note=said.rest or None)


def _task(said: Said, around: Around) -> Order | Ambiguous:
    """A task by its full name or its label; by its name alone where it is one of the ticket's own category."""
    to = _named(said.after, _tasks(around.config, around.ticket.category))
    if to is None:
        return Ambiguous("it does not say which task: write category.task")
    return Order("task", to=to, note=said.rest or None)


def _duplicate(said: Said, around: Around) -> Order | Ambiguous:
    named = reference.find(_paragraph(said.after, said.rest), around.config.service.reference)
    others = [ref for ref in named if ref != around.ticket.ref]
    if len(others) != 1:
        return Ambiguous("it does not say of which other ticket: write its reference")
    return Order("duplicate", to=others[0], note=said.rest or None)


def _waiting(said: Said, around: Around) -> Order | Ambiguous:
    after = f"{said.words}{said.after}"
    paragraph = _paragraph(f"{said.before}{after}", said.rest)
    reason = _reason(paragraph, around.config.service.commands.get("waiting", ())) or None
    if reason is None and said.words.startswith("#"):
        reason = said.after.strip(" :,.-") or None
    return Order("waiting", until=around.dates(paragraph), reason=reason, note=said.rest or None)


def _move(said: Said, around: Around) -> Order | Ambiguous:
    own = (around.ticket.category, around.ticket.team)
    known = [(wanted, name) for wanted, name in _targets(around.config) if name not in own]
    phrases = [(wanted, name) for wanted, name in _phrases(around.config) if name not in own]
    paragraph = _paragraph(f"{said.before}\n{said.after}", said.rest)
    to = _named(said.after, known) or _named(paragraph, known) or _named(paragraph, phrases)
    if to is None:
        return Ambiguous("it does not say which other category or team it should go to")
    return Order("move", to=to, note=said.rest or None)


def _assign(said: Said, around: Around) -> Order | Ambiguous:
    written = _ADDRESS.search(said.after)
    if written is not None:
        to = written[0].lower() if around.config.is_ours(written[0].rpartition("@")[2]) else None
    else:
        to = _person(said.after, around.people) or _person(_paragraph(said.before, said.rest), around.people)
    if to is None:
        return Ambiguous("it does not say clearly which of us should have it: write the address")
    return Order("assign", to=to, note=said.rest or None)


def _extend(said: Said, around: Around) -> Order | Ambiguous:
    """ "#extend 3 days because the court moved": so many working days more, and why."""
    found = _MORE_DAYS.match(_paragraph(said.after, said.rest))
    if found is None or not 1 <= int(found["days"]) <= MOST_DAYS:
        return Ambiguous(
            f'it does not say how many working days more, 1 to {MOST_DAYS}: write "3 days because" and why'
        )
    reason = " ".join(found["reason"].split()).strip(" .")
    if not reason:
        return Ambiguous('it does not say why: write "because" and the reason')
    return Order("extend", days=int(found["days"]), reason=reason)


def _ask(said: Said, around: Around) -> Order | Ambiguous:
    """What is to be asked, as it was written."""
    words = _paragraph(said.after.lstrip(" ,:;-–—"), said.rest).strip()
    return Order("ask", note=words) if words else Ambiguous("it does not say what to ask: write the question")


def _about_one(said: Said, around: Around) -> Order | Ambiguous:
    """ "#accept mail 17", or the reference of the ticket that this one claims to be for."""
    mail = _MAIL.match(said.after)
    named = reference.find(said.after, around.config.service.reference)
    if mail is None and len(named) != 1:
        return Ambiguous(f"it does not say what is meant: press the button, or write {said.words} mail and its number")
    return Order(said.do, to=None if mail else named[0], mail=int(mail[1]) if mail else 0, note=said.rest or None)


def _separate(said: Said, around: Around) -> Order | Ambiguous:
    """A ticket that was merged, one that is linked to another, or a mail of it."""
    order = _about_one(said, around)
    return _plain(said, around) if isinstance(order, Ambiguous) else order


_READERS: Mapping[str, Callable[[Said, Around], Order | Ambiguous]] = {
    "waiting": _waiting,
    "move": _move,
    "assign": _assign,
    "extend": _extend,
    "ask": _ask,
    "task": _task,
    "priority": _priority,
    "away": _away,
    LEVEL: _level,
    "back": _back,
    "due": _due,
    "note": _words,
    "reply": _words,
    "duplicate": _duplicate,
    **dict.fromkeys(("accept", "add", "discard"), _about_one),
    "separate": _separate,
}


def _note(after: str, rest: str) -> str | None:
    """The rest of the sentence, unless it is mere courtesy, and what follows it."""
    idle = all(word.text in COURTESY for word in words_of(after))
    own = "" if idle else re.sub(r"^[\s,;:.!–—-]*(?:and\b)?\s*", "", after).strip()
    return "\n".join(part for part in (own, rest) if part) or None


def _paragraph(sentence: str, rest: str) -> str:
    return f"{sentence}\n{_BLANK_LINE.split(rest, maxsplit=1)[0]}"


def _reason(text: str, wanted: Sequence[str]) -> str:
    """What is waited for: from a phrase that leads on ("waiting for") to the end of its clause."""
    words = words_of(text)
    for each in wanted:
        own = phrase(each)
        place = next(places(own, words), None) if own and own[-1] in _LEADS_ON else None
        if place is not None:
            start, close = words[place.first].start, words[place.last - 1].end
            end = _REASON_ENDS.search(text, close)
            return text[start : end.start() if end else len(text)].strip()
    return ""


def _named(text: str, known: Sequence[tuple[tuple[str, ...], str]]) -> str | None:
    """What *text* names: the earliest, and of those that begin there the longest."""
    words = words_of(text)
    found = ((place.first, -len(wanted), to) for wanted, to in known for place in places(wanted, words))
    return min(found, default=(0, 0, None), key=lambda each: each[:2])[2]


@lru_cache(maxsize=8)
def _targets(config: Config) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Names and labels of categories, then of teams."""
    labels = [(name, category.label) for name, category in config.service.categories.items()]
    labels += [(name, team.label) for name, team in config.service.teams.items()]
    return tuple((phrase(words), name) for name, label in labels for words in (name, label) if words)


@lru_cache(maxsize=64)
def _tasks(config: Config, category: str | None) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Full names and labels of all tasks, and the names alone of those of *category*."""
    found = []
    for name, each in config.service.categories.items():
        for task, entry in each.tasks.items():
            written = (f"{name} {task}", f"{name}.{task}", entry.label, task if name == category else None)
            found += [(phrase(words), f"{name}.{task}") for words in written if words]
    return tuple(found)


@lru_cache(maxsize=8)
def _phrases(config: Config) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The phrases of each category's tasks."""
    return tuple(
        (phrase(words), name)
        for name, category in config.service.categories.items()
        for task in category.tasks.values()
        for words in task.recognise
    )


def _person(text: str, people: Sequence[Person]) -> str | None:
    """The address of the one person whom *text* names in full, or else by a first name nobody shares."""
    words = words_of(text)
    for parts in (None, 1):
        named = {person.address for person in people if any(places(phrase(person.name)[:parts], words))}
        if len(named) == 1:
            return named.pop()
    return None
