"""``mailgate digest``: the summary that a manager gets, now or as a page to look at."""

from pathlib import Path
from typing import Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration


def digest(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="Who gets it: the address of a lead, or of one who has a role.")],
    weekly: Annotated[bool, typer.Option("--weekly", help="That of the week. [default: that of the day]")] = False,
    preview: Annotated[Path | None, typer.Option(help="The HTML file to write instead; nothing is sent.")] = None,
) -> None:
    """Send a manager the summary now, unless today's is there already; or write it as a page."""
    from mailgate.app import clock, context_of
    from mailgate.notify.digest import DAILY, WEEKLY
    from mailgate.workers.digests import Digests

    config, message = configuration(context), WEEKLY if weekly else DAILY
    with opened(config) as store:
        digests = Digests(store, context_of(config, store), clock)
        if preview is not None:
            preview.write_text(digests.page(to.lower(), message) + "\n", "utf-8")
            print(f"wrote {preview}")
        elif digests.send(to.lower(), message):
            print(f"The {message} summary for {to} is in the outbox.")
        else:
            print(f"{to} has today's {message} summary already.")
