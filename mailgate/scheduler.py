"""Which job wakes when; no logic.

What is due is always a question to the store, so this remembers nothing: jobs live in memory
alone, and every time is UTC (docs/reliability.md R19). A job that fails says so in the log and
is woken again at its next time.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from mailgate import journal
from mailgate.workers.loop import failure_of

logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # what a job has to say it says in our own log


@dataclass(frozen=True, slots=True)
class Job:
    """*minute* None: every one, "*/5": every fifth. *hour* None: every hour, "1-4": those. *at_start*: also then."""

    run: Callable[[], None]
    minute: int | str | None = None
    hour: int | str | None = None
    at_start: bool = False


class Scheduler:
    """Wakes *jobs* from ``start`` until ``stop``."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for name, job in jobs.items():
            hour, minute = ("*" if each is None else each for each in (job.hour, job.minute))
            trigger = CronTrigger(hour=hour, minute=minute, timezone=UTC)
            first = {"next_run_time": datetime.now(UTC)} if job.at_start else {}
            self._scheduler.add_job(_run, trigger, (name, job.run), id=name, **first)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """What runs is not waited for: it may be asking a server that does not answer."""
        self._scheduler.shutdown(wait=False)


def _run(name: str, run: Callable[[], None]) -> None:
    error = failure_of(lambda _: run(), None)
    if error is not None:
        journal.worker_failed(name, error)
