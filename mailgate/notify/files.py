"""Reads the templates from their folders: the first folder that has one wins."""

from collections.abc import Sequence
from pathlib import Path

from mailgate.errors import MailgateError
from mailgate.model.config import Config
from mailgate.notify.compose import Source
from mailgate.notify.fields import LAYOUT, OWN


def read_templates(config: Config, folders: Sequence[Path], *, welsh: bool | None = None) -> dict[str, Source]:
    """The template of each message, by its name; raises MailgateError that names the file it misses.

    Those in Welsh, "cy/received" beside "received", are read where a mailbox writes in Welsh, or as *welsh*
    says. What has none goes out in English. *folders* come from ``settings.template_folders``.
    """
    paths = {name: getattr(config.service.messages, name, f"templates/{name}.md") for name in OWN if name != LAYOUT}
    sources = {name: _read(path, folders) for name, path in paths.items()}
    sources[LAYOUT] = _read("templates/layout.html", folders)
    if config.writes_welsh if welsh is None else welsh:
        for name, path in paths.items():
            file = _find(str(Path(path).with_name("cy") / Path(path).name), folders)
            sources |= {f"cy/{name}": _source(file)} if file else {}
    return sources


def _find(path: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / path for folder in folders if (folder / path).is_file()), None)


def _read(path: str, folders: Sequence[Path]) -> Source:
    file = _find(path, folders)
    if file is None:
        raise MailgateError(f'There is no template "{path}"; write it in a folder of the configuration.')
    return _source(file)


def _source(file: Path) -> Source:
    try:
        return Source(str(file), file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MailgateError(f"The template {file} cannot be read: {error}") from error
