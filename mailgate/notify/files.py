"""Reads the templates from their folders: the first folder that has one wins."""

from collections.abc import Sequence
from pathlib import Path

from mailgate.errors import MailgateError
from mailgate.model.config import Config
from mailgate.notify.compose import Source
from mailgate.notify.fields import LAYOUT, OWN


def read_templates(config: Config, folders: Sequence[Path]) -> dict[str, Source]:
    """The template of each message, by its name; raises MailgateError that names the file it misses.

    *folders* come from ``settings.template_folders``.
    """
    paths = {name: getattr(config.service.messages, name, f"templates/{name}.md") for name in OWN}
    paths[LAYOUT] = "templates/layout.html"
    return {name: _read(path, folders) for name, path in paths.items()}


def _read(path: str, folders: Sequence[Path]) -> Source:
    file = next((folder / path for folder in folders if (folder / path).is_file()), None)
    if file is None:
        raise MailgateError(f'There is no template "{path}"; write it in a folder of the configuration.')
    try:
        return Source(str(file), file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MailgateError(f"The template {file} cannot be read: {error}") from error
