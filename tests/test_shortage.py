"""What fails for want of memory where nobody would notice ends the process (F11)."""

import subprocess
import sys

import pytest

from mailgate.shortage import NO_MEMORY

PROGRAM = """
import asyncio, socket, sys, threading, uvloop
from mailgate.shortage import end_where_memory_is_gone

def fails():
    raise {error}

async def main():
    loop = asyncio.get_running_loop()
    end_where_memory_is_gone(loop)
    {what}
    await asyncio.sleep(0.2)

uvloop.run(main())
"""
CALLBACK = "loop.call_soon(fails)"
THREAD = "threading.Thread(target=fails).start()"
SESSION = """
    server = await loop.create_server(fails, "127.0.0.1", 0)
    await loop.run_in_executor(None, socket.create_connection, server.sockets[0].getsockname())
"""


def exit_code(what: str, error: str) -> int:
    program = PROGRAM.format(what=what.strip(), error=error)
    return subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True, check=False).returncode


@pytest.mark.parametrize("what", [CALLBACK, THREAD, SESSION], ids=["callback", "thread", "session"])
def test_F11_what_has_no_memory_ends_the_process(what: str) -> None:
    assert exit_code(what, "MemoryError") == NO_MEMORY


@pytest.mark.parametrize("what", [CALLBACK, THREAD], ids=["callback", "thread"])
def test_other_failures_do_not(what: str) -> None:
    assert exit_code(what, "ValueError") == 0
