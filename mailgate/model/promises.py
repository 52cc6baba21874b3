"""When work is done: calendars, service levels, the ladder, capacity levels, commissions."""

import re
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, model_validator

from mailgate.model.base import Model
from mailgate.model.kinds import Allowance, Hours, Reached, Slower, Words, listed
from mailgate.model.spans import Span, Unit, When


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("expected a time zone such as Europe/London") from error
    return name


class Calendar(Model):
    hours: Annotated[tuple[Hours, ...], BeforeValidator(listed)]
    holidays: Literal["england-and-wales", "scotland", "northern-ireland"] | None = None
    also_closed: tuple[date, ...] = ()
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Europe/London"

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """What the years of a calendar are looked up by, several times for each mail."""
        return hash((self.hours, self.holidays, self.also_closed, self.time_zone))


class SlaPolicy(Model):
    reply: Allowance
    finish: Allowance


class Climb(StrEnum):
    """What a rung of the ladder does to its ticket."""

    REASSIGN = "give it to whoever is on duty"
    RAISE = "raise the priority"


Climbs = Annotated[tuple[Climb, ...], BeforeValidator(listed)]


class Rung(Model):
    """One step of the escalation ladder: whom it tells, how often again, what it does."""

    when: Reached
    tell: Words
    repeat: Allowance | None = None
    then: Climbs = ()

    @model_validator(mode="after")
    def _counts(self) -> Self:
        for span in (self.when.late, self.when.before, self.repeat):
            if span is not None and (span.unit is Unit.DEADLINE or not span.count):
                raise ValueError('expected a length of time such as "1 working day"')
        return self


class Slowing(Model):
    """What a capacity level does to tasks of one framework class: one of the first three, or nothing."""

    finish: Slower | None = None
    pause: bool = False
    decline: bool = False
    tell_requester: Literal["paused", "declined", "status"] | None = None

    @model_validator(mode="after")
    def _is_clear(self) -> Self:
        if sum((self.finish is not None, self.pause, self.decline)) > 1:
            raise ValueError(
                "a level can make tasks longer, pause them or decline them: say one of finish, pause, decline"
            )
        if self.decline and self.tell_requester is None:
            raise ValueError('"decline: yes" needs tell_requester, or nobody would hear that a request is not taken on')
        return self


class Capacity(Model):
    """*set_by*: the roles of the directory that set capacity levels by mail."""

    set_by: Words = ()

    @property
    def roles(self) -> frozenset[str]:
        """The roles in small letters."""
        return frozenset(role.casefold() for role in self.set_by)


def _before_the_deadline(value: Any) -> Any:
    ending = " before the deadline"
    if not isinstance(value, str) or not value.endswith(ending):
        raise ValueError('expected "2 working days before the deadline"')
    return Span.parse(value.removesuffix(ending))


class Chase(Model):
    """How late returns are chased: again after *every* so long, and whom; "team" is the unit's own."""

    every: Allowance
    tell: Words

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "every working day, to the team and the head of PDU"; ValueError says what was expected."""
        found = re.fullmatch(r"every (?:(\d+) )?([a-z ]+), to (.+)", " ".join(text.split()))
        if found is None:
            raise ValueError('expected "every working day, to the team and the", and a role of the directory')
        tell = [each.strip().removeprefix("the ") for each in re.split(r",| and ", found[3])]
        return cls(every=Span.parse(f"{found[1] or 1} {found[2]}"), tell=tuple(filter(None, tell)))

    def __str__(self) -> str:
        every = str(self.every.unit).removesuffix("s") if self.every.count == 1 else str(self.every)
        return f"every {every}, to {' and '.join(f'the {each}' for each in self.tell)}"


class Commissions(Model):
    """Requests that go on to several units, whose returns go back as one.

    *nil_return* and *more_time* are what units write where they have nothing to report or ask for another day.
    """

    ask: Words
    answer_by: Annotated[
        Span, BeforeValidator(_before_the_deadline), PlainSerializer(lambda span: f"{span} before the deadline")
    ]
    remind: Annotated[tuple[Reached, ...], BeforeValidator(listed)] = ()
    chase_overdue: Annotated[
        Chase | None,
        BeforeValidator(lambda value: Chase.parse(value) if isinstance(value, str) else value),
        PlainSerializer(lambda chase: str(chase) if chase else None),
    ] = None
    compiled_by: str
    return_to: Literal["whoever asked"] = "whoever asked"
    nil_return: Words = ("nil return", "nothing to report", "nothing to return")
    more_time: Words = ("more time", "extension", "extend", "another day", "a few more days")

    @cached_property
    def ladder(self) -> tuple[Rung, ...]:
        """The reminders and the chasing, as the rungs of a ladder that the units' tickets climb."""
        reminders = [Rung(when=when, tell=("owner",)) for when in self.remind]
        chase = self.chase_overdue
        told = (
            tuple(name for each in chase.tell for name in (("owner",) if each == "team" else (each,))) if chase else ()
        )
        return (*reminders, *((Rung(when=When(), tell=told, repeat=chase.every),) if chase else ()))
