"""``mailgate rehearse`` and ``mailgate ingest``: mail from files through the whole pipeline."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from mailgate.cli.frame import configuration
from mailgate.cli.output import print_json
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.model.config import Config
    from mailgate.replay import Played

Item = TypeVar("Item")
NOT_COMPARED = ("file", "why")


def rehearse(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of mails, with people.yml and existing_tickets.yml if any.")],
    strict: Annotated[bool, typer.Option("--strict", help="Believe only what the headers prove.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a mail.")] = False,
) -> None:
    """Play a folder of mails through the whole pipeline in a scratch store."""
    from mailgate import journal, replay

    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder: name one with mail files in it")
    config = configuration(context)
    journal.configure(only_warnings=True)
    shown = Shown(config)
    compared = agreed = 0
    for played in _with_progress(replay.rehearse(config, folder, strict=strict), "rehearsing"):
        said = shown.of(played)
        differences = _differences(said, folder / f"{Path(played.file).stem}.expected.yml")
        if as_json:
            print_json(said, indent=None)
            continue
        print(_line(said))
        if differences is not None:
            compared, agreed = compared + 1, agreed + (not differences)
            for difference in differences:
                print(f"    {difference}")
    if compared:
        print(f"{agreed} of {compared} mails are as expected")


class Shown:
    """Each mail of a rehearsal as JSON; a ticket is called by the file that opened it."""

    def __init__(self, config: "Config") -> None:
        self._config = config
        self._opened_by: dict[str, str] = {}

    def of(self, played: "Played") -> dict[str, Any]:
        from mailgate.cli.decided import as_json

        if played.copy_of is not None:
            return {"file": played.file, "action": "duplicate", "duplicate_of": Path(played.copy_of).stem, "trace": []}
        if played.settled is None:
            return {"file": played.file, "action": "quarantine", "trace": []}
        settled = played.settled
        self._opened_by |= dict.fromkeys(settled.references, Path(played.file).stem)
        said = as_json(settled.decision, settled.reading, self._config, lambda ticket: self._name(ticket.ref))
        sent = settled.outbound
        outgoing = [{"to": mail.recipient, "message": mail.message, "subject": mail.subject} for mail in sent]
        return {"file": played.file, **said, "references": list(settled.references), "outgoing": outgoing}

    def _name(self, ref: str) -> str:
        return self._opened_by.get(ref, ref)


def _differences(said: dict[str, Any], expected: Path) -> list[str] | None:
    """Where what became of a mail differs from what stands in *expected*; None where there is no such file."""
    if not expected.exists():
        return None
    from mailgate.rules.located import read

    source = read(expected.read_text(encoding="utf-8"), expected.name)
    if source.root is None or source.problems:
        return list(map(str, source.problems))
    return [
        f"{name}: expected {node.plain}, got {said[name]}"
        for name, node in source.root.entries.items()
        if name in said and name not in NOT_COMPARED and not _agrees(node.plain, said[name])
    ]


def _agrees(wanted: Any, said: Any) -> bool:
    """Whether *said* has all that is *wanted*, which is written as text; nothing wanted agrees with anything."""
    if isinstance(wanted, dict):
        return isinstance(said, dict) and all(_agrees(value, said.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(said, list):
        return len(wanted) == len(said) and all(map(_agrees, wanted, said))
    return wanted is None or str(wanted).lower() == str(said).lower()


def _line(said: dict[str, Any]) -> str:
    joins = said.get("duplicate_of") or said.get("follow_up_to")
    command = (said.get("command") or {}).get("do")
    facts = (said.get("task"), said.get("priority"), said.get("intent"), command, joins and f"-> {joins}")
    return f"{said['file']:40} {said['action']:12} " + " ".join(str(fact) for fact in facts if fact)


def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Mail files (.eml, mbox), Maildirs and folders of them.")],
    mailbox: Annotated[str | None, typer.Option(help="Where mail goes that names no mailbox of ours.")] = None,
    answer: Annotated[bool, typer.Option("--answer", help="Send the answers, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Feed mails from files through the whole pipeline now."""
    from mailgate import journal, replay
    from mailgate.store.engine import open_store
    from mailgate.store.schema import upgrade

    config = configuration(context)
    journal.configure(only_warnings=True)
    if mailbox is not None and not config.accepts(mailbox):
        raise Refused(f"{mailbox} is not a mailbox of this configuration: see mailboxes.yml")
    became: Counter[str] = Counter()
    with closing(open_store(config.operator)) as store:
        upgrade(store)
        for numbers in _with_progress(replay.ingest(config, store, paths, mailbox, answer=answer), "mails taken in"):
            became.update(numbers)
    if as_json:
        print_json({"mails": became.total(), **became})
        return
    numbered = ", ".join(f"{number} {what}" for what, number in became.most_common())
    print(f"{became.total()} mails: {numbered or 'none'}")


def _with_progress(items: Iterable[Item], what: str) -> Iterator[Item]:
    """The *items*, counted on the terminal as they come."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(what, total=None)
        for item in items:
            progress.advance(bar, item.total() if isinstance(item, Counter) else 1)
            yield item
