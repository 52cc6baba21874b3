"""A backup of an SQLite store and its large mails, made while mail arrives, and the way back.

A folder may hold many backups: each is a folder below it, named by its time, with the database and a manifest; the
large mails of all are side by side in ``raw``, each once. The manifest is written last: without it a backup is
not complete. The keys are no part of it, so that whoever gets hold of a backup can forge nothing (docs/operations.md).
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from mailgate.errors import GiveUp, Refused
from mailgate.folders import make_durably, sync
from mailgate.model.operator import Operator
from mailgate.store import tables
from mailgate.store.locks import FileLock
from mailgate.store.objects import Folder, Objects
from mailgate.store.sqlite import damage, library
from mailgate.tickets.seal import Seal

DATABASE, MANIFEST, RAW = "mailgate.db", "manifest.json", "raw"
ELSEWHERE = "store.url is a PostgreSQL, which has its own means: pg_basebackup or pgBackRest, see docs/operations.md"
COUNTED = (tables.tickets, tables.events, tables.messages, tables.raw_mails, tables.outbox_mails)
LEFT_BY_SQLITE = ("", "-wal", "-shm", "-journal")
_NAME = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: *files* and *missing* are names of large mails; *seal* is the last one it has, as shown."""

    made_at: str
    program: str
    schema: str
    counts: dict[str, int]
    database_sha256: str
    seal: str
    files: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def database_of(operator: Operator) -> Path:
    """The file of an SQLite store; Refused where ``store.url`` names another engine."""
    url = make_url(operator.store.url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise Refused(ELSEWHERE)
    return Path(url.database)


def backup(database: Path, objects: Objects, folder: Path, program: str, now: datetime) -> tuple[Path, Manifest]:
    """Make a backup below *folder*: where it is, and what it holds. Refused where the database is damaged.

    Large mails that no backup names any more are removed: so a backup is thrown away by removing its folder.
    """
    make_durably(folder)
    lock = FileLock(folder / "lock")
    with closing(lock):
        if not lock.take(0):
            raise Refused(f"another backup is being made in {folder}: wait for it")
        made = _backup(database, objects, folder, program, now)
        named = {name for each in _complete(folder) for name in read(each).files}
        kept = Folder(folder / RAW)
        for name in {name for name, _ in kept.kept()} - named:
            kept.remove(name)
        lock.free()
    return made


def _backup(database: Path, objects: Objects, folder: Path, program: str, now: datetime) -> tuple[Path, Manifest]:
    place = folder / f"{now:%Y%m%dT%H%M%SZ}"
    if place.exists():
        raise Refused(f"{place} is there already: wait a second")
    known = {name: digest for each in _complete(folder) for name, digest in read(each).files.items()}
    make_durably(place)
    copy = place / DATABASE
    _copy_database(database, copy)
    kept, files, missing = Folder(folder / RAW), dict[str, str](), list[str]()
    have = {name for name, _ in kept.kept()}
    with closing(_connected(copy)) as connection:
        for (name,) in connection.execute("SELECT location FROM raw_mails WHERE location IS NOT NULL"):
            try:
                files[name] = known[name] if name in known and name in have else _copy(objects, kept, name, have)
            except GiveUp:
                missing.append(name)
        _bury(objects, kept)
        manifest = Manifest(
            made_at=now.isoformat(),
            program=program,
            schema=_value(connection, "SELECT version_num FROM alembic_version"),
            counts={table.name: _value(connection, str(select(func.count()).select_from(table))) for table in COUNTED},
            database_sha256=_digest(copy),
            seal=_last_seal(connection),
            files=files,
            missing=tuple(missing),
        )
    _write(place / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
    return place, manifest


def _copy_database(database: Path, copy: Path) -> None:
    """One moment of it. Nobody who writes waits where SQLite has a write-ahead log (R16 says where it has none)."""
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(_connected(database, live=True)) as source, closing(library().connect(str(copy))) as target:
        source.backup(target)  # in one step: it would begin anew with every mail that another process takes meanwhile
        target.execute("PRAGMA journal_mode=DELETE")  # so that all of it is in one file
    _sync_file(copy)
    with closing(_connected(copy)) as connection:
        if found := damage(connection):
            raise Refused(f"{database} is damaged ({found[0]}): keep the backups there are, and restore the last")


def _copy(objects: Objects, kept: Folder, name: str, have: set[str]) -> str:
    """Copy a large mail where it is not there yet; its digest. GiveUp where it is lost."""
    content = kept.read(name) if name in have else objects.read(name)
    if name not in have:
        _put(kept, name, content)
    return hashlib.sha256(content).hexdigest()


def _put(objects: Objects, name: str, content: bytes) -> None:
    incoming = objects.begin()
    incoming.write(content)
    incoming.finish(name)


def _bury(source: Objects, target: Objects) -> None:
    """Bring what tells of erasures from one to the other."""
    for name in set(source.buried()).difference(target.buried()):
        target.bury(name)


# -------------------------------------------------------------------- the way back


def newest(folder: Path) -> Path:
    """The last complete backup below *folder*, or *folder* itself where it is one. Refused where there is none."""
    if (folder / MANIFEST).is_file():
        return folder
    found = _complete(folder)
    if not found:
        raise Refused(f"{folder} has no complete backup: a complete one has a {MANIFEST}")
    return found[-1]


def read(place: Path) -> Manifest:
    """The manifest of the backup in *place*; Refused where it is none."""
    try:
        said = json.loads((place / MANIFEST).read_bytes())
        return Manifest(**{**said, "missing": tuple(said["missing"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Refused(f"{place / MANIFEST} is not the manifest of a backup") from error


def restore_database(place: Path, manifest: Manifest, database: Path) -> None:
    """Put the copy where ``store.url`` says. Refused where something is there, or the copy is not what was made."""
    for each in (database.with_name(database.name + suffix) for suffix in LEFT_BY_SQLITE):
        if each.exists():
            raise Refused(f"{each} is there: stop the gateway and move it away; nothing is ever overwritten")
    copy = place / DATABASE
    if _digest(copy) != manifest.database_sha256:
        raise Refused(f"{copy} is not what was made by the backup: take an older one")
    make_durably(database.parent)
    part = database.with_name(database.name + ".restoring")
    shutil.copyfile(copy, part)
    part.chmod(0o600)
    _sync_file(part)
    if _digest(part) != manifest.database_sha256:
        raise Refused(f"{part} did not become what {copy} is: is the disk sound?")
    part.rename(database)
    sync(database.parent)


def restore_objects(place: Path, manifest: Manifest, objects: Objects) -> Iterator[str]:
    """Put every large mail that is not there yet where ``store.raw`` says; those that are damaged or lost, by name."""
    kept, there = Folder(place.parent / RAW), {name for name, _ in objects.kept()}
    yield from manifest.missing
    _bury(kept, objects)  # those of later backups, too
    for name, digest in manifest.files.items():
        if name in there:
            continue
        try:
            content = kept.read(name)
        except GiveUp:
            yield name
            continue
        if hashlib.sha256(content).hexdigest() == digest:
            _put(objects, name, content)
        else:
            yield name


# -------------------------------------------------------------------- files


def _complete(folder: Path) -> list[Path]:
    """The backups below *folder* that were finished, the oldest first."""
    with suppress(FileNotFoundError):
        return sorted(each for each in folder.iterdir() if _NAME.fullmatch(each.name) and (each / MANIFEST).is_file())
    return []


def _connected(file: Path, *, live: bool = False) -> Any:
    """A connection that changes nothing; to a file that nobody else has open, unless it is *live*."""
    mode = "mode=ro" if live else "mode=ro&immutable=1"
    return library().connect(f"{file.absolute().as_uri()}?{mode}", uri=True, timeout=20)


def _value(connection: Any, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def _last_seal(connection: Any) -> str:
    query = "SELECT number, at, key, tickets, forgotten, seal FROM seals ORDER BY number DESC LIMIT 1"
    found = connection.execute(query).fetchone()
    return str(Seal(*found)) if found else ""


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise Refused(f"{file} is missing: take another backup") from error


def _sync_file(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


def _write(file: Path, content: bytes) -> None:
    """Whole and durable, or not there."""
    part = file.with_name(file.name + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    part.rename(file)
    sync(file.parent)
