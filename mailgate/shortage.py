"""A process that had no memory for its own work ends, and whoever runs it starts it again (F11)."""

import asyncio
import os
import sys
import threading
from typing import Any

from mailgate import journal

NO_MEMORY = 71  # EX_OSERR


def end_where_memory_is_gone(loop: asyncio.AbstractEventLoop) -> None:
    """From now on a callback of *loop*, or a thread, that fails for want of memory ends the process at once.

    What it was about to do is lost, and the process would look alive: sessions would wait for ever, and a server of
    uvloop's hears nobody ever again. It ends as if by kill -9, so that nothing accepted is lost (K2). Where a session
    or a worker has no memory for one mail, it says so itself and goes on.
    """
    usual = threading.excepthook

    def callback_failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        _end_if(context.get("exception"))
        loop.default_exception_handler(context)

    def thread_failed(failed: threading.ExceptHookArgs) -> None:
        _end_if(failed.exc_value)
        usual(failed)

    loop.set_exception_handler(callback_failed)
    threading.excepthook = thread_failed


def _end_if(error: object) -> None:
    if isinstance(error, MemoryError):
        try:
            journal.no_memory()
            sys.stdout.flush()
        finally:
            os._exit(NO_MEMORY)
