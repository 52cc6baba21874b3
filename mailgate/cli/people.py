"""``mailgate people``: the directory."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def import_people(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="YAML or CSV with name, address, role, unit, team.", metavar="FILE")],
    as_json: AsJson = False,
) -> None:
    """Read the directory from a YAML or CSV file: new people are added, known addresses changed, nobody is removed."""
    from mailgate.ingest.directory import read_people
    from mailgate.store import people

    config = configuration(context)
    persons = read_people(file.read_bytes(), str(file), config.service.teams)
    with opened(config) as store, store.write() as tx:
        known = {person.address: person for person in people.listing(tx)}
        added = [person for person in persons if person.address not in known]
        changed = [person for person in persons if known.get(person.address, person) != person]
        people.put(tx, [*added, *changed])
    unchanged = len(persons) - len(added) - len(changed)
    if as_json:
        print_json({"added": len(added), "changed": len(changed), "unchanged": unchanged})
    else:
        print(f"{len(added)} added, {len(changed)} changed, {unchanged} as they were")


def list_people(context: typer.Context, as_json: AsJson = False) -> None:
    """List the directory, in order of address."""
    from mailgate.store import people

    with opened(configuration(context)) as store, store.read() as connection:
        found = people.listing(connection)
    if as_json:
        print_json([asdict(person) for person in found])
    else:
        table(("Name", "Address", "Role", "Unit", "Team"), ((p.name, p.address, p.role, p.unit, p.team) for p in found))
