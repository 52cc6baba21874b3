"""``mailgate reconcile``: is there mail on one side only?"""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.ingest.relaylog import HandedOver


def reconcile(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="Only mail that arrived since, such as 2026-11-01.")] = None,
    relay_log: Annotated[
        list[Path], typer.Option(help="A log of the Postfix in front of us; may be given several times.")
    ] = [],  # noqa: B006 (typer reads it and nobody changes it)
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say which mail is on one side only.

    The store is compared with itself, with the relay's log and with each account. Exit 1 where anything is found.
    """
    from mailgate.app import accounts_of
    from mailgate.workers.reconcile import compared

    config, now = configuration(context), datetime.now(UTC)
    log = [each for path in relay_log for each in _read(path)]
    with opened(config) as store:
        found = list(compared(store, _instant(since), now, log, accounts_of(config)))
    if as_json:
        print_json(
            {
                "differences": [asdict(each) for each in found],
                "relay_log": len(log),
            }
        )
    elif found:
        table(("Known to the", "Which", "What"), ((each.side, each.which, each.what) for each in found))
    else:
        print("Nothing is on one side only.")
    if found:
        raise typer.Exit(1)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f'--since is "{text}"; expected a date or a time such as 2026-11-01T08:00+00:00') from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _read(path: Path) -> "list[HandedOver]":
    from mailgate.ingest.relaylog import handed_over

    with path.open(encoding="utf-8", errors="replace") as lines:
        return handed_over(lines, datetime.now().astimezone())
