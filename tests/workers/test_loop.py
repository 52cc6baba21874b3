from threading import Event, Thread

import pytest

from mailgate.errors import TryLater
from mailgate.workers.loop import failure_of, giving_way, run, turn, work


class Numbers:
    """A queue of numbers: 13 is one that a bug makes impossible; *away* is what the store says meanwhile."""

    name = "numbers"

    def __init__(self, *numbers: int) -> None:
        self.waiting = list(numbers)
        self.away: TryLater | None = None
        self.finished: list[int] = []
        self.released: list[int] = []
        self.quarantined: list[int] = []

    def claim(self):
        claimed, self.waiting = self.waiting, []
        return claimed

    def handle(self, items):
        if self.away:
            raise self.away
        if 13 in items:
            raise ValueError("thirteen")
        self.finished += items
        return [item * 10 for item in items]

    def release(self, items, error):
        self.released += items

    def quarantine(self, item, error):
        self.quarantined.append(item)


def test_items_are_handled_together_and_their_results_kept():
    queue = Numbers(1, 2)
    assert work(queue, queue.claim()) == [10, 20]
    assert turn(queue) == 0


def test_G6_a_bad_item_is_put_away_and_the_others_are_done():
    queue = Numbers(1, 13, 2)
    assert turn(queue) == 3
    assert (queue.finished, queue.quarantined, queue.released) == ([1, 2], [13], [])


def test_items_are_given_back_while_the_store_is_away():
    queue = Numbers(1, 13)
    queue.away = TryLater("away")
    turn(queue)
    assert (queue.finished, queue.quarantined, queue.released) == ([], [], [1, 13])


def test_the_failure_of_one_call_is_a_value():
    assert failure_of(int, "1") is None
    assert isinstance(failure_of(int, "x"), ValueError)


def run_until(done: Event, one_turn, wake: Event | None = None) -> None:
    wake, stop = wake or Event(), Event()
    thread = Thread(target=run, args=("test", one_turn, wake, stop, 60))
    thread.start()
    try:
        assert done.wait(20)
    finally:
        stop.set()
        wake.set()
        thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("error", [TryLater("away"), ValueError("bug"), OSError(5, "I/O")])
def test_a_worker_goes_on_after_a_turn_that_failed(error):
    done, outcomes = Event(), iter([error])

    def one_turn() -> int:
        if failure := next(outcomes, None):
            raise failure
        done.set()
        return 0

    run_until(done, one_turn)


def test_a_worker_that_rests_is_woken():
    wake, done, turns = Event(), Event(), []

    def one_turn() -> int:
        turns.append(1)
        if len(turns) == 1:
            wake.set()
        else:
            done.set()
        return 0

    run_until(done, one_turn, wake)


def test_while_there_is_work_nobody_rests():
    done, turns = Event(), []

    def one_turn() -> int:
        turns.append(1)
        if len(turns) == 50:
            done.set()
        return int(len(turns) < 50)

    run_until(done, one_turn)


def test_who_gives_way_waits_until_it_is_free():
    is_free, taken = Event(), Event()
    waiting = Thread(target=giving_way(lambda: taken.set() or 1, is_free))
    waiting.start()
    assert not taken.is_set()
    is_free.set()
    waiting.join(20)
    assert taken.is_set()


def test_who_gives_way_takes_its_turn_all_the_same_after_a_moment():
    assert giving_way(lambda: 7, Event())() == 7
