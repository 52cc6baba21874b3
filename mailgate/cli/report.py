"""``mailgate report``: what came in a period, what became of it and how long it took."""

import sys
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.model.config import Config
    from mailgate.sla.figures import Period

First = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")]
Last = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, which is within.")]
By = Annotated[str, typer.Option(help='What to tell apart: some of "category,task,unit,team".')]


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"


def report(
    context: typer.Context,
    first: First,
    last: Last,
    by: By = "category",
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option(help="The file to write. [default: standard output]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say what came, what was finished, how long it took in working time; and how much of it within its time."""
    from mailgate.notify import spreadsheet
    from mailgate.notify.report import report as reported
    from mailgate.rules.promise import calendars
    from mailgate.store.cases import of_period

    config = configuration(context)
    period, names = period_of(first.date(), last.date(), config), groups_of(by)
    with opened(config) as store, store.read() as connection:
        found = reported(of_period(connection, period, config), names, period, calendars(config))
    if as_json:
        print_json(
            [dict(zip((name.replace(" ", "_") for name in found.columns), row, strict=True)) for row in found.rows]
        )
    elif form is Format.TABLE and output is None:
        table(found.columns, found.rows)
    else:
        written = spreadsheet.as_xlsx([found]) if form is Format.XLSX else spreadsheet.as_csv(found).encode()
        _write(written, output, is_binary=form is Format.XLSX)


def _write(content: bytes, output: Path | None, *, is_binary: bool) -> None:
    if output is not None:
        output.write_bytes(content)
        print(f"wrote {output}")
        return
    if is_binary and sys.stdout.isatty():
        raise Refused("a workbook is no text: name a file with --output")
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def period_of(first: date, last: date, config: "Config") -> "Period":
    """The days from *first* to *last* as the service counts them; Refused where there are none."""
    from mailgate.notify.dates import zone_of
    from mailgate.sla.figures import days

    if last < first:
        raise Refused("--to is before --from")
    zone = zone_of(config)
    return days(first, last, lambda day: datetime.combine(day, time(), zone))


def groups_of(by: str) -> tuple[str, ...]:
    """The names in "category,unit"; Refused where one is none of ``figures.BY``."""
    from mailgate.rules.typed import suggestion
    from mailgate.sla.figures import BY

    names = tuple(dict.fromkeys(name.strip() for name in by.split(",") if name.strip()))
    for name in names:
        if name not in BY:
            raise Refused(
                f'figures cannot be told apart by "{name}"{suggestion(name, BY)}: choose from {", ".join(BY)}'
            )
    return names
