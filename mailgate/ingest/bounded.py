"""Reading a large mail in a process of its own, so that one that costs too much ends that process alone (E92, G6).

A small mail cannot cost much: the limits of R11 and R12 hold while it is read. Its result comes back as JSON, which
unlike a pickle cannot make us do anything, whatever became of the process that read it.
"""

import logging
import resource
import subprocess
import sys

from pydantic import TypeAdapter

from mailgate.errors import GiveUp
from mailgate.ingest.parse import parse
from mailgate.model.message import Message
from mailgate.model.work import TextKeys

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it writes a stack trace where a mail is odd

LARGE = 4 * 1024**2
CPU_SECONDS = 10
MEMORY_BYTES = 512 * 1024**2
WAIT_SECONDS = 60.0  # by the clock, on a machine that has other things to do
READER = (sys.executable, "-m", "mailgate.ingest.bounded")

_MESSAGE = TypeAdapter(Message)
_WORDS = TypeAdapter(tuple[TextKeys, tuple[str, ...]])


class Unreadable(GiveUp):
    """A mail that cannot be read; its sentence is for the team."""


def read(raw: bytes, text: TextKeys | None = None, markings: tuple[str, ...] = ()) -> Message:
    """What `parse` makes of *raw*, within limits of time and memory.

    Raises Unreadable where it takes more, or where reading it met a bug of ours.
    """
    words = (text or TextKeys(), markings)
    message = parse(raw, *words) if len(raw) < LARGE else _read_apart(raw, words)
    if "unreadable" in message.defects:
        raise Unreadable(f"reading this mail failed ({message.defects[-1]}): look at its raw form")
    return message


def _read_apart(raw: bytes, words: tuple[TextKeys, tuple[str, ...]]) -> Message:
    command = [*READER, _WORDS.dump_json(words).decode()]
    try:
        done = subprocess.run(command, input=raw, capture_output=True, timeout=WAIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"reading this mail took more than {WAIT_SECONDS:.0f} seconds: look at its raw form") from None
    if done.returncode:
        limits = f"{CPU_SECONDS} seconds or {MEMORY_BYTES // 1024**2} MiB"
        raise Unreadable(f"reading this mail took more than {limits}: look at its raw form")
    return _MESSAGE.validate_json(done.stdout)


def main() -> None:
    """The process that reads one mail from standard input, given the words that count for nothing as its argument."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    message = parse(sys.stdin.buffer.read(), *_WORDS.validate_json(sys.argv[1]))
    if "MemoryError" in message.defects:
        raise SystemExit(1)
    sys.stdout.buffer.write(_MESSAGE.dump_json(message))


if __name__ == "__main__":
    main()
