"""``mailgate outbox``: everything the gateway says to the outside, and what became of it."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.errors import Refused
from mailgate.model.outbound import SendState

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
MailId = Annotated[int, typer.Argument(help='Its number in "mailgate outbox list".', metavar="ID")]


def list_outbox(
    context: typer.Context,
    state: Annotated[SendState | None, typer.Option(help="Only mails in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the mails we sent, wait to send, or could not send."""
    from mailgate.notify.dates import in_table, zone_of
    from mailgate.store import outgoing

    config = configuration(context)
    with opened(config) as store, store.read() as connection:
        found = outgoing.listing(connection, [state] if state else [])
    if as_json:
        print_json(found)
        return
    zone = zone_of(config)
    rows = (
        (
            mail["id"],
            f"{mail['state']}, perhaps twice" if mail["perhaps_twice"] else mail["state"],
            mail["message"],
            mail["to"],
            mail["ref"],
            in_table(datetime.fromisoformat(mail["queued_at"]), zone),
            mail["attempts"],
            mail["way"],
            mail["receipt"],
            mail["error"],
        )
        for mail in found
    )
    table(("Id", "State", "Message", "To", "Ticket", "Queued", "Tries", "By", "Receipt", "Error"), rows)


def show_outbox(
    context: typer.Context,
    mail_id: MailId,
    as_json: AsJson = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print what goes over the wire, byte by byte.")] = False,
) -> None:
    """Show one mail of ours.

    What is known about it, or its bytes; of a mailbox that observes, what would have gone.
    """
    from mailgate.store import outgoing

    if raw and as_json:
        raise Refused("--raw and --json cannot be given together; choose one")
    with opened(configuration(context)) as store, store.read() as connection:
        mail, content = outgoing.show(connection, mail_id)
    if raw:
        sys.stdout.buffer.write(content)
    elif as_json:
        print_json(mail | {"content": content.decode("utf-8", "replace")})
    else:
        table(("What", "Value"), mail.items())
        print(f'"mailgate outbox show {mail_id} --raw" prints what goes over the wire.')


def retry_outbox(
    context: typer.Context,
    which: Annotated[str, typer.Argument(help='Its number in "mailgate outbox list", or "held".', metavar="ID|held")],
) -> None:
    """Send a mail at once, whatever kept it back.

    "held" stands for everything that is held because there was so much automatic mail.
    """
    from mailgate.store import outgoing

    if which != "held" and not which.isdecimal():
        raise Refused(f'"{which}" is neither a number of "mailgate outbox list" nor "held"')
    with opened(configuration(context)) as store:
        if which == "held":
            print(f"{outgoing.release_held(store)} held mails go out now.")
            return
        outgoing.retry(store, int(which))
    print(f"Mail {which} is ready: a running gateway sends it within seconds.")


def cancel_outbox(context: typer.Context, mail_id: MailId) -> None:
    """Never send a mail that has not gone yet."""
    from mailgate.app import clock
    from mailgate.store import outgoing

    with opened(configuration(context)) as store:
        outgoing.cancel(store, mail_id, clock())
    print(f"Mail {mail_id} will not be sent.")
