"""Capacity levels: how short of people a unit is, and what that does to its requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Effect(StrEnum):
    """What a level does to a request."""

    SLOWED = "slowed"
    PAUSED = "paused"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Level:
    """That *unit* is at the level *name*, by the order *id*, and when that is looked at again."""

    id: int
    unit: str
    name: str
    review_on: date

    def __str__(self) -> str:
        return f"{self.name} ({self.unit})"


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels in force, by unit; *change* counts how often any of them was changed."""

    change: int = 0
    by_unit: Mapping[str, Level] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewLevel:
    """An order: *unit* is to be at the level *name* until it is looked at again, and why. *by*: who said so."""

    unit: str
    name: str
    reason: str
    review_on: date
    by: str
