"""Inside a gateway that was started under libfiu: makes its Nth call for reading, writing, syncing or renaming fail.

Counted are the calls made on behalf of the store, the outgoing mail and the log: not those of the sockets, whose
failures are the network's. The calls are told apart by the line of mailgate that made them.
"""

import ctypes
import faulthandler
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

TRANSFERS = ("read", "pread", "readv", "preadv", "write", "pwrite", "writev", "pwritev", "truncate", "ftruncate")
OTHERS = ("sync/fsync", "sync/fdatasync", "dir/rename", "dir/unlink", "oc/open")
POINTS = [f"posix/io/{name}".encode() for name in (*(f"rw/{name}" for name in TRANSFERS), *OTHERS)]
OURS = ("/mailgate/store/", "/mailgate/notify/", "/mailgate/journal.py")
ONCE = 1  # libfiu's FIU_ONETIME
MODULES = ("fiu_posix_preload.so", "fiu_run_preload.so")
PRELOAD = ":".join(str(path) for name in MODULES for path in Path("/usr/lib").glob(f"fiu/{name}"))
MISSING = "libfiu is not installed: make services"

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p
)


class Switch:
    """The state of the experiment: which call is to fail, and what was seen."""

    def __init__(self) -> None:
        self.fail_at = 0
        self.only = ""
        self.errno = 0
        self.calls = 0
        self.sites: set[str] = set()
        self.failed = ""
        self.callback = _Callback(self._decide)
        fiu = ctypes.CDLL("libfiu.so.0")
        for point in POINTS:
            fiu.fiu_enable_external(point, -1, None, 0, self.callback)

    def _decide(self, name: bytes, _failnum: Any, failinfo: Any, _flags: Any) -> int:
        if not self.fail_at:
            return 0
        site = site_of(sys._getframe(1))
        if site is None:
            return 0
        called = f"{name.decode()} {site}"
        self.sites.add(called)
        if self.only and self.only != called:
            return 0
        self.calls += 1
        if self.calls != self.fail_at:
            return 0
        failinfo[0] = self.errno
        self.failed = called
        return 1


def site_of(frame: FrameType | None) -> str | None:
    """The nearest line of mailgate above *frame*, where it works for the store, the outgoing mail or the log."""
    nearest, is_ours = None, False
    if frame is not None and "/asyncio/" in frame.f_code.co_filename:
        return None  # it wakes the event loop, by a descriptor that is no file
    while frame is not None:
        name = frame.f_code.co_filename
        if "/mailgate/" in name and "site-packages" not in name:
            nearest = nearest or f"{name.rpartition('/mailgate/')[2]}:{frame.f_lineno}"
            is_ours = is_ours or any(part in name for part in OURS)
        frame = frame.f_back
    return nearest if is_ours else None


def serve(control: Path) -> None:
    """Take commands such as {"fail": 7, "errno": 5, "site": ""} on the socket *control*; answer what was seen."""
    faulthandler.register(signal.SIGUSR1)  # says into the log where every thread is, should it ever stand still
    switch = Switch()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    control.unlink(missing_ok=True)
    listener.bind(str(control))
    threading.Thread(target=_listen, args=(listener, switch), name="failing", daemon=True).start()


def _listen(listener: socket.socket, switch: Switch) -> None:
    while True:
        message, sender = listener.recvfrom(4096)
        command = json.loads(message)
        seen = {"calls": switch.calls, "sites": sorted(switch.sites), "failed": switch.failed}
        switch.fail_at = 0
        switch.calls, switch.failed = 0, ""
        switch.sites.clear()
        switch.only, switch.errno, switch.fail_at = command["site"], command["errno"], command["fail"]
        listener.sendto(json.dumps(seen).encode(), sender)


def tell(control: Path, fail: int, errno: int, site: str = "") -> dict[str, Any]:
    """From outside: let the call number *fail* from now on, counting only those of *site* if it is given, fail with
    *errno* (0: none will); what was seen before.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        mine = control.with_name(f"{control.name}.{os.getpid()}")
        mine.unlink(missing_ok=True)
        speaker.bind(str(mine))
        speaker.settimeout(10)
        speaker.sendto(json.dumps({"fail": fail, "errno": errno, "site": site}).encode(), str(control))
        answer: dict[str, Any] = json.loads(speaker.recv(262144))
        mine.unlink()
        return answer
