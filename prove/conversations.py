"""Runs of F10: conversations by chance against the model, and the gateways that it must find to be broken."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from prove.ground import Ground, ground
from prove.outcome import Outcome
from prove.spoilt import BREAKAGES
from prove.talk import Talk

STEPS = 30
ENOUGH = 100  # conversations within which whatever is broken shows


def talks(folder: Path, number: int, count: int, url: str | None = None, *, spoilt: bool = False) -> Outcome:
    """*count* conversations that begin with *number*; *spoilt*: broken in each way in turn, each must be found."""
    with redirect_stdout(io.StringIO()), ground(folder, url) as stands:  # thousands of lines of the log
        if not spoilt:
            problem = first_problem(stands, number, count)
            return Outcome({"conversations": count}, [problem] if problem else [])
        found = {name: broken(stands, number, breaks) for name, breaks in BREAKAGES.items()}
    return Outcome({}, [f"{name}: {problem}" for name, problem in found.items()] if all(found.values()) else [])


def broken(stands: Ground, number: int, breaks: Callable[[], AbstractContextManager[None]]) -> str:
    """What shows that a gateway is broken; "" where nothing does."""
    with breaks():
        return first_problem(stands, number, ENOUGH)


def first_problem(stands: Ground, number: int, count: int) -> str:
    """What a conversation came to that went wrong, with its steps; "" where none of *count* did."""
    machine = seed(number)(type("Conversation", (Talk,), {"ground": stands}))
    chosen = settings(
        max_examples=count,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    try:
        run_state_machine_as_test(machine, settings=chosen)
    except AssertionError as error:
        return "\n".join([str(error), *getattr(error, "__notes__", ())])
    return ""
