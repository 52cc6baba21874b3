"""Text messages to one number: phone networks block it past a hundred in an hour, or twenty that are alike.

What is more waits for its turn, unless its request is closed by then (docs/notify.md section 6).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from mailgate.model.outbound import Attempt, Way
from mailgate.store import pacing
from mailgate.store.engine import Connection

AN_HOUR = 20
AGAIN_SECONDS = 600.0
WHY = f"no more than {AN_HOUR} text messages an hour go to one number"


def too_many(connection: Connection, attempts: Sequence[Attempt], now: datetime) -> list[Attempt]:
    """Those of *attempts* that would be more for their number than it should get in an hour."""
    texts = [attempt for attempt in attempts if attempt.way is Way.TEXT]
    if not texts:
        return []
    had = Counter(pacing.texted_within_an_hour(connection, {each.recipient for each in texts}, now))
    found = []
    for attempt in texts:
        had[attempt.recipient] += 1
        if had[attempt.recipient] > AN_HOUR:
            found.append(attempt)
    return found
