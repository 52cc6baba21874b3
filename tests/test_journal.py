"""The log must never stop the work."""

import subprocess
import sys

LOG_ON_A_FULL_DISK = """
from mailgate import journal

journal.configure()
journal.stopping()
journal.stopping()
print("went on")
"""


def test_a_log_that_cannot_be_written_stops_nothing():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", LOG_ON_A_FULL_DISK], stdout=subprocess.PIPE, stderr=full, text=True, timeout=30
        )
    assert done.stdout == "went on\n"
