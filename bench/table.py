"""The table of figures, one row a measure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured figure beside what it should reach; *compared* says what with what."""

    number: str
    measure: str
    measured: str
    must: str
    goal: str
    compared: str


def printed(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    head = ["| # | measure | measured | must | goal | compared |", "| --- | --- | --- | --- | --- | --- |"]
    lines = [f"| {r.number} | {r.measure} | {r.measured} | {r.must} | {r.goal} | {r.compared} |" for r in rows]
    return "\n".join(head + lines)
