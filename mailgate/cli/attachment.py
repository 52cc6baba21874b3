"""``mailgate attachment``: files that a rule holds back until a person releases them."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import clean, print_json, table
from mailgate.cli.ticket import canonical

if TYPE_CHECKING:
    from mailgate.model.ticket import FileState

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Which = Annotated[
    str,
    typer.Argument(help='Its number in "mailgate attachment list"; or a ticket: all that it has.', metavar="ID|REF"),
]


def list_attachments(context: typer.Context, as_json: AsJson = False) -> None:
    """List the files that are held back, the oldest first."""
    from mailgate.notify.dates import in_table, zone_of
    from mailgate.store.held import held

    config = configuration(context)
    with opened(config) as store, store.read() as connection:
        found = held(connection)
    if as_json:
        print_json(found)
        return
    zone = zone_of(config)
    rows = (
        (
            file["id"],
            file["ticket"],
            in_table(datetime.fromisoformat(file["received_at"]), zone),
            file["sender"],
            file["filename"],
            file["content_type"],
            file["size"],
        )
        for file in found
    )
    table(("Id", "Ticket", "Received", "From", "Name", "Type", "Bytes"), rows)


def release_attachment(context: typer.Context, which: Which) -> None:
    """Let a file go to those who work on its ticket."""
    from mailgate.model.ticket import FileState

    _settle(context, which, FileState.RELEASED)


def discard_attachment(context: typer.Context, which: Which) -> None:
    """Say that a file is to go to nobody."""
    from mailgate.model.ticket import FileState

    _settle(context, which, FileState.DISCARDED)


def _settle(context: typer.Context, which: str, state: "FileState") -> None:
    from mailgate.app import clock
    from mailgate.store import held

    config = configuration(context)
    with opened(config) as store:
        if number := re.fullmatch(r"(\d{1,18})\.(\d{1,9})", which):
            files = [(int(number[1]), int(number[2]))]
        else:
            with store.read() as connection:
                files = held.of_ticket(connection, canonical(which, config.service.reference))
        for name in held.settle(store, files, state, clock()):
            print(f'"{clean(name)}" is {state}.')
