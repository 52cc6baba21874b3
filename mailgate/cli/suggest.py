"""``mailgate rules suggest``: phrases learnt from what people put right."""

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import clean, print_json, table

if TYPE_CHECKING:
    from mailgate.suggest import Suggestion

SHOWN = 5  # tickets of a phrase that are named


def suggest(
    context: typer.Context,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only mail from this day on.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say which phrases would have got right what people had to put right."""
    from dataclasses import asdict

    from mailgate import suggest as work

    config = configuration(context)
    begin = datetime.combine(since.date() if since else date(1970, 1, 1), time(), UTC)
    with opened(config) as store:
        found = work.suggest(store, config, begin)
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        table(("Task", "Phrase", "Puts right", "Moves besides", "Breaks", "Broken"), map(_row, found))
    else:
        print("Nothing to learn: the rules get right what people corrected, or nothing was corrected.")


def _row(one: "Suggestion") -> tuple[object, ...]:
    broken = ", ".join(one.broken[:SHOWN]) + (", ..." if len(one.broken) > SHOWN else "")
    return one.task, clean(one.phrase), len(one.right), len(one.moved), len(one.broken), broken
