"""Counts in memory that processes share."""

import inspect
import os

from mailgate.stages import answers, known, machines, requests
from mailgate.tickets import answer
from mailgate.web.counts import BUCKETS, OTHER, REASONS, Counts


def test_what_children_count_is_told_by_all_and_outlives_them() -> None:
    counts = Counts(3)
    for number in (1, 2):
        child = os.fork()
        if child == 0:
            own = counts.of(number)
            own.accepted(100 * number, 0.004)
            own.sessions(1)
            os._exit(0)
        os.waitpid(child, 0)
    counts.of(1).accepted(1, 20.0)
    assert counts.total("accepted") == 3
    assert counts.total("accepted bytes") == 301
    assert dict(counts.totals("commit")) == {(str(b),): {0.005: 2.0}.get(b, float(b == BUCKETS[-1])) for b in BUCKETS}
    assert counts.each("sessions") == [0, 0, 1]  # the successor of 1 begins without its sessions


def test_labels_are_bounded_whatever_comes() -> None:
    counts = Counts()
    own = counts.of(0)
    before = len(list(counts.totals("refused"))) + len(list(counts.totals("silent")))
    for label in ("mailbox", "ann@council.example", "x" * 1000):
        own.refused(label)
        own.decided("ignore", "human", label)
    own.decided("ignore", "list", "it is not a person's mail (list)")
    assert dict(counts.totals("refused"))[OTHER,] == 2
    assert dict(counts.totals("silent"))[OTHER,] == 3
    assert dict(counts.totals("silent"))["it is not a person's mail",] == 1
    assert len(list(counts.totals("refused"))) + len(list(counts.totals("silent"))) == before


def test_every_reason_is_one_that_a_decision_can_give() -> None:
    said = "".join(map(inspect.getsource, (answer, answers, known, machines, requests)))
    assert [reason for reason in REASONS if reason != OTHER and f'"{reason}' not in said] == []
