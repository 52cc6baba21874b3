"""``mailgate rules backtest``: what other rules would have done with the mails of the past."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailgate.cli.db import opened
from mailgate.cli.frame import configuration
from mailgate.cli.output import clean, print_json, progress, table
from mailgate.errors import Refused

if TYPE_CHECKING:
    from mailgate.backtest import Batch, Moved
    from mailgate.model.config import Config

SHOWN = 5  # mails whose traces are printed: as many as anybody reads


def backtest(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="Folder of a configuration (BASE,OVERLAY for two), or a version.")],
    new: Annotated[str, typer.Argument(help="The same, of the one to compare with it.")],
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only mail from this day on.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write each mail that moves here, with both traces; go on where it ends.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say which mails of the past other rules would have sent elsewhere."""
    from mailgate import backtest as work
    from mailgate.store import known

    config = configuration(context)
    with opened(config) as store:
        rules = work.Rules(_configuration(old, store), _configuration(new, store))
        begin = datetime.combine(since.date() if since else date(1970, 1, 1), time(), UTC)
        record = _Record(out, rules.before.version, rules.after.version, begin)
        with store.read() as connection:
            count = known.count(connection, begin, record.through)
    found = work.backtest(config.operator, rules, begin, record.through)
    for batch in progress(found, "decided again", lambda batch: batch.mails, count):
        record.add(batch)
    _print(record, as_json=as_json)


def _configuration(named: str, store: Any) -> "Config":
    """The configuration in the folder or folders *named*, else that of the version."""
    from mailgate.settings import load
    from mailgate.store import configurations

    folders = [Path(each) for each in named.split(",")]
    if all(folder.is_dir() for folder in folders):
        return load(folders, {})
    with store.read() as connection:
        return configurations.kept(connection, named)


class _Record:
    """What was found so far, as lines of JSON; in a file it is whole up to the last line that ends a batch."""

    def __init__(self, file: Path | None, old: str, new: str, since: datetime) -> None:
        self.through = self.mails = 0
        self.moved: list[dict[str, Any]] = []
        self._file = file
        self.head = {"old": old, "new": new, "since": since.date().isoformat()}
        if file is not None:
            self._write(self._resumed(file) if file.exists() else [self.head], "w")

    def add(self, batch: "Batch") -> None:
        moved = list(map(_as_json, batch.moved))
        end = {"through": batch.through, "mails": batch.mails}
        self._count(moved, end)
        if self._file is not None:
            self._write([*moved, end], "a")

    def _count(self, moved: Sequence[dict[str, Any]], end: dict[str, int]) -> None:
        self.moved += moved
        self.mails += end["mails"]
        self.through = end["through"]

    def _resumed(self, file: Path) -> list[dict[str, Any]]:
        """The lines that are to stay; Refused where the file is about something else."""
        head, *lines = _lines(file) or [self.head]
        if head != self.head:
            raise Refused(f"{file} is of another comparison: name another file, or remove it")
        batch: list[dict[str, Any]] = []
        whole = [head]
        for line in lines:
            if "through" in line:
                self._count(batch, line)
                whole += [*batch, line]
                batch = []
            else:
                batch.append(line)
        return whole

    def _write(self, lines: Sequence[dict[str, Any]], mode: str) -> None:
        assert self._file is not None
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if mode == "a" else os.O_TRUNC)
        with os.fdopen(os.open(self._file, flags, 0o600), mode, encoding="utf-8") as file:  # it quotes mails
            file.write("".join(f"{json.dumps(line)}\n" for line in lines))


def _lines(file: Path) -> list[dict[str, Any]]:
    """The lines of *file* up to one that was not written to its end."""

    def read() -> Iterator[dict[str, Any]]:
        for line in file.read_text("utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return

    return list(read())


def _as_json(moved: "Moved") -> dict[str, Any]:
    from mailgate.cli.decided import trace_as_json

    return {
        "mail": moved.id,
        "ticket": moved.ref,
        "moves": [{"what": move.what, "before": move.before, "after": move.after} for move in moved.moves],
        "before": trace_as_json(moved.before),
        "after": trace_as_json(moved.after),
    }


def _print(record: _Record, *, as_json: bool) -> None:
    from mailgate.cli.decided import sentence
    from mailgate.rules import moves

    counted = moves.table(moves.Move(**move) for mail in record.moved for move in mail["moves"])
    if as_json:
        rows = [{"what": one.what, "before": one.before, "after": one.after, "mails": count} for one, count in counted]
        said = {**record.head, "mails": record.mails, "moved": len(record.moved), "table": rows}
        print_json({**said, "moved_mails": record.moved})
        return
    if counted:
        table(("What", "Before", "After", "Mails"), ((one.what, one.before, one.after, n) for one, n in counted))
    for mail in record.moved[:SHOWN]:
        print(f"\nmail {mail['mail']}, {mail['ticket'] or 'no ticket'}")
        for name, rules in (("before", record.head["old"]), ("after", record.head["new"])):
            print(f"  {name} ({rules})")
            for match in mail[name]:
                print(f"    {clean(sentence(match))}")
    print(f"\n{len(record.moved)} of {record.mails} mails would have gone elsewhere.")
    if len(record.moved) > SHOWN:
        print("--json and --out FILE have the traces of all of them.", file=sys.stderr)
