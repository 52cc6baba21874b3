from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailgate.notify.backoff import IN_ALL, LONGEST, pause_after


def test_the_first_pause_is_a_minute_and_it_doubles():
    assert [pause_after(attempts, 0.5) for attempts in (1, 2, 3)] == [
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=4),
    ]


@given(st.integers(1, 200), st.floats(0, 1))
def test_a_pause_is_never_longer_than_six_hours_and_a_fifth(attempts, chance):
    pause = pause_after(attempts, chance)
    assert pause is None or timedelta(seconds=48) <= pause <= LONGEST * 1.2


@given(st.floats(0, 1))
def test_after_five_days_it_is_given_up(chance):
    waited, attempts = timedelta(), 1
    while (pause := pause_after(attempts, chance)) is not None:
        waited, attempts = waited + pause, attempts + 1
    assert IN_ALL * 0.7 < waited < IN_ALL * 1.2
    assert pause_after(attempts + 1, chance) is None
