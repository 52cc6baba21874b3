"""A channel's results are counted once, when they are sure."""

from datetime import UTC, datetime

import pytest

from mailgate.errors import GiveUp, TryLater, Uncertain
from mailgate.model.outbound import Attempt, Doubt
from mailgate.web.counted import CountedChannel
from mailgate.web.counts import Counts

MAIL = Attempt(1, "token", 1, "a@b", "c@d", "<1@b>", b"", datetime(2026, 11, 23, tzinfo=UTC))


class Says:
    """A channel that answers whatever a test wants."""

    longest_seconds, doubt, pace = 1.0, Doubt.HARMLESS, None

    def __init__(self) -> None:
        self.answer: Exception | None = None

    def send(self, attempt: Attempt) -> str:
        self.settle()
        return ""

    def find(self, attempt: Attempt) -> str | None:
        return None

    def probe(self) -> None:
        pass

    def settle(self) -> None:
        if self.answer:
            raise self.answer

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "result"), [(TryLater("x"), "later"), (GiveUp("x"), "given up"), (Uncertain("x"), "uncertain")]
)
def test_each_failure_is_counted_by_its_word(answer: Exception, result: str) -> None:
    channel, counts = Says(), Counts()
    channel.answer = answer
    with pytest.raises(type(answer)):
        CountedChannel(channel, counts.of(0)).send(MAIL)
    assert {slot: total for slot, total in counts.totals("sends") if total} == {(result,): 1}


@pytest.mark.parametrize(("answer", "result"), [(None, "sent"), (TryLater("x"), "later")])
def test_what_was_sent_counts_when_it_is_settled(answer: Exception | None, result: str) -> None:
    channel, counts = Says(), Counts()
    counted = CountedChannel(channel, counts.of(0))
    counted.send(MAIL)
    counted.send(MAIL)
    assert counts.total("sends", "sent") == 0
    channel.answer = answer
    if answer:
        with pytest.raises(TryLater):
            counted.settle()
    else:
        counted.settle()
    assert {slot: total for slot, total in counts.totals("sends") if total} == {(result,): 2}
