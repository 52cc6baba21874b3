"""R19: jobs in memory, in UTC; one that fails does not stop the others."""

from datetime import UTC
from threading import Event

from apscheduler.jobstores.memory import MemoryJobStore

from mailgate.scheduler import Job, Scheduler


def test_R19_jobs_live_in_memory_and_in_utc() -> None:
    scheduler = Scheduler({"nightly": Job(lambda: None, minute=30, hour=2), "hourly": Job(lambda: None, minute=5)})
    inner = scheduler._scheduler
    scheduler.start()
    jobs = {job.id: job for job in inner.get_jobs()}
    scheduler.stop()
    assert inner.timezone == UTC
    assert isinstance(inner._create_default_jobstore(), MemoryJobStore)
    assert {name: (job.next_run_time.utcoffset().seconds, job.next_run_time.minute) for name, job in jobs.items()} == {
        "nightly": (0, 30),
        "hourly": (0, 5),
    }


def test_a_job_that_fails_does_not_stop_the_others() -> None:
    done = Event()

    def fails() -> None:
        raise ValueError("a bug")

    scheduler = Scheduler(
        {"fails": Job(fails, minute=0, at_start=True), "works": Job(done.set, minute=0, at_start=True)}
    )
    scheduler.start()
    assert done.wait(20)
    scheduler.stop()
