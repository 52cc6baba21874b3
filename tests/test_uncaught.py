"""What nobody catches is one line of the log, without its text."""

import json
import subprocess
import sys

EVERYTHING_GOES_WRONG = """
import asyncio
import gc
import logging
import threading
import warnings

from mailgate import journal
from mailgate.uncaught import tell_in_the_log

SECRET = "dora wrote a secret"


def fail(*_):
    raise ValueError(SECRET)


class Ending:
    __del__ = fail


async def forgotten():
    asyncio.ensure_future(asyncio.sleep(0)).add_done_callback(fail)
    asyncio.get_running_loop().create_future().set_exception(ValueError(SECRET))
    await asyncio.sleep(0.01)


journal.configure()
tell_in_the_log()
thread = threading.Thread(target=fail, name="a worker")
thread.start()
thread.join()
Ending()
warnings.warn(SECRET)
logging.getLogger("some.library").warning(SECRET)
try:
    fail()
except ValueError:
    logging.getLogger("some.library").exception("%s", SECRET)
asyncio.run(forgotten())
gc.collect()
fail()
"""


def test_S75_a_crash_anywhere_is_a_line_of_the_log_without_what_it_says() -> None:
    done = subprocess.run([sys.executable, "-c", EVERYTHING_GOES_WRONG], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "secret" not in done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["where"] for line in lines if "where" in line] == [
        "a worker",
        "where nobody can catch it",
        "the process ends",
    ]
    libraries = [line["name"] for line in lines if line["event"] == "a library warned"]
    assert libraries == ["py.warnings", "some.library", "some.library", "asyncio", "asyncio"]
    raised = str(EVERYTHING_GOES_WRONG[: EVERYTHING_GOES_WRONG.index("    raise")].count("\n") + 1)
    assert sum(line.get("why") == f"ValueError at <string>:{raised}" for line in lines) == 5
    assert lines[-1]["places"].startswith(f"<string>:{raised} < <string>:")


CHILD_FAILS = """
import os, signal
from mailgate import journal
from mailgate.supervise import Supervisor

journal.configure()
parent = os.getpid()


def work(number, alive):
    raise ValueError("dora wrote a secret")


signal.signal(signal.SIGALRM, lambda *_: os.kill(parent, signal.SIGTERM))
signal.alarm(1)
Supervisor(1, work, lambda pid: None).run()
"""


def test_S75_a_process_that_ends_says_why_and_where() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD_FAILS], capture_output=True, text=True, timeout=30)
    first = json.loads(done.stderr.splitlines()[0])
    assert first["why"].startswith("ValueError at <string>:")
    assert "secret" not in done.stderr
