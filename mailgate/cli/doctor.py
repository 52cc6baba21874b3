"""``mailgate doctor``: is everything as it has to be, and what to do where it is not?"""

from typing import Annotated

import typer

from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check the installation, and say what to do about what is wrong.

    Changes nothing and sends nothing. Exit 1 where something fails.
    """
    from mailgate.cli.checks import Level, examine
    from mailgate.settings import ConfigError

    try:
        found = list(examine(configuration(context)))
    except ConfigError as error:
        found = [(Level.FAILURE, "configuration", str(problem)) for problem in error.problems]
    if as_json:
        print_json([{"level": level, "what": what, "says": says} for level, what, says in found])
    else:
        table(("Level", "What", "Says"), found)
    if any(level is Level.FAILURE for level, *_ in found):
        raise typer.Exit(1)
