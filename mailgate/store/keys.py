"""The keys that sign our tokens: files that only we may read, made at the first start (E223, E225).

The key with the id "a" is the file ``ka``: 32 bytes as 64 hexadecimal digits. A new key is the
next letter; the last one signs, the older ones still verify for a time, which the new file's age tells.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from mailgate.errors import Refused
from mailgate.folders import make_durably, sync

KEY_BYTES = 32
FIRST = "ka"
_NAME = re.compile(r"k([a-z])")


def load_keys(folder: Path) -> tuple[dict[str, bytes], str]:
    """The keys by their id, and the id of the one that signs; a first one is made where there is none."""
    try:
        make_durably(folder)
        if not any(_key_files(folder)):
            _make(folder / FIRST)
        keys = {key_id: _read(path) for key_id, path in _key_files(folder)}
    except OSError as error:
        raise Refused(f"the keys in {folder} cannot be used ({error.strerror}): check keys and who owns it") from error
    return keys, max(keys)


def known_keys(folder: Path) -> dict[str, bytes]:
    """The keys by their id, none where there are none: nothing is made."""
    return load_keys(folder)[0] if folder.is_dir() and any(_key_files(folder)) else {}


def retirements(folder: Path) -> dict[str, datetime]:
    """When each key but the last was followed by the next one: when that one's file was written (E225)."""
    at = written(folder)
    return {key_id: at[following] for key_id, following in pairwise(at)}


def written(folder: Path) -> dict[str, datetime]:
    """When the file of each key was written, in the order of their letters."""
    return {key_id: datetime.fromtimestamp(path.stat().st_mtime, UTC) for key_id, path in _key_files(folder)}


def _key_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        if found := _NAME.fullmatch(path.name):
            yield found[1], path


def _make(path: Path) -> None:
    """Write a new key so that it is either whole and durable or not there."""
    half_made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(half_made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_hex(KEY_BYTES).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(half_made, path)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        half_made.unlink()
    sync(path.parent)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise Refused(f"others may read the key {path}: run chmod 600 {path}")
        text = file.read(2 * KEY_BYTES + 2).strip()
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise Refused(f"{path} is not a key: it must hold {2 * KEY_BYTES} hexadecimal digits")
    return key
