"""What the capacity level of a unit means for a request (docs/domain.md section 7)."""

from mailgate.model.capacity import Effect, Level, Levels
from mailgate.model.config import Config
from mailgate.model.promises import Slowing
from mailgate.model.work import Framework
from mailgate.rules.units import unit_of


def framework_of(task: str, config: Config) -> Framework:
    """How far *task* may be slowed: as it says itself, else its category, else ``defaults``."""
    category, entry = config.task(task)
    return entry.framework or category.framework or config.service.defaults.framework


def unit_short(requesters_unit: str, team: str | None, config: Config) -> str:
    """Whose people a request needs: those of the one unit that *team* serves, else of the unit that it comes from."""
    return unit_of("", team, config) or unit_of(requesters_unit, None, config)


def slowing(level: Level, task: str | None, config: Config) -> Slowing:
    """What *level* does to *task*; nothing to what nobody has sorted yet, as it may be mandatory."""
    classes = config.service.capacity_levels.get(level.name, {})
    return classes.get(framework_of(task, config), Slowing()) if task else Slowing()


def effect_of(found: Slowing) -> Effect | None:
    """What it does to a new request. One that was accepted before is never declined: see ``tickets/capacity.py``."""
    if found.decline:
        return Effect.DECLINED
    if found.pause:
        return Effect.PAUSED
    return Effect.SLOWED if found.finish else None


def does_anything(name: str, config: Config) -> bool:
    """Whether the level *name* changes anything; the one of full strength does not, nor one that is no longer known."""
    return any(effect_of(each) for each in config.service.capacity_levels.get(name, {}).values())


def level_for(requesters_unit: str, team: str | None, levels: Levels, config: Config) -> Level | None:
    """The level that a request is subject to."""
    return levels.by_unit.get(unit_short(requesters_unit, team, config)) if levels.by_unit else None
