"""How every worker works: claim, handle, and finish, put off or quarantine; a failure never ends the loop (G6)."""

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Protocol, TypeVar

from mailgate import journal
from mailgate.errors import TryLater

Item = TypeVar("Item")
Done = TypeVar("Done", covariant=True)
Value = TypeVar("Value")

POLL_SECONDS = 2.0
GATHER_SECONDS = 0.05  # from turn to turn: a turn costs the same for one item as for thirty, so let some come together
LONGEST_WAY_SECONDS = 1.0
SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0


class Queue(Protocol[Item, Done]):
    """Something with items to claim; all methods raise TryLater while the store is away."""

    name: str

    def claim(self) -> Sequence[Item]: ...

    def handle(self, items: Sequence[Item]) -> Sequence[Done]:
        """Do *items* and finish them. What was not finished when it raises is as if nothing had happened."""

    def release(self, items: Sequence[Item], error: TryLater) -> None: ...

    def quarantine(self, item: Item, error: Exception) -> None: ...


def turn(queue: Queue[Item, Done]) -> int:
    """One round: how many items were claimed."""
    items = queue.claim()
    work(queue, items)
    return len(items)


def work(queue: Queue[Item, Done], items: Sequence[Item]) -> list[Done]:
    """Handle *items* together. Where a bug stops them each is done alone, and the one at fault is put away."""
    if not items:
        return []
    try:
        return list(queue.handle(items))
    except TryLater as error:
        journal.work_put_off(queue.name, len(items), error)
        queue.release(items, error)
    except Exception as error:  # noqa: BLE001 - a bug of ours: keep the item, tell a person
        if len(items) > 1:
            return [result for item in items for result in work(queue, [item])]
        queue.quarantine(items[0], error)
    return []


def failure_of(act: Callable[[Value], None], value: Value) -> Exception | None:
    """What ``act(value)`` raised, None where it succeeded: one bad item never stops the next."""
    try:
        act(value)
    except Exception as error:  # noqa: BLE001 - the caller decides by its kind
        return error
    return None


def giving_way(one_turn: Callable[[], int], is_free: Event) -> Callable[[], int]:
    """*one_turn*, which waits until *is_free*, but for a moment only: then it takes its turn all the same."""

    def turn_when_free() -> int:
        is_free.wait(LONGEST_WAY_SECONDS)
        return one_turn()

    return turn_when_free


def run(name: str, one_turn: Callable[[], int], wake: Event, stop: Event, poll_seconds: float = POLL_SECONDS) -> None:
    """Take turns until *stop*; rest until *wake*, or for *poll_seconds*, when there is nothing to do.

    The first item after a rest is done at once, those that follow on its heels together.

    Set *wake* as well as *stop* to end at once. Where a turn fails (the store is away, a bug) the
    next one comes after a pause that doubles.
    """
    pause = SHORTEST_PAUSE_SECONDS
    while not stop.is_set():
        begun = time.monotonic()
        try:
            is_busy = one_turn() > 0
        except Exception as error:  # noqa: BLE001 - a worker that ended would go quiet
            journal.worker_failed(name, error)
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            continue
        pause = SHORTEST_PAUSE_SECONDS
        if is_busy:
            stop.wait(begun + GATHER_SECONDS - time.monotonic())
        else:
            wake.wait(poll_seconds)
            wake.clear()
