"""Several identical processes of the gateway under one parent, which starts again whichever dies."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from mailgate import journal

SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
HEALTHY_AFTER_SECONDS = 10.0
LOOK_SECONDS = 0.02


class Supervisor:
    """Runs *work* in *count* children until SIGTERM or SIGINT, which it passes on.

    *work* is called with the number of the child and a file descriptor that becomes readable when the
    parent is gone: a child must not outlive it. *buried* is called in the parent with the process id of a
    child that died by itself, before it is started again. A child that dies soon after its start waits, twice
    as long each time, before it is started again; the others do not wait with it.
    """

    def __init__(self, count: int, work: Callable[[int, int], None], buried: Callable[[int], None]) -> None:
        self._work = work
        self._buried = buried
        self._numbers: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self._due: dict[int, float] = {}
        self._pauses = dict.fromkeys(range(count), SHORTEST_PAUSE_SECONDS)
        self._stopping = False
        self._parent_alive, self._alive = os.pipe()

    def run(self) -> None:
        """Returns when every child has ended after a signal."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        for number in self._pauses:
            self._start(number)
        while self._numbers or self._due:
            self._bury()
            self._start_what_is_due()

    def _start(self, number: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._be_child(number)
        self._numbers[pid] = number
        self._started[number] = time.monotonic()
        if self._stopping:  # the signal came while it was being made
            os.kill(pid, signal.SIGTERM)

    def _be_child(self, number: int) -> None:
        status = 1
        try:
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, signal.SIG_DFL)  # they end a child that has begun nothing; then *work* sees to them
            os.close(self._alive)
            if not self._stopping:  # a signal may have come before that
                self._work(number, self._parent_alive)
            status = 0
        except BaseException as error:
            journal.not_caught("a process ends", error)
            raise
        finally:
            os._exit(status)  # never back into the parent's code

    def _bury(self) -> None:
        """Wait until a child has ended, but only for a moment while another is to be started."""
        if self._due:
            time.sleep(LOOK_SECONDS)
        if not self._numbers:
            return
        pid, status = os.waitpid(-1, os.WNOHANG if self._due else 0)
        if pid:
            number = self._numbers.pop(pid)
            if not self._stopping:
                self._buried(pid)
                self._plan(number, os.waitstatus_to_exitcode(status))

    def _plan(self, number: int, status: int) -> None:
        """Start the child again after its pause."""
        now = time.monotonic()
        if now - self._started[number] > HEALTHY_AFTER_SECONDS:
            self._pauses[number] = SHORTEST_PAUSE_SECONDS
        pause = self._pauses[number]
        self._pauses[number] = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._due[number] = now + pause
        journal.child_died(number, status, pause)

    def _start_what_is_due(self) -> None:
        now = time.monotonic()
        for number, at in list(self._due.items()):
            if self._stopping or at <= now:
                del self._due[number]
                if not self._stopping:
                    self._start(number)

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for pid in self._numbers:
            with suppress(ProcessLookupError):  # it has ended, and is about to be noticed
                os.kill(pid, signal.SIGTERM)
