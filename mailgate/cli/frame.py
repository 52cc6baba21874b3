"""What every command stands on: commands that load when called, and the configuration they read."""

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

if TYPE_CHECKING:
    from mailgate.model.config import Config


class LazyCommand(TyperCommand):
    """A command whose module is imported when it is called, so that ``--help`` need not import them all."""

    def __init__(self, name: str, module: str, function: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self._module, self._function = module, function

    def load(self) -> Any:
        """The command itself, made by typer from its function."""
        app = typer.Typer(add_completion=False)
        app.command(self.name)(getattr(importlib.import_module(self._module), self._function))
        return get_command(app)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.load().make_context(info_name, args, parent, **extra)


def folders(context: typer.Context) -> tuple[Path, ...]:
    """The configuration's folders: those of ``--config``, else of MAILGATE_CONFIG, else config."""
    from mailgate.settings import folders_from

    return folders_from(context.find_root().obj or (), os.environ)


def configuration(context: typer.Context) -> "Config":
    """The checked configuration; raises ConfigError with every mistake in it."""
    from mailgate.settings import load

    return load(folders(context), os.environ)
