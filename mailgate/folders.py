"""Folders that are still there after a power cut: a name is durable once the folder it stands in was synced."""

import os
from pathlib import Path


def make_durably(folder: Path) -> None:
    """Make *folder*, for our user alone, with the folders above it, each of them durable in its own."""
    if folder.is_dir():
        return
    make_durably(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync(folder.parent)


def sync(folder: Path) -> None:
    """Make the names in *folder* durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
