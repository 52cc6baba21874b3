"""One function for each sentence an operator reads in the log.

Identifiers and counts only: no subject, no body, no address (docs/reliability.md section 7). On a terminal
the lines are for people, elsewhere one JSON object each.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

from mailgate.errors import MailgateError

MOST_CHARACTERS = 500
_CONTROL = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")


def _clean(logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Values that cannot break or flood a log, wherever they came from (S76)."""
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = value.translate(_CONTROL)[:MOST_CHARACTERS]
    return line


class _Log:
    """Standard error. A line that cannot be written is left out: no mail waits for a log, and no worker ends for it."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def configure(*, only_warnings: bool = False) -> None:
    """Write to standard error from now on."""
    for_people = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _clean,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if for_people else "iso", utc=not for_people),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if only_warnings else logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Log())),
        cache_logger_on_first_use=True,
    )


_log: Any = structlog.get_logger()


def why(error: BaseException) -> str:
    """Our own sentence, else the class of *error* and where it was raised: a bug's text may quote the mail."""
    if isinstance(error, MailgateError) and str(error):
        return str(error)
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}"


def listening(what: str, address: str) -> None:
    _log.info("listening", what=what, address=address)


def stopping() -> None:
    _log.info("stopping: open work is finished first")


def mail_accepted(key: str, size: int, recipients: int) -> None:
    _log.info("mail accepted", key=key, size=size, recipients=recipients)


def mail_put_off(error: BaseException) -> None:
    _log.warning("mail put off: the sender will try again", why=why(error))


def reply_not_delivered(key: str) -> None:
    _log.warning("mail stored, but its sender left before the reply", key=key)


def smtp_failed(error: BaseException) -> None:
    _log.error("an SMTP session failed: the sender will try again", why=why(error))


def mails_handled(count: int, tickets: int) -> None:
    _log.info("mails handled", mails=count, tickets=tickets)


def work_put_off(worker: str, count: int, error: BaseException) -> None:
    _log.warning("put off: will be tried again", worker=worker, count=count, why=why(error))


def mail_quarantined(key: str, reason: str) -> None:
    _log.error("a mail could not be read and waits in quarantine: see mailgate quarantine list", key=key, why=reason)


def worker_failed(worker: str, error: BaseException) -> None:
    _log.error("a worker failed and goes on", worker=worker, why=why(error))


def mail_sent(outbox_id: int) -> None:
    _log.info("mail sent", outbox_id=outbox_id)


def mail_not_sent(outbox_id: int, outcome: str, error: BaseException) -> None:
    _log.warning("mail not sent", outbox_id=outbox_id, outcome=outcome, why=why(error))


def child_died(number: int, status: int, pause_seconds: float) -> None:
    _log.error("a process died and is started again", process=number, status=status, pause_seconds=pause_seconds)
