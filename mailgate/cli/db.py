"""``mailgate db``: the store's tables, and whether all is as it was written. The lists open the store here too."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.model.config import Config
    from mailgate.store.engine import Store
    from mailgate.store.verification import Verification


def upgrade(context: typer.Context) -> None:
    """Bring the store's tables up to date."""
    from mailgate.store import schema
    from mailgate.store.engine import open_store

    with closing(open_store(configuration(context).operator)) as store:
        was_current = schema.schema_is_current(store)
        schema.upgrade(store)
    print("The store was up to date." if was_current else "The store is up to date now.")


def verify(
    context: typer.Context,
    seal: Annotated[
        list[str], typer.Option(help="One that was written down: NUMBER:HEX from the log or a daily summary.")
    ] = [],  # noqa: B006 (typer reads it and nobody changes it)
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say whether everything is what was written: the database, every history, seal and large mail.

    Exit code 1 where something is not. What was changed and sealed anew shows by a seal that was written down.
    """
    from mailgate.tickets.seal import written_down

    config, kept = configuration(context), dict(map(written_down, seal))
    with opened(config) as store:
        sound = report(verification(store, config, kept), store, as_json=as_json)
    raise typer.Exit(0 if sound else 1)


def verification(store: "Store", config: "Config", written_down: dict[int, bytes]) -> "Verification":
    """What looks through *store* with the keys that there are: none is made."""
    from mailgate.store.keys import known_keys
    from mailgate.store.verification import Verification
    from mailgate.tickets.seal import keys_from

    return Verification(store, keys_from(known_keys(Path(config.operator.keys))), written_down)


def report(looking: "Verification", store: "Store", *, as_json: bool) -> bool:
    """Print what *looking* finds, as it finds it; whether that is nothing."""
    from mailgate.store import seals

    found = []
    for each in looking.findings():
        found.append(each)
        if not as_json:
            print(f"{each.where} {each.what}", flush=True)
    counts = looking.counts
    if as_json:
        print_json({"sound": not found, **asdict(counts), "findings": [asdict(each) for each in found]})
        return not found
    print(f"{counts.tickets} tickets, {counts.events} events, {counts.seals} seals, {counts.objects} large mails.")
    if found:
        print(f"{len(found)} findings: see docs/operations.md, Backup and restore.")
    else:
        with store.read() as connection:
            last = seals.last(connection)
        print(f"All is as it was written; the last seal is {last}." if last else "All is as it was written.")
    return not found


@contextmanager
def opened(config: "Config") -> Iterator["Store"]:
    """The store; Refused where its tables are not of this program's version."""
    from mailgate.store import schema
    from mailgate.store.engine import open_store

    with closing(open_store(config.operator)) as store:
        if not schema.schema_is_current(store):
            raise Refused('the store is not up to date: run "mailgate db upgrade"')
        yield store
