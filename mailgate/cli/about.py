"""``mailgate people export`` and ``people erase``: what is held about somebody, and taking it away for good."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json, table
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.model.config import Config
    from mailgate.store.erasing import Target

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
By = Annotated[str, typer.Option(help="Who orders it: stands in the history.")]
WHAT = {
    "tickets": "tickets, of which figures stay",
    "cancelled_tickets": "of these open, and now cancelled",
    "mails": "mails",
    "large_mails": "of these large ones, in store.raw",
    "attachments": "attachments",
    "quarantined_mails": "mails in quarantine",
    "our_mails": "mails of ours",
    "tickets_of_others": "tickets of others that named it",
    "mails_of_others": "mails of others that named it",
    "events": "entries of histories",
    "directory": "entries of lists of addresses",
}


def export(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="The number of the case.", metavar="CRN")],
    to: Annotated[Path | None, typer.Option(help="A new folder for it, with the mails themselves.")] = None,
    by: By = "operator",
    as_json: AsJson = False,
) -> None:
    """Write down all that is held about a case: tickets, histories, mails; each ticket's history says so.

    What is about other people in it has to be taken out by a person before it is handed over.
    """
    from mailgate.app import clock
    from mailgate.store.about import everything
    from mailgate.tickets.tombstone import Erased

    config = configuration(context)
    target = named(case, config)
    if target.kind is not Erased.CASE:
        raise Refused(f'"{case}" is not the number of a case')
    if to is not None and to.exists():
        raise Refused(f"{to} is there already: name a new folder")
    with opened(config) as store:
        found, mails = everything(store, config, target, by, clock(), with_mails=to is not None)
    if to is not None:
        _write(to, found, mails)
    if as_json:
        print_json(found)
    elif to is not None:
        print(f"{to} has {len(found['tickets'])} tickets and {len(mails)} mails.")
    else:
        _print(found)


def erase(
    context: typer.Context,
    whom: Annotated[str, typer.Argument(help="An address, the number of a case, or a reference.", metavar="WHO")],
    by: By = "operator",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person, a case or a ticket from every table and file, for good; the certificate is printed.

    What others asked for and wrote stays without the address or number. The gateway may run; whoever writes waits
    while the database's files are written anew. A restored backup is erased again by the tombstone that stays.
    """
    from mailgate.app import clock, keys_of
    from mailgate.store import erasure
    from mailgate.tickets.tombstone import Erased

    config = configuration(context)
    target = named(whom, config)
    if target.kind is Erased.PERSON and config.accepts(target.value):
        raise Refused(f"{target.value} is a mailbox of ours and nobody's address")
    with opened(config) as store:
        if dry_run:
            counts = erasure.look(store, target)
            certificate: dict[str, Any] = {"what": target.kind, "counts": counts}
        else:
            certificate = erasure.erase(store, target, keys_of(config), by, clock()).as_json()
    if as_json:
        print_json(certificate)
        return
    facts = [] if dry_run else _facts(certificate)
    table(("What", "Value"), [*facts, *((WHAT[name], count) for name, count in certificate["counts"].items())])


def named(said: str, config: "Config") -> "Target":
    """Whom or what somebody means: a person by the address, a ticket by its reference, else a case."""
    import re2

    from mailgate.store.erasing import Target
    from mailgate.tickets import reference
    from mailgate.tickets.tombstone import Erased

    if "@" in said:
        return Target(Erased.PERSON, said.strip().lower())
    if len(refs := reference.find(said, config.service.reference)) == 1:
        return Target(Erased.TICKET, refs[0])
    value = "".join(said.split()).upper()  # as rules write it: capitals, no spaces
    if config.key_name is None:
        raise Refused(f'"{said}" is neither an address nor a reference of ours, and no identifier names a case')
    if not re2.fullmatch(f"(?i:{config.service.identifiers[config.key_name].pattern})", value):
        raise Refused(f'"{said}" is neither an address nor a reference of ours nor {config.asks(config.key_name)}')
    return Target(Erased.CASE, value)


def _facts(certificate: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [
        ("erased", certificate["what"]),
        ("when", certificate["erased_at"]),
        ("by", certificate["erased_by"]),
        ("tombstone", certificate["tombstone"]),
        ("tickets", ", ".join(certificate["refs"])),
    ]


def _write(folder: Path, found: Mapping[str, Any], mails: Mapping[str, bytes]) -> None:
    folder.mkdir(mode=0o700, parents=True)
    (folder / "case.json").write_text(json.dumps(found, ensure_ascii=False, indent=2, default=str), "utf-8")
    for name, content in mails.items():
        (folder / name).write_bytes(content)


def _print(found: Mapping[str, Any]) -> None:
    for ticket in found["tickets"]:
        print(f"\n{ticket['ref']}: {ticket['subject']} ({ticket['task'] or 'no task'}, {ticket['status']})")
        for mail in ticket["messages"]:
            print(f"\n{mail['received_at']} from {mail['from']}: {mail['subject']}\n{mail['text']}")
    also = ", ".join(str(mail["id"]) for mail in found["also_named_in"])
    print(f"\nNamed in other mails too: {also or 'none'}. --json prints everything, --to also the mails themselves.")
