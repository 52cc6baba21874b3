"""``mailgate init``: a configuration to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from mailgate.cli.starter import FILES
from mailgate.errors import Refused
from mailgate.rules.json_schema import SCHEMAS, schema_text


def init(folder: Annotated[Path, typer.Argument(help="Where to write it.", metavar="DIR")] = Path("config")) -> None:
    """Write a commented starter configuration."""
    files = {**FILES, **{f"schema/{name}.json": schema_text(name) for name in SCHEMAS}}
    present = [folder / name for name in files if (folder / name).exists()]
    if present:
        raise Refused(f"{present[0]} is there already; nothing was written. Name another folder")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
    print(f'Change them to say what you want, then run "mailgate rules check --config {folder}".')
