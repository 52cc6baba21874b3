"""What nobody caught, and what libraries warn of, becomes one line of our log each (S75, S76).

Left to Python it would be a traceback on standard error, whose text quotes whatever was at hand: a mail, a parameter
of a query, a password.
"""

import logging
import sys
import threading
from pathlib import Path
from types import TracebackType

from mailgate import journal


def tell_in_the_log() -> None:
    """From now on, in this process and in its children."""
    sys.excepthook = _ended
    threading.excepthook = _thread_ended
    sys.unraisablehook = lambda failed: _tell("where nobody can catch it", failed.exc_value)
    logging.captureWarnings(True)
    logging.getLogger().handlers = [_InTheLog(logging.WARNING)]


def _ended(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):  # somebody pressed Ctrl-C before there was anything to end
        return
    _tell("the process ends", error)


def _thread_ended(failed: threading.ExceptHookArgs) -> None:
    _tell(failed.thread.name if failed.thread else "a thread", failed.exc_value)


def _tell(where: str, error: BaseException | None) -> None:
    if error is not None:
        journal.not_caught(where, error)


class _InTheLog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        journal.library_warned(record.name, f"{Path(record.pathname).name}:{record.lineno}", error)
