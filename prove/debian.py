"""A fresh Debian with a systemd of its own, in namespaces of this machine and with its network."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prove.mounts import NOT_ALLOWED, NotHere

RELEASE = "bookworm"
OF_THIS_MACHINE = ("/etc/resolv.conf", "/etc/pip.conf", "/usr/local/share/ca-certificates")  # how it reaches packages
# Not chroot: the unit's PrivateUsers needs a root that is the root of a mount.
BOOT = """
mount --bind "$0" "$0"; cd "$0"
mount -t proc proc proc; mount -t sysfs -o ro sysfs sys; mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs tmp; mount -t tmpfs -o mode=755 tmpfs dev
for each in null zero full random urandom tty; do touch dev/$each; mount --bind /dev/$each dev/$each; done
mkdir dev/pts dev/shm; mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; ln -s pts/ptmx dev/ptmx
pivot_root . mnt
exec env -i container=prove PATH="$PATH" sh -c 'cd /; umount -l /mnt; exec /lib/systemd/systemd --show-status=no'
"""
APART = ("--mount", "--uts", "--ipc", "--pid", "--cgroup")
ENVIRONMENT = ("HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "DEBIAN_FRONTEND=noninteractive")


@dataclass(frozen=True)
class Debian:
    """*root* is its root as seen from here, *init* its first process."""

    root: Path
    init: int

    def run(self, command: str, seconds: float = 900) -> "subprocess.CompletedProcess[str]":
        """What *command* says when root types it there; what ends it is no exception."""
        there = ["nsenter", f"--target={self.init}", *APART]
        shell = ["env", "--ignore-environment", "--chdir=/root", *ENVIRONMENT, "bash", "--login", "-c", command]
        return subprocess.run(
            [*there, *shell], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=seconds
        )


@contextmanager
def debian(folder: Path) -> Iterator[Debian]:
    """One in *folder*, with nothing installed but what boots."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        raise NotHere(NOT_ALLOWED)
    if not shutil.which("debootstrap"):
        raise NotHere("debootstrap is not installed: apt-get install debootstrap")
    root = folder / "debian"
    packages = "--include=systemd-sysv,dbus,ca-certificates"
    install = ["unshare", "--mount", "--propagation=private", "debootstrap", "--variant=minbase"]  # it mounts /proc
    subprocess.run([*install, packages, RELEASE, root], check=True, stdout=subprocess.DEVNULL)
    for path in filter(Path.exists, map(Path, OF_THIS_MACHINE)):
        copy = ["cp", "--recursive", "--no-target-directory", str(path), str(root / path.relative_to("/"))]
        subprocess.run(copy, check=True)
    (root / "etc/apt/apt.conf.d/yes").write_text('APT::Get::Assume-Yes "true";\n')
    subprocess.run(["chroot", root, "update-ca-certificates"], check=True, capture_output=True)
    apart = ["unshare", *APART, "--fork", "--kill-child", "sh", "-ec", BOOT]
    booting = subprocess.Popen([*apart, root], stdin=subprocess.DEVNULL)
    try:
        yield _booted(root, booting.pid)
    finally:
        booting.kill()
        booting.wait()


def _booted(root: Path, parent: int) -> Debian:
    for _ in range(100):
        time.sleep(0.2)
        init = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if init and Path(f"/proc/{init[0]}/comm").read_text() == "systemd\n":
            found = Debian(root, int(init[0]))
            if found.run("systemctl is-system-running --wait", 60).stdout.strip() in ("running", "degraded"):
                return found
    raise NotHere("systemd does not boot in a namespace of this machine")
