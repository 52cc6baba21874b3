"""``mailgate quarantine``: mails that could not be handled, kept for a person."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.errors import Refused

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def list_quarantine(context: typer.Context, as_json: AsJson = False) -> None:
    """List the mails that need a person, the oldest first."""
    from mailgate.notify.dates import in_table, zone_of
    from mailgate.store.quarantine import quarantined

    config = configuration(context)
    with opened(config) as store, store.read() as connection:
        found = quarantined(connection)
    if as_json:
        print_json(found)
        return
    zone = zone_of(config)
    rows = (
        (
            mail["id"],
            in_table(datetime.fromisoformat(mail["received_at"]), zone),
            mail["sender"],
            ", ".join(mail["recipients"]),
            mail["size"],
            mail["reason"],
        )
        for mail in found
    )
    table(("Id", "Received", "From", "To", "Bytes", "Why"), rows)


def show_quarantine(
    context: typer.Context,
    mail_id: Annotated[int, typer.Argument(help='Its number in "mailgate quarantine list".', metavar="ID")],
    as_json: AsJson = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print the mail itself, byte by byte.")] = False,
) -> None:
    """Show one mail of the quarantine: what is known about it, or its bytes."""
    from mailgate.store.quarantine import quarantined, quarantined_mail

    if raw and as_json:
        raise Refused("--raw and --json cannot be given together; choose one")
    with opened(configuration(context)) as store:
        if raw:
            sys.stdout.buffer.write(quarantined_mail(store, mail_id))
            return
        with store.read() as connection:
            found = next((mail for mail in quarantined(connection) if mail["id"] == mail_id), None)
    if found is None:
        raise Refused(f'there is no mail {mail_id} in quarantine: see "mailgate quarantine list"')
    if as_json:
        print_json(found)
    else:
        table(("What", "Value"), found.items())
        print(f'"mailgate quarantine show {mail_id} --raw" prints the mail itself.')


def release_quarantine(
    context: typer.Context,
    which: Annotated[str, typer.Argument(help='Its number in "mailgate quarantine list", or "all".', metavar="ID|all")],
) -> None:
    """Put mails back into the queue, to be handled as if they had just come: after a fix."""
    from mailgate.app import clock
    from mailgate.store.quarantine import ids_in_quarantine, release

    if which != "all" and not which.isdecimal():
        raise Refused(f'"{which}" is neither a number of "mailgate quarantine list" nor "all"')
    with opened(configuration(context)) as store:
        with store.read() as connection:
            ids = ids_in_quarantine(connection) if which == "all" else [int(which)]
        for mail_id in ids:
            release(store, mail_id, clock())
            print(f"Mail {mail_id} is back in the queue: a running gateway takes it within seconds.")
    if not ids:
        print("The quarantine is empty.")
