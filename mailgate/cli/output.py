"""How results are printed: JSON for programs, a table on a terminal, plain lines for everything else."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

Item = TypeVar("Item")


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print *value* as JSON; with ``indent=None`` on one line. Times are in ISO form."""
    print(json.dumps(value, ensure_ascii=False, indent=indent, default=_as_json))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print *rows* under *columns*: drawn on a terminal, else one line a row with tabs between."""
    shown = [[clean(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in (columns, *shown):
            print("\t".join(line))
        return
    from rich import box
    from rich import print as draw
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, box=box.SIMPLE)
    for row in shown:
        drawn.add_row(*map(Text, row))
    draw(drawn)


def clean(cell: object) -> str:
    """The text of *cell* without anything that could steer a terminal or break the line."""
    text = "" if cell is None else cell.isoformat(" ", "minutes") if isinstance(cell, datetime) else str(cell)
    return "".join(character if character.isprintable() else " " for character in text)


def progress(items: Iterable[Item], what: str, counts: Callable[[Item], int], total: int) -> Iterator[Item]:
    """The *items* as they come; on the terminal it is shown how many of the *total* they count for."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(what, total=total)
        for item in items:
            shown.advance(bar, counts(item))
            yield item


def _as_json(value: Any) -> Any:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
