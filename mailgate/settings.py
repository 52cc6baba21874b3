"""Reads and checks the configuration: every ``*.yml`` of a folder and of its ``rules/``.

``mailgate.yml`` is the operator's, all other files are the service's. Everything that is
wrong is reported at once, each mistake with its file, line and column.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from mailgate.errors import MailgateError
from mailgate.model.base import Model
from mailgate.model.config import Config, Service
from mailgate.model.operator import Operator
from mailgate.rules.located import Node, Place, Problem, Source, changes, join, mapping, overlay, read
from mailgate.rules.schema import mistakes
from mailgate.rules.typed import field_names, problems, suggestion

_OPERATOR_FILE = "mailgate.yml"
_LARGEST = 1024 * 1024
_MOST_SHOWN = 100  # of a kind: to find the nearest name for each of 60,000 takes a minute (S51)
_PREFIX = "MAILGATE_"
_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@")

AnyModel = TypeVar("AnyModel", bound=Model)


class ConfigError(MailgateError):
    """The configuration cannot be used; *problems* says why, in order of file and line."""

    def __init__(self, found: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(found)))
        super().__init__("\n".join(map(str, self.problems)))


def folders_from(options: Sequence[Path], environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The folders to read: those of ``--config`` (a base, what is laid over it), else MAILGATE_CONFIG, else config."""
    if len(options) > 2:
        raise MailgateError("--config can be given twice at most: a base, and a folder that is laid over it")
    return tuple(options) or (Path(environ.get("MAILGATE_CONFIG") or "config"),)


def template_folders(config: Config) -> tuple[Path, ...]:
    """Where a template ("templates/received.md") is looked up: the configuration's, the last first, then ours."""
    return _template_folders([Path(folder) for folder in config.folders])


@dataclass(frozen=True, slots=True)
class Examined:
    """A configuration without mistakes, and *service*: what its files say of the service, with the places."""

    config: Config
    service: Node


def load(folders: Sequence[Path], environ: Mapping[str, str], over: Path | None = None) -> Config:
    """The configuration in *folders* (the second is laid over the first), with what *environ* sets in mailgate.yml.

    The service's values in the file *over* win, to see what they would do. Raises ConfigError with every mistake in it.
    """
    return examine(folders, environ, over).config


def examine(folders: Sequence[Path], environ: Mapping[str, str], over: Path | None = None) -> Examined:
    """What ``load`` returns, with the places at which it stands."""
    found: list[Problem] = []
    parts = [_folder(folder, found) for folder in folders]
    is_whole = all(part.is_whole for part in parts)  # with a file unread, every name in it would be unknown too
    service, operator = parts[0].service, parts[0].operator
    changed: tuple[str, ...] = ()
    for top in parts[1:]:
        changed += (*changes(service, top.service), *changes(operator, top.operator, "mailgate.yml"))
        service, operator = overlay(service, top.service), overlay(operator, top.operator)
    if over is not None:
        tried = _file(over)
        found += tried.problems
        service = overlay(service, tried.root) if tried.root else service
    found += _secrets(operator)
    found += _set_from(environ, operator)
    found += _missing_templates(service, folders) if is_whole else ()
    found += islice(mistakes(service), _MOST_SHOWN) if is_whole else ()
    found += _strange_mailboxes(operator, service) if is_whole else ()
    checked_service = _checked(Service, service, found)
    checked_operator = _checked(Operator, operator, found)
    if found or checked_service is None or checked_operator is None:
        raise ConfigError(found)
    config = Config(
        version=_version(checked_service),
        service=checked_service,
        operator=checked_operator,
        folders=tuple(map(str, folders)),
        changed=changed,
        guidance={task: text for folder in folders for task, text in _guidance(folder)},
    )
    return Examined(config, service)


def _guidance(folder: Path) -> Iterator[tuple[str, str]]:
    """What the files ``guidance/*/*.md`` of *folder* say, by "category.task"."""
    for path in sorted((folder / "guidance").glob("*/*.md")):
        yield f"{path.parent.name}.{path.stem}", path.read_text(encoding="utf-8").strip()


def _checked(kind: type[AnyModel], node: Node, found: list[Problem]) -> AnyModel | None:
    try:
        return kind.model_validate(node.plain)
    except ValidationError as error:
        found += islice(problems(error, kind, node), _MOST_SHOWN)
        return None


def _version(service: Service) -> str:
    """A hash of what the service says: the same for the same content in other files, spacing or comments."""
    content = json.dumps(service.model_dump(mode="json"), ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


@dataclass(slots=True)
class _Folder:
    """What the files of one folder say; *is_whole*: every one of them could be read."""

    service: Node
    operator: Node
    is_whole: bool


def _folder(folder: Path, found: list[Problem]) -> _Folder:
    names = sorted(
        str(path.relative_to(folder))
        for path in (*folder.glob("*.yml"), *folder.glob("rules/*.yml"))
        if not path.name.startswith(".")
    )
    found += _open_folders(folder)
    if not names:
        hint = '"mailgate init" writes one to begin with'
        found.append(Problem(str(folder), 0, 0, f"there is no configuration here; {hint}"))
    sources = {name: _file(folder / name) for name in names}
    found += [problem for source in sources.values() for problem in source.problems]
    roots = {name: source.root for name, source in sources.items() if source.root is not None}
    operator = roots.pop(_OPERATOR_FILE, None) or mapping(str(folder / _OPERATOR_FILE))
    service = join(list(roots.values()), str(folder))
    found += service.problems
    is_whole = bool(names) and all(source.root is not None for source in sources.values())
    return _Folder(service.root or mapping(str(folder)), operator, is_whole)


def _open_folders(folder: Path) -> Iterator[Problem]:
    """The folders in which somebody else could change or put files (S54)."""
    for place in (folder, folder / "rules"):
        if place.is_dir() and place.stat().st_mode & stat.S_IWOTH:
            yield Problem(str(place), 0, 0, 'everybody can put files here; run "chmod o-w" on this folder')
    if (folder / "rules").is_symlink():
        yield Problem(str(folder / "rules"), 0, 0, "this is a symbolic link; put the folder itself here")


def _file(path: Path) -> Source:
    """The mapping that one file holds; no root where it has none, and the reason."""
    try:
        source = read(_text(path), str(path))
    except _CannotUse as error:
        return Source(problems=[Problem(str(path), error.line, error.column, str(error))])
    root = source.root
    if root is not None and not isinstance(root.value, dict):
        why = "expected lines of the form name: value, beginning at the left margin"
        return Source(problems=[*source.problems, root.place.problem(why)])
    return source


class _CannotUse(Exception):
    def __init__(self, text: str, line: int = 1, column: int = 1) -> None:
        super().__init__(text)
        self.line, self.column = line, column


def _text(path: Path) -> str:
    """The text of a regular file that only its owner and group can change (S54)."""
    try:
        with open(path, "rb", opener=_without_links) as file:
            _refuse_unfit(os.fstat(file.fileno()))
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        reason = "this is a symbolic link; put the file itself here" if path.is_symlink() else error.strerror
        raise _CannotUse(f"cannot be read: {reason}") from error
    if len(raw) > _LARGEST:
        raise _CannotUse("this file is larger than 1 MiB; split it")
    if not raw.strip():
        raise _CannotUse("this file is empty; write something or remove it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _CannotUse("this character is not UTF-8; save the file as UTF-8", line, column) from error


def _without_links(path: str, flags: int) -> int:
    """Neither through a link, nor waiting for whoever writes into a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _refuse_unfit(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _CannotUse("cannot be read: this is not a file")
    if status.st_mode & stat.S_IWOTH:
        raise _CannotUse('everybody can change this file; run "chmod o-w" on it')
    if os.geteuid() not in (0, status.st_uid) and status.st_uid != 0:
        raise _CannotUse("this file belongs to another user; make it root's or that of the user running mailgate")


def _secrets(operator: Node) -> Iterator[Problem]:
    """Secrets that stand in the file instead of in the environment or in a file of their own."""
    for node in operator.each(("notify", "api_key")):
        yield node.key.problem(
            "a key does not belong here; name its file in api_key_file or set MAILGATE_NOTIFY__API_KEY"
        )
    for section, name in (("store", "url"), ("send", "via")):
        for node in operator.each((section, name)):
            if isinstance(node.value, str) and _PASSWORD.search(node.value):
                variable = f"{_PREFIX}{section}__{name}".upper()
                yield node.place.problem(f"a password does not belong here; set the whole value as {variable}")


def _strange_mailboxes(operator: Node, service: Node) -> Iterator[Problem]:
    """Accounts to fetch from whose mail would be for no mailbox of ours."""
    ours = [name for node in service.each(["mailboxes"]) for name in node.entries]
    for node in operator.each(("imap", "*", "mailbox")):
        if isinstance(node.value, str) and node.value not in ours:
            yield node.place.problem(f'unknown mailbox "{node.value}"{suggestion(node.value, ours)}')


def _set_from(environ: Mapping[str, str], operator: Node) -> Iterator[Problem]:
    """Put every variable ``MAILGATE_SECTION__NAME`` into its place in *operator*; an empty one means null.

    This is all that is needed of pydantic-settings, whose import takes longer than reading
    the configuration does, and it keeps the name of the variable for its mistakes.
    """
    for variable in sorted(environ):
        path = variable.removeprefix(_PREFIX).lower().split("__")
        is_ours = variable.startswith(_PREFIX) and (len(path) > 1 or path[0] in _SCALARS)
        if is_ours and not _put(operator, path, environ[variable], Place(variable)):
            hint = suggestion(variable, _variables(), cutoff=0.8)
            yield Problem(variable, 0, 0, f"there is no such setting{hint}")


def _put(node: Node, path: Sequence[str], text: str, place: Place, above: tuple[str, ...] = ()) -> bool:
    """Set the scalar at *path* below *node*, which stands at *above*; False where the models have none."""
    if not path:
        node.value, node.place, node.key = text or None, place, place
        return True
    step, *rest = path
    if isinstance(node.value, list):
        is_there = step.isdigit() and int(step) < len(node.value)
        return is_there and _put(node.value[int(step)], rest, text, place, (*above, step))
    if step not in field_names(Operator, above) or not isinstance(node.value, dict | None):
        return False
    inner = node.entries.get(step) or Node(None, place, place)
    if not _put(inner, rest, text, place, (*above, step)):
        return False
    node.value = node.entries | {step: inner}
    return True


_SCALARS = tuple(
    name
    for name in Operator.model_fields
    if not field_names(Operator, (name,)) and not field_names(Operator, (name, 0))
)


def _variables() -> list[str]:
    nested = [f"{section}__{name}" for section in Operator.model_fields for name in field_names(Operator, (section,))]
    return [f"{_PREFIX}{name}".upper() for name in (*_SCALARS, *nested)]


def _template_folders(folders: Sequence[Path]) -> tuple[Path, ...]:
    return (*reversed(folders), Path(__file__).parent)


def _missing_templates(service: Node, folders: Sequence[Path]) -> Iterator[Problem]:
    for name, node in next(service.each(["messages"]), mapping("")).entries.items():
        if name == "quiet_for" or not isinstance(node.value, str):
            continue
        path = Path(node.value)
        if path.is_absolute() or ".." in path.parts:
            yield node.place.problem("expected a path below the configuration's folder, such as templates/received.md")
        elif not any((folder / path).is_file() for folder in _template_folders(folders)):
            yield node.place.problem(
                f'there is no template "{node.value}" in the configuration nor among those that ship'
            )
