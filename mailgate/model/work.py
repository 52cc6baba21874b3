"""What requests are and how they are recognised: identifiers, information, tasks, rules, small talk."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mailgate.model.base import Model
from mailgate.model.kinds import Allowance, Words


class Framework(StrEnum):
    """How far a capacity level may slow a task (the Prioritisation Framework)."""

    MANDATORY = "mandatory"
    REDUCIBLE = "reducible"
    PAUSABLE = "pausable"


class Identifier(Model):
    """A number to recognise. *key*: it names the case a ticket is about."""

    label: str | None = None
    pattern: str
    key: bool = False
    after: Words = ()
    not_after: Words = ()
    check: Literal["pnc", "cro"] | None = None
    belongs_to: str | None = None


class Refusals(Model):
    """Words that say that something is not wanted: those that stand before it, and those after it."""

    before: Words = ()
    after: Words = ()


class TextKeys(Model):
    """How paragraphs begin that count for nothing, and how people ask, mention in passing and refuse."""

    disclaimers: Words = ()
    banners: Words = ()
    asks: Words = ()
    asides: Words = ()
    refusals: Refusals = Refusals()


class Information(Model):
    """Something a task may need; *ask* completes the sentence "Please tell us ...".

    It is recognised by the identifier of its name, by *words*, by *pattern*, or as a *date*:
    one with a *lead* before it, one at least *ago* old, or *count* of them.
    """

    ask: str
    words: Words = ()
    pattern: str | None = None
    date: bool = False
    lead: Words = ()
    ago: Allowance | None = None
    count: Annotated[int, Field(ge=1, le=20)] = 1


class Task(Model):
    label: str | None = None
    recognise: Words = ()
    words: Words = ()
    needs: Words = ()
    without: Words = ()
    priority: str | None = None
    sla: str | None = None
    framework: Framework | None = None


class Category(Model):
    label: str | None = None
    team: str | None = None
    needs: Words = ()
    priority: str | None = None
    framework: Framework | None = None
    tasks: Mapping[str, Task] = Field(default_factory=dict)


class Then(Model):
    """What a rule changes."""

    task: str | None = None
    priority: str | None = None
    tag: Words = ()
    show_to: Literal["the owning team only"] | None = None
    attachments: Literal["hold until a person releases them"] | None = None
    start: Literal["commission"] | None = None
    stop: bool = False


def _yes_or_no(value: Any) -> Any:
    """Conditions with their "yes" and "no" as booleans, nested ones too; other text stays what it is."""
    match value:
        case str():
            return {"yes": True, "no": False}.get(value, value)
        case list():
            return [_yes_or_no(item) for item in value]
        case Mapping():
            return {name: _yes_or_no(item) for name, item in value.items()}
    return value


class Rule(Model):
    name: str
    when: Annotated[Mapping[str, Any], BeforeValidator(_yes_or_no)]
    then: Then


class SmallTalk(Model):
    thanks: Words = ()
    chasers: Words = ()


class Questions(Model):
    """What people write to be sent a list: of their own work, of the team's, of what they wait for, what is found."""

    mine: Words = ()
    team: Words = ()
    status: Words = ()
    find: Words = ()
