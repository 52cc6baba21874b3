"""Two nodes on this machine, each in a network namespace of its own: what breaks between them is real TCP, no proxy.

A node has two lines to us: the front, by which senders come, and the back, by which it reaches the database.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prove.mounts import NotHere

MISSING = "iproute2 is not installed: make services"
NOT_ALLOWED = "network namespaces need root, and a machine that allows them"
NOBODY = "02:00:00:00:00:01"  # a hardware address that no interface has: what is sent to it is dropped without a word
THIRD = 1 + secrets.randbelow(250)  # so that two runs on one machine seldom meet


@dataclass(frozen=True, slots=True)
class Line:
    """A pair of interfaces, ours and that of *namespace*; their addresses are of those for tests (RFC 2544)."""

    namespace: str
    name: str
    here: str
    there: str

    def lay(self) -> None:
        ours, theirs = self.name, f"{self.name}n"
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.namespace)
        _ip("address", "add", f"{self.here}/24", "dev", ours)
        _ip("address", "add", f"{self.there}/24", "dev", theirs, inside=self.namespace)
        _ip("link", "set", ours, "up")
        _ip("link", "set", theirs, "up", inside=self.namespace)

    def cut(self) -> None:
        """A partition: nothing goes either way. Without our end, what is for the node would go somewhere else."""
        _ip("link", "set", f"{self.name}n", "down", inside=self.namespace)

    def lose_what_goes_in(self) -> None:
        """What we send does not arrive; what the node sends does."""
        _ip("neighbour", "replace", self.there, "lladdr", NOBODY, "dev", self.name, "nud", "permanent")

    def lose_what_comes_out(self) -> None:
        theirs = f"{self.name}n"
        _ip(
            "neighbour",
            "replace",
            self.here,
            "lladdr",
            NOBODY,
            "dev",
            theirs,
            "nud",
            "permanent",
            inside=self.namespace,
        )

    def mend(self) -> None:
        _ip("link", "set", f"{self.name}n", "up", inside=self.namespace)
        for inside, far, device in (("", self.there, self.name), (self.namespace, self.here, f"{self.name}n")):
            _ip("neighbour", "flush", "to", far, "dev", device, "nud", "permanent", inside=inside)


@dataclass(frozen=True, slots=True)
class Network:
    """The lines of one node, and the command that runs another within its namespace."""

    front: Line
    back: Line

    @property
    def within(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.front.namespace)

    def mend(self) -> None:
        self.front.mend()
        self.back.mend()


@contextmanager
def network(number: int) -> Iterator[Network]:
    """A namespace and its lines, gone afterwards. NotHere where this machine makes none."""
    if not shutil.which("ip"):
        raise NotHere(MISSING)
    name = f"mg{os.getpid()}{'abcdefgh'[number]}"
    front, back = (
        Line(
            name,
            f"{name}{way}",
            f"198.{18 + lane}.{(THIRD + number) % 256}.1",
            f"198.{18 + lane}.{(THIRD + number) % 256}.2",
        )
        for lane, way in enumerate("fb")
    )
    try:
        _ip("netns", "add", name)
    except RuntimeError as error:
        raise NotHere(NOT_ALLOWED) from error
    try:
        _ip("link", "set", "lo", "up", inside=name)
        try:
            front.lay()
            back.lay()
        except RuntimeError as error:
            raise NotHere(NOT_ALLOWED) from error
        yield Network(front, back)
    finally:
        _ip("netns", "delete", name)  # its interfaces go with it, and ours with them


def _ip(*arguments: str, inside: str = "") -> None:
    command = ["ip", *(["-netns", inside] if inside else []), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
