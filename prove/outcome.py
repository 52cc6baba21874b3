"""What a run of a recipe came to."""

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """*counts* say how much was done, *problems* what is wrong: nothing, where the gateway kept its promises."""

    counts: dict[str, int]
    problems: list[str] = field(default_factory=list)
