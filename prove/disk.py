"""A disk that loses power: a file system in memory that knows what was synced, and what was only written.

``python -m prove.disk MOUNTPOINT`` serves it until it is unmounted. A file's bytes are durable after fsync of the file,
names after fsync of their directory, and a directory itself after fsync of the one it stands in. Nothing else is:
no real file system promises less. The first folder below the mount point names a boot, and the same files
are below each of them: after a cut, programs start with another one, so that the kernel remembers nothing.

Orders are extended attributes of the mount point: see ``Orders``.
"""

import ctypes
import errno
import json
import os
import random
import stat
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import mfusepy

SECTOR = 512
SHARED_MEMORY = "-shm"  # SQLite's index of its log: whoever comes first makes it anew, so the kernel may cache it


@dataclass(eq=False)
class File:
    mode: int
    data: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes]] = field(default_factory=list)
    links: int = 1


@dataclass(eq=False)
class Folder:
    mode: int
    names: dict[str, "Node"] = field(default_factory=dict)
    durable: dict[str, "Node"] = field(default_factory=dict)


Node = File | Folder


class Disk(mfusepy.Operations):  # type: ignore[misc]
    """Counts the operations that change something; from the one at which the power goes on, everything fails."""

    use_ns = True

    def __init__(self) -> None:
        self.root = Folder(stat.S_IFDIR | 0o755)
        self.open_files: dict[int, File] = {}
        self.last_handle = 0
        self.operations = 0
        self.cut_at = 0
        self.is_cut = False

    # ---- power

    def _alive(self, path: str) -> None:
        if self.is_cut and path.strip("/"):
            raise mfusepy.FuseOSError(errno.EIO)

    def _changing(self, path: str) -> None:
        self._alive(path)
        self.operations += 1
        if self.operations == self.cut_at:
            self.is_cut = True
            raise mfusepy.FuseOSError(errno.EIO)

    def restore(self, chance: random.Random | None) -> None:
        """Power is back: what was synced is there; with *chance* some of what was not, too, torn and out of order."""
        _restore(self.root, chance)
        self.is_cut, self.cut_at, self.operations = False, 0, 0

    # ---- orders

    def setxattr(self, path: str, name: str, value: bytes, options: int, position: int = 0) -> int:
        match name:
            case "user.cut":
                self.operations, self.cut_at = 0, int(value)
            case "user.restore":
                self.restore(random.Random(int(value)) if value else None)
            case "user.wipe":
                self.root = Folder(self.root.mode)
                self.restore(None)
            case _:
                raise mfusepy.FuseOSError(errno.ENOTSUP)
        return 0

    def getxattr(self, path: str, name: str, position: int = 0) -> bytes:
        if name != "user.state":
            raise mfusepy.FuseOSError(errno.ENODATA)
        return json.dumps({"cut": self.is_cut, "operations": self.operations}).encode()

    # ---- names

    def _node(self, path: str) -> Node:
        node: Node = self.root
        for name in steps(path):
            if not isinstance(node, Folder) or name not in node.names:
                raise mfusepy.FuseOSError(errno.ENOENT)
            node = node.names[name]
        return node

    def _place(self, path: str) -> tuple[Folder, str]:
        *above, name = steps(path)
        node = self._node("/".join(["boot", *above]))
        if not isinstance(node, Folder):
            raise mfusepy.FuseOSError(errno.ENOTDIR)
        return node, name

    def getattr(self, path: str, fh: Any = None) -> dict[str, Any]:
        self._alive(path)
        node = self._node(path)
        now = time.time_ns()
        times = {"st_atime": now, "st_mtime": now, "st_ctime": now}
        owner = {"st_uid": os.getuid(), "st_gid": os.getgid(), "st_mode": node.mode}
        if isinstance(node, Folder):
            return owner | times | {"st_nlink": 2, "st_size": 4096}
        blocks = (len(node.data) + SECTOR - 1) // SECTOR
        return owner | times | {"st_nlink": node.links, "st_size": len(node.data), "st_blocks": blocks}

    def readdir(self, path: str, fh: int) -> list[str]:
        self._alive(path)
        node = self._node(path)
        assert isinstance(node, Folder)
        return [".", "..", *node.names]

    def mkdir(self, path: str, mode: int) -> int:
        self._changing(path)
        folder, name = self._place(path)
        folder.names[name] = Folder(stat.S_IFDIR | mode)
        return 0

    def rmdir(self, path: str) -> int:
        self._changing(path)
        folder, name = self._place(path)
        del folder.names[name]
        return 0

    def unlink(self, path: str) -> int:
        if not path.endswith(SHARED_MEMORY):
            self._changing(path)
        folder, name = self._place(path)
        file = folder.names.pop(name)
        assert isinstance(file, File)
        file.links -= 1
        return 0

    def rename(self, old: str, new: str, *flags: int) -> int:
        self._changing(old)
        source, name = self._place(old)
        target, new_name = self._place(new)
        target.names[new_name] = source.names.pop(name)
        return 0

    def link(self, target: str, source: str) -> int:
        self._changing(target)
        folder, name = self._place(target)
        file = self._node(source)
        assert isinstance(file, File)
        folder.names[name] = file
        file.links += 1
        return 0

    def chmod(self, path: str, mode: int) -> int:
        self._alive(path)
        self._node(path).mode = mode
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        self._alive(path)
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        self._alive(path)
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        plenty = 2**24
        return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": plenty, "f_bfree": plenty, "f_bavail": plenty}

    # ---- files

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        if not path.endswith(SHARED_MEMORY):
            self._changing(path)
        folder, name = self._place(path)
        folder.names[name] = File(stat.S_IFREG | mode)
        return self.open(path, fi)

    def open(self, path: str, fi: Any) -> int:
        self._alive(path)
        node = self._node(path)
        assert isinstance(node, File)
        self.last_handle += 1
        self.open_files[self.last_handle] = node
        fi.fh = self.last_handle
        fi.direct_io = not path.endswith(SHARED_MEMORY)
        return 0

    def release(self, path: str, fi: Any) -> int:
        self.open_files.pop(fi.fh, None)
        return 0

    def read(self, path: str, size: int, offset: int, fi: Any) -> bytes:
        self._alive(path)
        return bytes(self.open_files[fi.fh].data[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fi: Any) -> int:
        if not path.endswith(SHARED_MEMORY):
            self._changing(path)
        file = self.open_files[fi.fh]
        _put(file.data, offset, data)
        file.unsynced.append((offset, data))
        return len(data)

    def truncate(self, path: str, length: int, fh: Any = None) -> int:
        if not path.endswith(SHARED_MEMORY):
            self._changing(path)
        file = self._node(path)
        assert isinstance(file, File)
        _cut_to(file.data, length)
        file.unsynced.append((length, b""))
        return 0

    def flush(self, path: str, fi: Any) -> int:
        return 0

    def fsync(self, path: str, datasync: int, fi: Any) -> int:
        self._changing(path)
        file = self.open_files[fi.fh]
        for offset, written in file.unsynced:  # copying all of it each time would take most of the time of a run
            if written:
                _put(file.durable, offset, written)
            else:
                _cut_to(file.durable, offset)
        file.unsynced.clear()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: Any) -> int:
        self._changing(path)
        folder = self._node(path)
        assert isinstance(folder, Folder)
        folder.durable = dict(folder.names)
        return 0


def steps(path: str) -> list[str]:
    """The names in *path* below the boot."""
    return [name for name in path.split("/") if name][1:]


def _put(data: bytearray, offset: int, written: bytes) -> None:
    data.extend(bytes(max(0, offset - len(data))))
    data[offset : offset + len(written)] = written


def _cut_to(data: bytearray, length: int) -> None:
    del data[length:]
    data.extend(bytes(length - len(data)))


def _restore(folder: Folder, chance: random.Random | None) -> None:
    if chance:
        _some_names(folder, chance)
    folder.names = dict(folder.durable)
    for node in folder.names.values():
        if isinstance(node, Folder):
            _restore(node, chance)
        else:
            _restore_file(node, chance)


def _some_names(folder: Folder, chance: random.Random) -> None:
    """Of the names that changed since the last fsync, any may have reached the disk."""
    for name in sorted(set(folder.names) ^ set(folder.durable)):
        if chance.random() < 0.5:
            if name in folder.names:
                folder.durable[name] = folder.names[name]
            else:
                del folder.durable[name]


def _restore_file(file: File, chance: random.Random | None) -> None:
    data = bytearray(file.durable)
    for offset, written in file.unsynced if chance else ():
        assert chance
        if not written:
            if chance.random() < 0.5:
                del data[offset:]
            continue
        for start in range(0, len(written), SECTOR):
            if chance.random() < 0.5:
                _put(data, offset + start, written[start : start + SECTOR])
    file.data, file.durable = data, bytearray(data)
    file.unsynced.clear()


def main() -> None:
    ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG: not without the recipe that began it
    options = {"attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0}
    mfusepy.FUSE(Disk(), sys.argv[1], raw_fi=True, foreground=True, nothreads=True, fsname="mailgate-prove", **options)


if __name__ == "__main__":
    main()
