"""What managers hear every day and every week: which requests to look at, and what the week brought.

Each line of a request says what its reader may see of it, and has the buttons that act for that reader alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mailgate.model.capacity import Level
from mailgate.model.commission import Commission, State
from mailgate.model.config import Config
from mailgate.model.decision import Reply
from mailgate.notify import fields, privacy
from mailgate.notify.compose import Context
from mailgate.notify.dates import in_words
from mailgate.notify.fields import About
from mailgate.notify.labels import mail_label
from mailgate.notify.report import hours
from mailgate.rules.promise import calendars
from mailgate.sla.attention import Concern, concerning
from mailgate.sla.figures import Case, Figures, Period, figures, grouped
from mailgate.tickets import token

DAILY, WEEKLY = "daily", "weekly"
MOST_LINES = 25  # with their buttons they stay below the 100 KB of E200
_BUTTONS = {"assign_mail": "#assign ", "extend_mail": "#extend 2 days because ", "ask_mail": "#ask "}
WIDEST_BAR = 60  # pixels; wider ones would be pressed together, as the mail has 552 for all columns
SECTIONS: Mapping[Concern, str] = dict(zip(Concern, fields.LINES, strict=True))


@dataclass(frozen=True, slots=True)
class Reader:
    """Who gets a summary, of what is called *name*: the requests of the teams that they lead or that serve one of their
    *units*, and those from these; with *everything* all there are."""

    address: str
    name: str
    leads: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    everything: bool = False

    def is_of(self, unit: str, config: Config) -> bool:
        """Whether *unit* is one that the reader has to do with."""
        served = (config.service.teams[team].units for team in self.leads | self.teams if team in config.service.teams)
        return self.everything or unit in self.units or any(unit in units for units in served if units != "all")

    def sees(self, case: Case) -> bool:
        return self.everything or case.team in self.leads | self.teams or case.unit in self.units


@dataclass(frozen=True, slots=True)
class Troubles:
    """What else the reader should know of: mails that could not be read, mails of ours that could not be delivered, the
    capacity levels that change what is promised, commissions that are under way, and the last seal of the histories."""

    quarantined: int = 0
    undelivered: int = 0
    levels: Sequence[Level] = ()
    commissions: Sequence[Commission] = ()
    seal: str = ""


def daily(
    reader: Reader, cases: Sequence[Case], since: Period, troubles: Troubles, about: About, context: Context
) -> Reply:
    """The requests that *reader* has to look at, and what the day *since* the last summary brought."""
    found = concerning(cases, about.at, context.config)
    lists, more = _lines(found, reader, about, context)
    counted = figures(cases, since, calendars(context.config))
    lists = {**lists, fields.COMMISSIONS: [_progress(each, about, context) for each in troubles.commissions]}
    said = {**_said(counted, troubles, context), "day": about.at.date().isoformat(), "whose": reader.name}
    return Reply(
        DAILY, reader.address, fields={**said, "more_count": _number(more), "seal": troubles.seal}, lists=lists
    )


def weekly(
    reader: Reader, cases: Sequence[Case], week: Period, troubles: Troubles, about: About, context: Context
) -> Reply:
    """What *week* brought of *cases*, by category and by unit, and what is late."""
    config, last = context.config, (week.end - timedelta(microseconds=1)).astimezone(context.zone).date()
    found = {Concern.LATE: concerning(cases, about.at, config)[Concern.LATE]}
    lists, more = _lines(found, reader, about, context)
    counted = figures(cases, week, calendars(config))
    lists |= {
        "by_category": _groups(cases, "category", week, config),
        "by_unit": _groups(cases, "unit", week, config),
    }
    said = {**_said(counted, troubles, context), "day": last.isoformat(), "whose": reader.name}
    return Reply(WEEKLY, reader.address, fields={**said, "more_count": _number(more)}, lists=lists)


def _said(found: Figures, troubles: Troubles, context: Context) -> dict[str, str]:
    length = hours(found.took)
    return {
        "open_count": _number(found.open),
        "late_count": _number(found.late),
        "new_count": _number(found.new),
        "finished_count": _number(found.finished),
        "share": _percent(found.share),
        "hours": "" if length is None else f"{length:g}",
        "duplicate_count": _number(found.duplicates),
        "chaser_count": _number(found.chasers),
        "quarantined_count": _number(troubles.quarantined),
        "undelivered_count": _number(troubles.undelivered),
        "levels": "; ".join(f"{each}, to be looked at again by {_day(each, context)}" for each in troubles.levels),
    }


def _day(level: Level, context: Context) -> str:
    return in_words(level.review_on, context.zone)


def _number(count: int) -> str:
    return str(count) if count else ""


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0f}%"


# ---- the requests to look at


def _lines(
    found: Mapping[Concern, Sequence[Case]], reader: Reader, about: About, context: Context
) -> tuple[dict[str, Sequence[Mapping[str, str]]], int]:
    """The gravest, and how many there are besides."""
    lists: dict[str, Sequence[Mapping[str, str]]] = {}
    left, total = MOST_LINES, sum(map(len, found.values()))
    for concern, cases in found.items():
        lists[SECTIONS[concern]] = [_line(case, reader, about, context) for case in cases[:left]]
        left -= len(lists[SECTIONS[concern]])
    return lists, total - (MOST_LINES - left)


def _line(case: Case, reader: Reader, about: About, context: Context) -> Mapping[str, str]:
    in_team = case.team in reader.leads
    acts = in_team or not case.is_restricted
    base = (context.config.service.send_from or case.mailbox) if acts else ""
    address = token.digest_address(base, context.keys, case.ref, about.at, reader.address) if base else ""
    links = fields.mailtos(address, f"Re: [{case.ref}]", _BUTTONS) if address else dict.fromkeys(_BUTTONS, "")
    words = "; ".join(filter(None, _words(case, in_team, reader, about, context))) or "to sort"
    return {"reference": case.ref, "words": words, **links}


def _words(case: Case, in_team: bool, reader: Reader, about: About, context: Context) -> Iterable[str]:
    config, zone = context.config, context.zone
    own = About(
        ref=case.ref,
        serial=0,
        mailbox=case.mailbox,
        at=about.at,
        received_at=case.received_at,
        cause="",
        task=mail_label(config, case.task),
        key=case.key,
        to_team=in_team,
        restricted=case.is_restricted,
    )
    reply = Reply(DAILY, reader.address)
    seen = privacy.visible({"task": own.task, "key": own.key, "assignee": case.assignee}, reply, own, config)
    yield str(seen["task"])
    yield str(seen["key"])
    yield f"due {in_words(case.due_at, zone)}" if case.due_at else ""
    yield f"waiting since {in_words(case.waiting_since.astimezone(zone).date(), zone)}" if case.waiting_since else ""
    yield f"{seen['assignee']} has it" if seen["assignee"] else "" if case.assignee else "nobody has it"
    yield f"chased {len(case.chased)} times" if len(case.chased) > 1 else ""


def _progress(found: Commission, about: About, context: Context) -> Mapping[str, str]:
    """How far a commission is: how many units have answered, and who has not though it is time."""
    came = sum(child.returns > 0 for child in found.children)
    overdue = ", ".join(child.ticket.unit for child in found.in_state(about.at, State.OUTSTANDING))
    waits = f"version {found.version} waits to be approved" if found.version > found.approved else ""
    due = f"due {in_words(found.parent.due_at, context.zone)}" if found.parent.due_at else ""
    said = (due, f"{came} of {len(found.children)} units have answered", overdue and f"overdue: {overdue}", waits)
    return {"reference": found.parent.ref, "words": "; ".join(filter(None, said))}


# ---- the figures of a week


def _groups(cases: Iterable[Case], by: str, week: Period, config: Config) -> Sequence[Mapping[str, str]]:
    found = grouped(cases, (by,), week, calendars(config))
    most = max((each.new for each in found.values()), default=0)
    return [_group(name, each, most, config) for (name,), each in found.items()]


def _group(name: str, found: Figures, most: int, config: Config) -> Mapping[str, str]:
    category = config.service.categories.get(name)
    length = hours(found.took)
    return {
        "name": (category.label if category else None) or name.replace("-", " ").capitalize() or "Not known",
        "new": str(found.new),
        "new_bar": str(round(WIDEST_BAR * found.new / most) if most else 0),
        "finished": str(found.finished),
        "hours": "none" if length is None else f"{length:g}",
        "share": _percent(found.share) or "none",
        "share_bar": str(round(WIDEST_BAR * (found.share or 0) / 100)),
    }
