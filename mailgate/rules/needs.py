"""What a task needs to be told, and what of it a mail does not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.config import Config
from mailgate.model.ticket import Values
from mailgate.model.work import Information


@dataclass(frozen=True, slots=True)
class Stated:
    """What a mail states about one task: *fields* with the dates it could give to the task's needs."""

    fields: Values
    missing: tuple[str, ...]


@lru_cache(maxsize=4096)
def needs_of(task: str | None, config: Config) -> tuple[str, ...]:
    """The information *task* needs: its category's and its own, less what it does without."""
    if task is None:
        return ()
    category, entry = config.task(task)
    return tuple(dict.fromkeys(name for name in (*category.needs, *entry.needs) if name not in entry.without))


def stated(task: str | None, fields: Values, loose_dates: Sequence[str], config: Config) -> Stated:
    """What *fields* and the dates that nothing claims say of the needs of *task*, and which of them stay unmet.

    Only what can be recognised is ever missing: the rest nobody could answer to our satisfaction.
    """
    needs = needs_of(task, config)
    told = {**fields, **_given(needs, fields, loose_dates, config)}
    missing = tuple(name for name in needs if _recognisable(name, config) and not _met(name, told, config))
    return Stated(told, missing)


def _given(needs: Sequence[str], fields: Values, loose_dates: Sequence[str], config: Config) -> Values:
    """Dates that nothing claims, for the needs of any date; where there is none, for those still unmet with a lead.

    Words that lead to a date of another task ("did not attend on Sunday") don't withhold the only one there is.
    """
    dated = {name: entry for name in needs if (entry := _information(name, config)) and entry.date}
    anyone = [name for name, entry in dated.items() if not entry.lead and not entry.ago]
    if not loose_dates and anyone:
        loose_dates = _of_other_tasks(needs, fields, config)
    if not loose_dates:
        return {}
    led = [name for name, entry in dated.items() if entry.lead and not entry.ago and not _met(name, fields, config)]
    return {name: tuple(dict.fromkeys((*fields.get(name, ()), *loose_dates))) for name in anyone or led}


def _of_other_tasks(needs: Sequence[str], fields: Values, config: Config) -> Sequence[str]:
    """The dates in *fields* that only what other tasks need has claimed; a birth stays a birth."""
    information = config.service.information
    claims = {name: values for name, values in fields.items() if name in information and information[name].date}
    ours = {value for name in claims if name in needs or information[name].ago for value in claims[name]}
    return tuple(dict.fromkeys(value for values in claims.values() for value in values if value not in ours))


def _information(name: str, config: Config) -> Information | None:
    return None if name in config.service.identifiers else config.service.information.get(name)


def _recognisable(name: str, config: Config) -> bool:
    if name in config.service.identifiers:
        return True
    entry = config.service.information.get(name)
    return entry is not None and bool(entry.date or entry.words or entry.pattern)


def _met(name: str, fields: Values, config: Config) -> bool:
    entry = _information(name, config)
    values = fields.get(name, ())
    if entry is not None and entry.date:
        return len({value.partition("T")[0] for value in values}) >= entry.count
    return bool(values)
