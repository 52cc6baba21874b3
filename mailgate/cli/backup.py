"""``mailgate db backup`` and ``restore``."""

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailgate.cli.db import opened, report, verification
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.store.backup import Manifest

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where backups are kept: each is a folder below it.")]


def backup(context: typer.Context, folder: Folder, as_json: AsJson = False) -> None:
    """Copy the store while mail arrives: the database as it is at one moment, and the large mails it names.

    The folder "keys" and the configuration are not copied: keep them elsewhere. Exit code 1 where a large mail is lost.
    """
    from importlib.metadata import version

    from mailgate.store import backup as copying

    config, now = configuration(context), datetime.now(UTC)
    database = copying.database_of(config.operator)
    with opened(config) as store:
        place, made = copying.backup(database, store.objects, folder, version("mailgate"), now)
    if as_json:
        print_json({"place": str(place), **asdict(made)})
    else:
        print(f"{place}: {_counted(made)}; the last seal is {made.seal or 'still to come'}.")
        for name in made.missing:
            print(f"The large mail {name} is not in store.raw: restore it, then make another backup.")
    raise typer.Exit(1 if made.missing else 0)


def restore(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Where backups are: the last is taken, or the one that this is."),
    ] = None,
) -> None:
    """Put a backup where there is no store yet, and verify it; what was erased since is erased again.

    Without FOLDER the store is there already, restored by the means of PostgreSQL, say: the rest is done to it. Stop
    the gateway before. Exit code 1 where something is not what was written.
    """
    from mailgate.store import backup as copying
    from mailgate.store import schema
    from mailgate.store.engine import is_made, open_store
    from mailgate.store.erasure import forget_again
    from mailgate.store.keys import known_keys

    config, lost = configuration(context), list[str]()
    place = copying.newest(folder) if folder else None
    made = copying.read(place) if place else None
    if place and made:
        database = copying.database_of(config.operator)
        copying.restore_database(place, made, database)
        print(f"{database} is the backup of {made.made_at}: {_counted(made)}.")
    elif not is_made(config.operator):
        raise Refused("there is no store: name the folder of the backup")
    with closing(open_store(config.operator)) as store, store.single_instance():
        schema.upgrade(store)
        if place and made:
            lost += copying.restore_objects(place, made, store.objects)
        erased = forget_again(store, known_keys(Path(config.operator.keys)), datetime.now(UTC))
        print(f"{erased} erasures that it knew nothing of were done again.")
        is_sound = report(verification(store, config, _written_down(made)), store, as_json=False)
    for name in lost:
        print(f"The large mail {name} is neither in the backup nor in store.raw.")
    since = made.made_at[:10] if made else "DATE"
    print(f"Next: start the gateway, then run mailgate reconcile --since {since} to see which mail came later.")
    raise typer.Exit(0 if is_sound and not lost else 1)


def _written_down(made: "Manifest | None") -> dict[int, bytes]:
    from mailgate.tickets.seal import written_down

    return dict([written_down(made.seal)]) if made and made.seal else {}


def _counted(made: "Manifest") -> str:
    counts = made.counts
    return f"{counts['tickets']} tickets, {counts['raw_mails']} mails, {len(made.files)} of them large"
