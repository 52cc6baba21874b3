"""File systems that a recipe mounts for itself, and unmounts afterwards."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FUSE_MISSING = "FUSE is not installed: make services"
NOT_ALLOWED = "mounting needs root, and a machine that allows it"


class NotHere(Exception):
    """This machine cannot run the recipe; the sentence says what it lacks."""


@dataclass(frozen=True)
class PowerCutDisk:
    """The file system of ``prove.disk``, mounted at *path*."""

    path: Path

    def boot(self, number: int) -> Path:
        """Where its files are for the programs of one boot."""
        return self.path / f"boot{number}"

    def cut_at(self, operation: int) -> None:
        """Cut the power at that operation from now on; never, for 0."""
        os.setxattr(self.path, "user.cut", str(operation).encode())

    def is_cut(self) -> bool:
        return bool(json.loads(os.getxattr(self.path, "user.state"))["cut"])

    def restore(self, seed: int | None = None) -> None:
        """Power is back; with *seed*, a part of what had not been synced is there as well."""
        os.setxattr(self.path, "user.restore", b"" if seed is None else str(seed).encode())


@contextmanager
def power_cut_disk(path: Path) -> Iterator[PowerCutDisk]:
    if not shutil.which("fusermount3") or importlib.util.find_spec("mfusepy") is None:
        raise NotHere(FUSE_MISSING)
    path.mkdir()
    command = [sys.executable, "-m", "prove.disk", str(path)]
    serving = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        while not path.is_mount():
            if serving.poll() is not None or time.monotonic() > deadline:
                raise NotHere(NOT_ALLOWED)
            time.sleep(0.02)
        yield PowerCutDisk(path)
    finally:
        subprocess.run(["fusermount3", "-u", "-z", path], check=False, capture_output=True)
        try:
            serving.wait(10)
        except subprocess.TimeoutExpired:
            serving.kill()


@contextmanager
def small_disk(path: Path, options: str) -> Iterator[Path]:
    """A tmpfs with *options*, such as size=64m."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        raise NotHere(NOT_ALLOWED)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=False, capture_output=True)
