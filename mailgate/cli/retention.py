"""``mailgate retention``: how long records are kept, and what is kept longer."""

from datetime import datetime
from typing import Annotated

import typer

from mailgate.cli.about import By, named
from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.errors import Refused

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Which = Annotated[str, typer.Argument(help="The number of a case, or a reference.", metavar="CRN|REF")]
KINDS = {
    "mails": "mails of tickets lost their words",
    "ignored_mails": "mails that belong to no ticket lost their words",
    "attachments": "attachments",
    "large_mails": "large mails in store.raw",
    "our_mails": "mails of ours",
    "tickets": "tickets became numbers",
    "histories": "histories were deleted",
    "events": "entries of these",
    "quarantined_mails": "mails in quarantine",
    "fingerprints": "mails that are not known again",
}


def run(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what a run would forget.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget what is kept no longer, or say what that is: as "keep" of the configuration has it.

    A running gateway does the same every night. It rests in between, so that mail is taken in as fast as ever; it may
    be stopped at any time, and goes on then.
    """
    from mailgate.app import clock
    from mailgate.store import retention

    config = configuration(context)
    with opened(config) as store:
        counts = retention.run(store, config.service.keep, clock(), dry=dry_run)
    found = {name: counts.get(name, 0) for name in KINDS}
    if as_json:
        print_json({"dry_run": dry_run, **found})
    else:
        table(("What", "Would be" if dry_run else "Were"), ((KINDS[name], count) for name, count in found.items()))


def hold(
    context: typer.Context,
    which: Which,
    reason: Annotated[str, typer.Option(help="Why it has to be kept.")],
    by: By = "operator",
) -> None:
    """Keep a case or a ticket whatever its age: neither is forgotten or erased; a case with all its tickets to come."""
    from mailgate.app import clock
    from mailgate.store import holds

    config = configuration(context)
    value = _value(context, which)
    with opened(config) as store:
        count = holds.hold(store, value, reason, by, clock())
    print(f"{value} is held: {count} tickets now, and those to come.")


def release(context: typer.Context, which: Which, by: By = "operator") -> None:
    """End a hold: what is due by then is forgotten in the next night."""
    from mailgate.app import clock
    from mailgate.store import holds

    value = _value(context, which)
    with opened(configuration(context)) as store:
        count = holds.release(store, value, by, clock())
    print(f"{value} is held no more: {count} tickets.")


def list_holds(context: typer.Context, as_json: AsJson = False) -> None:
    """List what is held, the oldest first."""
    from mailgate.notify.dates import in_table, zone_of
    from mailgate.store.holds import listing

    config = configuration(context)
    with opened(config) as store, store.read() as connection:
        found = listing(connection)
    if as_json:
        print_json(found)
        return
    zone = zone_of(config)
    rows = (
        (
            each["value"],
            in_table(datetime.fromisoformat(each["set_at"]), zone),
            each["set_by"],
            each["tickets"],
            each["reason"],
        )
        for each in found
    )
    table(("Held", "Since", "By", "Tickets", "Why"), rows)


def _value(context: typer.Context, which: str) -> str:
    if "@" in which:
        raise Refused("a hold is for a case or a ticket: write its number or its reference")
    return named(which, configuration(context)).value
