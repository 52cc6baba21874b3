"""``mailgate outbox``: everything the gateway says to the outside, and what became of it."""

from datetime import datetime
from typing import Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.model.outbound import SendState

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def list_outbox(
    context: typer.Context,
    state: Annotated[SendState | None, typer.Option(help="Only mails in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the mails we sent, wait to send, or could not send."""
    from mailgate.notify.dates import in_table, zone_of
    from mailgate.store import outbox

    config = configuration(context)
    with opened(config) as store, store.read() as connection:
        found = outbox.listing(connection, [state] if state else [])
    if as_json:
        print_json(found)
        return
    zone = zone_of(config)
    rows = (
        (
            mail["id"],
            mail["state"],
            mail["message"],
            mail["to"],
            mail["ref"],
            in_table(datetime.fromisoformat(mail["queued_at"]), zone),
            mail["attempts"],
            mail["error"],
        )
        for mail in found
    )
    table(("Id", "State", "Message", "To", "Ticket", "Queued", "Tries", "Error"), rows)
