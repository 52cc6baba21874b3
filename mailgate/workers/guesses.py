"""Who guesses at tokens: of a sender with ten false ones in a day, no more are looked at that day (E226).

Each process counts by itself, which is near enough: a MAC has 80 bits.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from mailgate.model.reading import Reading, Token
from mailgate.tickets.thread import is_verified

FALSE_TOKEN = "false-token"
MOST_FALSE = 10
MOST_SENDERS = 10_000  # counted at one time, so that forged ones cost no memory


class Guesses:
    """How many false tokens each sender had today; a forged sender does not count against the genuine one."""

    def __init__(self) -> None:
        self._day = date.min
        self._false: Counter[tuple[str, bool]] = Counter()

    def judged(self, reading: Reading, checks: Callable[[Token], bool], at: datetime) -> Reading:
        """*reading* with the defect ``false-token`` where one is false; without its tokens once there were too many."""
        if not reading.tokens:
            return reading
        if at.date() != self._day or len(self._false) >= MOST_SENDERS:
            self._day, self._false = at.date(), Counter()
        sender = reading.sender, is_verified(reading)
        if self._false[sender] >= MOST_FALSE:
            return _with_defect(replace(reading, tokens=()))
        count = _count_false(reading, checks)
        self._false[sender] += count
        return _with_defect(reading) if count else reading


def _count_false(reading: Reading, checks: Callable[[Token], bool]) -> int:
    """What carries a MAC counts once, whatever it may be for: an address claims two purposes, and has one."""
    claimed = {_carrier(token) for token in reading.tokens}
    return len(claimed - {_carrier(token) for token in reading.tokens if checks(token)})


def _carrier(token: Token) -> tuple[str, int, str]:
    return token.ref, token.serial, token.mac


def _with_defect(reading: Reading) -> Reading:
    return replace(reading, message=replace(reading.message, defects=(*reading.message.defects, FALSE_TOKEN)))
