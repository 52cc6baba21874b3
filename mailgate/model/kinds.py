"""Kinds of single values in the configuration: how each is written, and what it becomes."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from mailgate.model.spans import Longer, Opening, Span, When


def listed(value: Any) -> Any:
    """One text where several may stand, as a list of it."""
    return [value] if isinstance(value, str) else value


def parsed(kind: type[Span] | type[Opening] | type[When] | type[Longer]) -> BeforeValidator:
    """What reads a text as *kind*, whose ``parse`` says what was expected."""
    return BeforeValidator(lambda value: kind.parse(value) if isinstance(value, str) else value)


Allowance = Annotated[Span, parsed(Span), PlainSerializer(str)]
Hours = Annotated[Opening, parsed(Opening), PlainSerializer(str)]
Slower = Annotated[Longer, parsed(Longer), PlainSerializer(str)]
Reached = Annotated[When, parsed(When), PlainSerializer(str)]
Words = Annotated[tuple[str, ...], BeforeValidator(listed)]
Count = Annotated[int, Field(ge=1)]
