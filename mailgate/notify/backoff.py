"""When a mail that could not be sent is tried again: after a minute, then ever more seldom, for five days."""

from datetime import timedelta

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
IN_ALL = timedelta(days=5)
JITTER = 0.2


def pause_after(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after the *attempts*-th failure; None once five days of trying are over.

    *chance* (0 to 1) spreads the pause by a fifth either way, so that what failed together is
    not tried together again.
    """
    if sum((_pause(number) for number in range(1, attempts + 1)), timedelta()) > IN_ALL:
        return None
    return _pause(attempts) * (1 - JITTER + 2 * JITTER * chance)


def _pause(attempts: int) -> timedelta:
    doublings = min(attempts - 1, 20)  # the longest pause is reached long before
    return min(FIRST * (1 << doublings), LONGEST)
