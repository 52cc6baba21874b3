"""The directory: who may do what, in which team."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """One entry of the directory; *address* is in lower case."""

    address: str
    name: str
    role: str = ""
    unit: str = ""
    team: str = ""
