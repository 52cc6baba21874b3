"""How much room the store's disks have left."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

from mailgate.model.operator import Operator

LOOK_AGAIN_SECONDS = 1.0


def folders_of(operator: Operator) -> list[Path]:
    """Where mail is written on this machine: large ones in a folder, all others in the database if it is a file."""
    url, raw = make_url(operator.store.url), operator.store.raw
    database = [Path(url.database).parent] if url.get_backend_name() == "sqlite" and url.database else []
    return [*database, *([Path(raw)] if "://" not in raw else [])]


class FreeSpace:
    """The bytes that are left where there are fewest, looked up no more than once a second; 0 on a broken disk."""

    def __init__(self, folders: Sequence[Path], seconds: Callable[[], float] = time.monotonic) -> None:
        self._folders = [folder.absolute() for folder in folders]
        self._seconds = seconds
        self._looked_at = float("-inf")
        self._bytes = 0

    def __call__(self) -> int:
        now = self._seconds()
        if now - self._looked_at >= LOOK_AGAIN_SECONDS:
            self._looked_at = now
            self._bytes = min(map(_left, self._folders), default=2**62)
        return self._bytes


def _left(folder: Path) -> int:
    """What is left where *folder* is or, as long as it does not exist, will be."""
    for path in (folder, *folder.parents):
        try:
            found = os.statvfs(path)
        except FileNotFoundError:
            continue
        except OSError:
            return 0
        return found.f_bavail * found.f_frsize
    return 0
