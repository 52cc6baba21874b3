"""A client that hands mails over as fast as the server takes them.

``python -m bench.load HOST PORT SESSIONS COUNT SEED [--new] [--size=BYTES]`` makes its mails first, waits for a line
on standard input, sends, and prints one JSON object: seconds, mails accepted, mails refused. Each session keeps its
connection (``--new``: one connection a mail; ``--size``: mails that large) and pipelines where the server offers it.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from email.parser import BytesHeaderParser

import uvloop

from bench.mails import mails, padded

Ready = tuple[bytes, bytes]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter, bool]


def prepared(count: int, seed: int, size: int = 0) -> deque[Ready]:
    """The envelope commands and the data of each mail, ready for the wire."""
    ready: deque[Ready] = deque()
    for raw in padded(mails(count, seed), size):
        headers = BytesHeaderParser().parsebytes(raw, headersonly=True)
        sender = headers["From"].rpartition("<")[2].rstrip(">")
        commands = f"MAIL FROM:<{sender}>\r\nRCPT TO:<{headers['To']}>\r\nDATA\r\n".encode()
        ready.append((commands, raw.replace(b"\r\n.", b"\r\n..").removesuffix(b"\r\n") + b"\r\n.\r\n"))
    return ready


async def _reply(reader: asyncio.StreamReader) -> bytes:
    while True:
        line = await reader.readline()
        if line[3:4] != b"-":
            return line


async def greeted(host: str, port: int) -> Connection:
    """A connection after EHLO, and whether the server lets commands be pipelined."""
    reader, writer = await asyncio.open_connection(host, port)
    await _reply(reader)
    writer.write(b"EHLO load.example\r\n")
    offers = []
    while not offers or offers[-1][3:4] == b"-":
        offers.append(await reader.readline())
    return reader, writer, any(b"PIPELINING" in offer for offer in offers)


async def handed_over(connection: Connection, mail: Ready) -> bytes:
    """The server's last reply to *mail*."""
    reader, writer, pipelining = connection
    commands, data = mail
    if pipelining:
        writer.write(commands)
        replies = [await _reply(reader) for _ in range(3)]
    else:
        replies = []
        for command in commands.splitlines(keepends=True):
            writer.write(command)
            replies.append(await _reply(reader))
    if replies[-1].startswith(b"354"):
        writer.write(data)
        replies.append(await _reply(reader))
    return replies[-1]


async def _session(host: str, port: int, ready: deque[Ready], codes: Counter[str], fresh: bool) -> None:
    connection = None
    while ready:
        mail = ready.popleft()
        if connection is None or fresh:
            if connection:
                connection[1].write(b"QUIT\r\n")
                connection[1].close()
            connection = await greeted(host, port)
        codes[(await handed_over(connection, mail))[:3].decode()] += 1
    if connection:
        connection[1].close()


async def _run(host: str, port: int, sessions: int, ready: deque[Ready], fresh: bool) -> Counter[str]:
    codes: Counter[str] = Counter()
    await asyncio.gather(*(_session(host, port, ready, codes, fresh) for _ in range(sessions)))
    return codes


def main() -> None:
    host, port, sessions, count, seed = sys.argv[1], *(int(value) for value in sys.argv[2:6])
    size = next((int(word.partition("=")[2]) for word in sys.argv if word.startswith("--size=")), 0)
    ready = prepared(count, seed, size)
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.perf_counter()
    codes = uvloop.run(_run(host, port, sessions, ready, "--new" in sys.argv))
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "accepted": codes["250"], "codes": codes}))


if __name__ == "__main__":
    main()
