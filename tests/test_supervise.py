"""Processes that die are started again, each in its own time."""

import subprocess
import sys

TWO_CHILDREN = r"""
import os, signal, sys, time
from mailgate import supervise

supervise.LONGEST_PAUSE_SECONDS = supervise.SHORTEST_PAUSE_SECONDS = 0.05
parent = os.getpid()


def work(number, alive):
    os.write(1, b"child %d\n" % number)
    if number == 0:
        os._exit(1)
    os.kill(os.getpid(), signal.SIGKILL)


supervisor = supervise.Supervisor(2, work, lambda pid: None)
supervisor._pauses[0] = 60.0
signal.signal(signal.SIGALRM, lambda *_: os.kill(parent, signal.SIGTERM))
signal.alarm(2)
supervisor.run()
"""


def test_a_child_that_waits_to_be_started_again_does_not_delay_the_other():
    done = subprocess.run([sys.executable, "-c", TWO_CHILDREN], capture_output=True, text=True, timeout=30, check=True)
    started = done.stdout.splitlines()
    assert started.count("child 0") == 1
    assert started.count("child 1") > 3


STARTING = r"""
import os, signal, time
from mailgate import supervise

parent = os.getpid()


def work(number, alive):
    os.kill(parent, signal.SIGTERM)
    time.sleep(60)


supervise.Supervisor(2, work, lambda pid: None).run()
"""


def test_a_stop_ends_children_that_are_still_starting():
    subprocess.run([sys.executable, "-c", STARTING], timeout=30, check=True)
