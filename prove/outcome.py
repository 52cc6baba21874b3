"""What a run of a recipe came to."""

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """*counts* say how much was done, *problems* what is wrong: nothing, where the gateway kept its promises.

    *sites* are the calls that failed, *seconds* how long it took each time, and *is_last* says that there is nothing
    left to try.
    """

    counts: dict[str, int]
    problems: list[str] = field(default_factory=list)
    sites: set[str] = field(default_factory=set)
    is_last: bool = False
    seconds: list[float] = field(default_factory=list)
