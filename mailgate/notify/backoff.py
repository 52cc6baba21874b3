"""When what could not be sent is tried again: ever more seldom, and not for ever."""

from datetime import timedelta

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
IN_ALL = timedelta(days=5)
JITTER = 0.2

ALERTS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""GOV.UK Notify: the longest pause after each failure (docs/notify.md section 7)."""

REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=10)


def pause_after(attempts: int, chance: float) -> timedelta | None:
    """How long a mail waits after the *attempts*-th failure: a minute, then longer; None after five days of trying.

    *chance* (0 to 1) spreads the pause by a fifth either way, so that what failed together is
    not tried together again.
    """
    if sum((_pause(number) for number in range(1, attempts + 1)), timedelta()) > IN_ALL:
        return None
    return _pause(attempts) * (1 - JITTER + 2 * JITTER * chance)


def alert_pause_after(attempts: int, chance: float) -> timedelta | None:
    """The same for an alert, with full jitter; None after the fifth failure."""
    return ALERTS[attempts - 1] * chance if attempts <= len(ALERTS) else None


def rest_after(failures: int) -> timedelta:
    """How long a way out rests when it was found broken for the *failures*-th time in a row."""
    return min(REST * (1 << min(failures - 1, 10)), LONGEST_REST)


def _pause(attempts: int) -> timedelta:
    doublings = min(attempts - 1, 20)  # the longest pause is reached long before
    return min(FIRST * (1 << doublings), LONGEST)
