"""Locks between the threads and processes of one machine."""

import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailgate.store.locks import HURRIED_SWITCH_SECONDS, NamedLocks, Unreachable, hurried

HOLDING = """
import sys
from pathlib import Path
from mailgate.store.locks import NamedLocks
with NamedLocks(Path(sys.argv[1])).held(["a", "b"], 0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def locks(tmp_path: Path) -> NamedLocks:
    return NamedLocks(tmp_path / "locks")


def test_whoever_shares_a_name_waits_and_nobody_else(locks: NamedLocks) -> None:
    with locks.held(["a", "b"], 0):
        with locks.held(["c"], 0), locks.held((), 0):
            pass
        with pytest.raises(Unreachable, match="held by another"), locks.held(["c", "b"], 0.01):
            pass
    with locks.held(["c", "b"], 0):
        pass


def test_threads_that_take_names_in_any_order_neither_meet_nor_stop_each_other(locks: NamedLocks) -> None:
    inside: Counter[str] = Counter()
    most: Counter[str] = Counter()
    started = threading.Barrier(6)

    def work(number: int) -> None:
        started.wait()
        for turn in range(20):
            names = [f"{(number + turn) % 3}", f"{(number * turn) % 3}"]
            with locks.held(names, 20):
                inside.update(set(names))
                most.update({name: max(0, inside[name] - most[name]) for name in names})
                time.sleep(0.0005)
                inside.subtract(set(names))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))
    assert set(most.values()) == {1}


def test_what_a_process_held_is_free_when_it_was_killed(locks: NamedLocks, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDING, str(tmp_path / "locks")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Unreachable), locks.held(["b"], 0.01):
            pass
        other.kill()
        with locks.held(["b"], 10):
            pass


def test_F2_locks_that_cannot_be_taken_are_nobodys_fault(tmp_path: Path) -> None:
    missing = NamedLocks(tmp_path / "gone" / "locks")
    with pytest.raises(Unreachable, match="cannot be opened"), missing.held(["a"], 0):
        pass


def test_the_interpreter_is_handed_over_at_once_only_while_it_is_hurried() -> None:
    usual = sys.getswitchinterval()
    with hurried():
        assert sys.getswitchinterval() == pytest.approx(HURRIED_SWITCH_SECONDS)
    assert sys.getswitchinterval() == pytest.approx(usual)
