"""``mailgate sla replay``: what figures of the past would have been by other promises."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration, folders
from mailgate.cli.output import print_json, table
from mailgate.cli.report import By, First, Last, groups_of, period_of

if TYPE_CHECKING:
    from mailgate.sla.figures import Figures

COLUMNS = ("finished", "within time", "would be", "within time %", "would be %", "working hours", "would be hours")


def replay(
    context: typer.Context,
    tried: Annotated[Path, typer.Option("--with", help="A file with the service levels, calendars or hours to try.")],
    first: First,
    last: Last,
    by: By = "category",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say how much would have been finished within its time; nothing is changed."""
    from mailgate.settings import load
    from mailgate.sla.replay import compared
    from mailgate.store.cases import of_period

    config = configuration(context)
    other = load(folders(context), os.environ, tried)
    period, names = period_of(first.date(), last.date(), config), groups_of(by)
    with opened(config) as store, store.read() as connection:
        found = compared(of_period(connection, period, config), names, period, config, other)
    rows = [(*group, *_cells(was, would)) for group, (was, would) in found.items()]
    if as_json:
        keys = [name.replace(" ", "_") for name in (*names, *COLUMNS)]
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        table((*names, *COLUMNS), rows)


def _cells(was: "Figures", would: "Figures") -> tuple[object, ...]:
    from mailgate.notify.report import hours

    shares = (None if found.share is None else round(found.share, 1) for found in (was, would))
    return (was.finished, was.on_time, would.on_time, *shares, hours(was.took), hours(would.took))
