"""Runs a command as ``deploy/mailgate.service`` lets the gateway run; ``confined`` says how. Needs root.

Every file system is read-only but for one folder, no capability is left, only the system calls that are named may be
made, and no memory is both writable and executable. What is mounted ends with the command.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

EPERM = 1
SCMP_ACT_ALLOW, SCMP_ACT_EPERM = 0x7FFF0000, 0x00050000 | EPERM
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1  # Linux 6.3; an older one leaves this promise to systemd
NO_CAPABILITY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
OF_THE_KERNEL = ("/proc", "/sys", "/dev")


def confined(folder: Path, allowed: Iterable[str], *command: str) -> list[str]:
    """What runs *command* so that it can write to *folder* alone, and make the system calls *allowed* alone."""
    apart = ("unshare", "--mount", "--propagation", "private")
    return [*apart, sys.executable, __file__, "mount", str(folder), ",".join(allowed), *command]


def lock_file_systems(folder: str) -> None:
    """Make everything read-only but *folder*; called in a mount namespace of our own."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if (
            place != folder and not place.startswith(OF_THE_KERNEL) and not kind.startswith("fuse")
        ):  # its server may hang
            subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)


def lock_system_calls(allowed: list[str]) -> None:
    """Let only *allowed* through; one that this kernel or library does not know cannot be called anyway."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(SCMP_ACT_EPERM))
    for name in allowed:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, 0, None)
    if library.seccomp_load(context) != 0:
        sys.exit("the filter of system calls cannot be loaded")


def main(step: str, folder: str, allowed: str, *command: str) -> None:
    if step == "mount":
        lock_file_systems(folder)
        os.chdir(folder)
        os.execvp("setpriv", [*NO_CAPABILITY, sys.executable, __file__, "start", folder, allowed, *command])
    ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)
    lock_system_calls(allowed.split(","))
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
