"""The senders: what they hand over, how often they try, and what they heard, synced before they go on."""

import asyncio
import base64
import itertools
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

MAILBOX = "northmere.enforcement@justice.example"
RETRY_SECONDS = 0.05
ANSWER_SECONDS = 40.0
PATIENCE_SECONDS = 300.0

Door = tuple[str, int]
"""Where a gateway listens: address and port."""


class Ledger:
    """One line for each answer: when, about which canary, and the code; "lost" where no answer came."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "a")  # noqa: SIM115 (open as long as the run)
        self._lock = threading.Lock()
        self.heard: dict[int, list[str]] = {}
        self.last_taken_at = float("-inf")  # by the monotonic clock

    def note(self, canary: int, code: str) -> None:
        with self._lock:
            if code == "250":
                self.last_taken_at = time.monotonic()
            self.heard.setdefault(canary, []).append(code)
            self._file.write(f"{time.time():.3f} {canary} {code}\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def taken(self) -> set[int]:
        """The canaries about which somebody heard 250."""
        return {canary for canary, codes in self.heard.items() if "250" in codes}

    def answers(self) -> int:
        return sum(map(len, self.heard.values()))


def address(canary: int) -> str:
    return f"person{canary}@justice.example"


def mail(canary: int, size: int = 2000) -> bytes:
    """The same bytes for the same canary: at least *size*, most of it an attachment, none like another mail's."""
    attached = base64.encodebytes(random.Random(canary).randbytes(size * 57 // 78)).replace(b"\n", b"\r\n")
    lines = [
        f"From: <{address(canary)}>",
        f"To: <{MAILBOX}>",
        f"Subject: Request canary{canary}x",
        f"Message-ID: <canary{canary}x@justice.example>",
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=part",
        "",
        "--part",
        "Content-Type: text/plain",
        "",
        f"Please help me with matter number {canary}.",
        ".",
        "--part",
        "Content-Type: application/octet-stream",
        f"Content-Disposition: attachment; filename=matter{canary}.bin",
        "Content-Transfer-Encoding: base64",
        "",
    ]
    return "".join(line + "\r\n" for line in lines).encode() + attached + b"--part--\r\n"


class Load:
    """Clients in a thread of their own: each hands over one mail after the other and, as an MTA does, sends
    again what was put off or got no answer, until it is taken, refused for good, or its patience ends.

    *mails*: how many there are, endless where None. *rate*: mails a second, of all clients together. Every
    *large_every*-th mail has *large* bytes. *doors*, instead of a *port* of this machine: several gateways, of which
    each client takes the next for every try. ``taken_at`` counts the mails that each door has taken.
    """

    def __init__(
        self,
        port: int,
        ledger: Ledger,
        *,
        doors: Sequence[Door] = (),
        clients: int = 8,
        rate: float | None = 50.0,
        mails: int | None = None,
        large_every: int = 0,
        large: int = 400_000,
        patience_seconds: float = PATIENCE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        first: int | None = None,
    ) -> None:
        self._doors = doors or [("127.0.0.1", port)]
        self._answer_seconds = answer_seconds
        self.taken_at = Counter[Door]()
        self._ledger = ledger
        self._clients = clients
        self._pause = clients / rate if rate else 0.0
        start = max(ledger.heard, default=0) + 1 if first is None else first
        self._canaries: Iterator[int] = iter(range(start, start + mails)) if mails else itertools.count(start)
        self._large_every, self._large = large_every, large
        self._patience = patience_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load", daemon=True)

    def start(self) -> "Load":
        self._thread.start()
        return self

    def finish(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until every mail was handed over."""
        if not self.is_finished_within(seconds):
            raise RuntimeError(f"the senders were not done after {seconds:g} seconds")

    def is_finished_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Each client finishes the mail it is at."""
        self._stopping.set()
        self.finish(seconds)

    def bytes_of(self, canary: int) -> bytes:
        is_large = self._large_every and canary % self._large_every == 0
        return mail(canary, self._large) if is_large else mail(canary)

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self._clients)))

    async def _client(self, number: int) -> None:
        first = number % len(self._doors)
        connection = Connection([*self._doors[first:], *self._doors[:first]], self._answer_seconds)
        for canary in self._canaries:
            if self._stopping.is_set():
                break
            begun = time.monotonic()
            raw = self.bytes_of(canary)
            while True:
                code = await connection.deliver(address(canary), raw)
                self._ledger.note(canary, code)
                self.taken_at[connection.door] += code == "250"
                connection.turn()
                if code[0] in "25" or time.monotonic() - begun > self._patience:
                    break
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(max(0.0, self._pause - (time.monotonic() - begun)))
        connection.close()


class Connection:
    """One client's connection, made when it is needed; after anything but success it is given up."""

    def __init__(self, doors: Sequence[Door], answer_seconds: float) -> None:
        self._doors = itertools.cycle(doors)
        self._answer_seconds = answer_seconds
        self.door = next(self._doors)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def turn(self) -> None:
        """To the next door, where there is another."""
        before, self.door = self.door, next(self._doors)
        if self.door != before:
            self.close()

    async def deliver(self, sender: str, raw: bytes) -> str:
        """The code of the answer that decided; "lost" where none came."""
        try:
            code = await asyncio.wait_for(self._deliver(sender, raw), self._answer_seconds)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            code = "lost"
        if code != "250":
            self.close()
        return code

    async def _deliver(self, sender: str, raw: bytes) -> str:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self.door)
            if (code := await self._reply()) != "220":
                return code
            self._streams[1].write(b"EHLO sender.example\r\n")
            if (code := await self._reply()) != "250":
                return code
        writer = self._streams[1]
        writer.write(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{MAILBOX}>\r\nDATA\r\n".encode())
        for wanted in ("250", "250", "354"):
            if (code := await self._reply()) != wanted:
                return code
        writer.write(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        await writer.drain()
        return await self._reply()

    async def _reply(self) -> str:
        assert self._streams
        line = b"   -"
        while line[3:4] == b"-":
            line = await self._streams[0].readuntil(b"\n")
        return line[:3].decode("ascii")

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
