"""F9: a great many hostile mails are read: none may break the reading, take long, or become what no store can hold."""

import dataclasses
import email
import email.policy
import faulthandler
import hashlib
import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from mailgate.ingest import parse as reader
from mailgate.model.message import Message
from mailgate.model.work import TextKeys
from prove import hostile
from prove.outcome import Outcome

GROUP = 500  # mails that one process reads in a row
STUCK_SECONDS = 120  # for a group of mails
SLOW_SECONDS = 1.0  # K8: no single mail, however hostile
P99_SECONDS = 0.010
MEMORY_MIB = 256
SIZES = {"under 1 KiB": 2**10, "to 4 KiB": 2**12, "to 16 KiB": 2**14, "to 64 KiB": 2**16, "to 4 MiB": 2**23}
AT_MOST = ("µs of CPU for half of them", "µs for 99 %", "µs for the slowest", "MiB a process")


@dataclass
class Group:
    """What the reading of some mails came to; *broken* names the mails by what went wrong."""

    seconds: list[float] = field(default_factory=list)
    sizes: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[int]] = field(default_factory=dict)
    memory_mib: int = 0


def mails(folder: Path, seed: int, count: int, *, spoilt: bool = False) -> Outcome:
    """Read *count* mails in as many processes as there are cores; those that broke something are kept in *folder*.

    *spoilt*: by the standard library as one would use it, which must be found out (R10).
    """
    first = seed * 10**6
    starts = range(first, first + count, GROUP)
    context = multiprocessing.get_context("spawn")  # memory is that of a process which does nothing else
    try:
        with ProcessPoolExecutor(os.cpu_count(), context) as processes:
            groups = list(processes.map(_read_group, starts, [min(GROUP, count)] * len(starts), [spoilt] * len(starts)))
    except BrokenProcessPool:
        return Outcome({}, [f"a process died, or stood still for {STUCK_SECONDS} s: its stack is above"])
    times = sorted(seconds for group in groups for seconds in group.seconds)
    sizes = sum((group.sizes for group in groups), Counter[str]())
    p99, memory = times[len(times) * 99 // 100], max(group.memory_mib for group in groups)
    found = list(_told(groups, folder))
    if p99 > P99_SECONDS:
        found.append(f"one mail in a hundred took more than {p99 * 1000:.1f} ms")
    if memory > MEMORY_MIB:
        found.append(f"a process took {memory} MiB")
    at_most = (*(round(seconds * 1e6) for seconds in (times[len(times) // 2], p99, times[-1])), memory)
    counts = {name: sizes[name] for name in SIZES} | dict(zip(AT_MOST, at_most, strict=True))
    return Outcome({"mails": len(times), **counts}, found)


def problems_of(raw: bytes, message: Message) -> Iterator[str]:
    """What is wrong with the *message* that *raw* became; nothing, where the reading kept its promises."""
    if "unreadable" in message.defects:
        yield _why_unreadable(raw)
    for name, text in _texts(message, "message"):
        if "\0" in text:
            yield f"{name} holds a NUL"
        if not text.isascii() and not _is_unicode(text):
            yield f"{name} holds half a character"
    for file in message.attachments[:3]:
        if hashlib.sha256(reader.attachment_bytes(raw, file.part)).hexdigest() != file.sha256:
            yield "an attachment is not the one that was read"


def problems_of_the_library(raw: bytes, _: Message) -> Iterator[str]:
    """The same of the standard library (R10)."""
    try:
        found = email.message_from_bytes(raw, policy=email.policy.default)
        for name in found:
            str(found[name])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        yield type(error).__name__


def _read_group(start: int, count: int, spoilt: bool) -> Group:
    group, known = Group(), hostile.seeds()
    problems = problems_of_the_library if spoilt else problems_of
    faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
    for number in range(start, start + count):
        raw = mail(number, known)
        began = time.thread_time()
        message = reader.parse(raw)
        taken = time.thread_time() - began
        group.seconds.append(taken)
        group.sizes[next(name for name, size in SIZES.items() if len(raw) <= size)] += 1
        for problem in [*problems(raw, message), *([f"over {SLOW_SECONDS:g} s"] if taken > SLOW_SECONDS else [])]:
            group.broken.setdefault(problem, []).append(number)
    faulthandler.cancel_dump_traceback_later()
    group.memory_mib = _most_memory_mib()
    return group


def _most_memory_mib() -> int:
    """The most that this process has held; ``ru_maxrss`` would begin with what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def mail(number: int, known: list[bytes]) -> bytes:
    """The fuzzed mail of that number."""
    return hostile.made(Random(number), known, large=number % hostile.LARGE_EVERY == 0)


def _told(groups: list[Group], folder: Path) -> Iterator[str]:
    """Each thing that went wrong once, with the file of the first mail."""
    broken: dict[str, list[int]] = {}
    for group in groups:
        for problem, numbers in group.broken.items():
            broken.setdefault(problem, []).extend(numbers)
    known = hostile.seeds()
    for problem, numbers in broken.items():
        file = folder / f"{numbers[0]}.eml"
        file.write_bytes(mail(numbers[0], known))
        yield f"{len(numbers)} mails, such as {file.name}: {problem}"


def _why_unreadable(raw: bytes) -> str:
    """The exception behind the defect, and the line of ours where it began."""
    try:
        vars(reader)["_parse"](raw, TextKeys(), ())
    except Exception as error:  # noqa: BLE001 - it is the one that ``parse`` caught
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if "/mailgate/" in frame.filename]
        where = f"{lines[-1].filename.rpartition('/mailgate/')[2]}:{lines[-1].lineno}"
        return f"unreadable: {type(error).__name__} at {where}"
    return "unreadable once, and then not"


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every text in a Message, with the name of its field."""
    if isinstance(value, str):
        yield name, value
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from _texts(getattr(value, each.name), each.name)
    elif isinstance(value, Mapping):
        for key, values in value.items():
            yield from _texts((key, values), name)
    elif isinstance(value, tuple | frozenset):
        for each in value:
            yield from _texts(each, name)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
