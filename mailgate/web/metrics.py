"""``/metrics``: the figures of every process of this gateway and of its store, for Prometheus.

Labels are bounded and hold no person's address; mailboxes are configuration.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from mailgate.store.schema import HEAD
from mailgate.web.counts import BUCKETS, Counts
from mailgate.web.health import is_well
from mailgate.web.sight import Observer, Sight

# Metric, what it tells, the slots it is made of (web/counts.py), and their labels.
COUNTERS = (
    ("accepted_mails", "Mails on stable storage.", "accepted", ()),
    ("accepted_bytes", "Bytes of the mails on stable storage.", "accepted bytes", ()),
    ("refusals", "What clients were refused, by row of E10.", "refused", ("row",)),
    ("decided_mails", "Mails decided, by what became of them and what they are.", "decided", ("action", "kind")),
    ("acknowledgements_suppressed", "Mails that got no automatic answer, and why.", "silent", ("reason",)),
    ("unreadable_mails", "Mails that the parser gave up on; a person looks at them.", "unreadable", ()),
    ("quarantined_mails", "Mails put into quarantine.", "quarantined", ()),
    ("false_token_mails", "Mails with a token that we did not sign.", "false token", ()),
    ("read_mails", "Mails by how sure it is what is new in them.", "confidence", ("confidence",)),
    ("sends", "Attempts at sending a mail of ours, by result.", "sends", ("result",)),
)


def metrics(observer: Observer) -> bytes:
    """The page."""
    registry = CollectorRegistry()
    registry.register(_Page(observer))
    return generate_latest(registry)


class _Page(Collector):
    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def collect(self) -> Iterator[Metric]:
        observer = self._observer
        sight = observer.look()
        yield from _counted(observer.counts)
        yield from _stored(sight)
        yield from _canaries(sight)
        yield from _accounts(sight)
        yield from _watched(observer)
        yield _gauge("free_bytes", "What is left where mail is kept.", sight.free_bytes)
        if observer.presence is not None and observer.presence.told is not None:
            ahead = observer.presence.told.ahead.total_seconds()
            yield _gauge("clock_ahead_seconds", "How far our clock is before the database's, or behind it.", ahead)
        yield _gauge("start_time_seconds", "When this gateway started.", observer.started_at.timestamp())
        yield _labelled(
            "build_info", "What runs.", ("version", "config", "schema"),
            [((version("mailgate"), observer.config.version, HEAD), 1)],
        )  # fmt: skip


def _counted(counts: Counts) -> Iterator[Metric]:
    for name, tells, slots, labels in COUNTERS:
        family = CounterMetricFamily(f"mailgate_{name}", tells, labels=labels)
        for values, total in counts.totals(slots):
            family.add_metric(values, total)
        yield family
    below, buckets = 0.0, []
    for bucket in BUCKETS:
        below += counts.total("commit", str(bucket))
        buckets.append(("+Inf" if bucket == float("inf") else str(bucket), below))
    commits = HistogramMetricFamily("mailgate_commit_seconds", "How long it took until a mail was on stable storage.")
    commits.add_metric((), buckets, counts.total("commit seconds"))
    yield commits
    yield _gauge("sessions", "Open SMTP and LMTP sessions.", counts.total("sessions"))
    accepted_at = max(counts.each("last accept"))
    yield _gauge("last_accept_time_seconds", "When a mail was last accepted; 0 for never.", accepted_at)
    turns = [((slot, str(process)), at) for (slot,), _ in counts.totals("turn")
             for process, at in enumerate(counts.each("turn", slot)) if at]  # fmt: skip
    yield _labelled("worker_turn_time_seconds", "When a worker last began something.", ("worker", "process"), turns)


def _stored(sight: Sight) -> Iterator[Metric]:
    yield _gauge("store_up", "Whether the store answers.", sight.store is not None)
    if sight.store is None:
        return
    store = sight.store
    yield _gauge("spool_mails", "Mails that are not decided yet.", store.waiting)
    yield _gauge("spool_oldest_seconds", "Age of the oldest of them.", _age(sight, store.oldest_waiting_at))
    yield _gauge("quarantine_mails", "Mails that wait for a person.", store.quarantined)
    states = [((state,), count) for state, count in store.outbox.items()]
    yield _labelled("outbox_mails", "Mails of ours that are not sent, by state.", ("state",), states)
    yield _gauge("outbox_oldest_ready_seconds", "Age of the oldest that is ready.", _age(sight, store.oldest_ready_at))


def _canaries(sight: Sight) -> Iterator[Metric]:
    trips, waits = [], []
    for mailbox, sent in sight.canaries.items():
        back = next((each for each in sent if each.returned_at), None)
        if back is not None and back.returned_at is not None:
            trips.append(((mailbox,), max(0.0, (back.returned_at - back.sent_at).total_seconds())))
        if sent:
            out = [each.sent_at for each in sent if back is None or each.sent_at > back.sent_at]
            waits.append(((mailbox,), _age(sight, min(out, default=None))))
    yield _labelled("canary_round_trip_seconds", "How long the last canary took that came back.", ("mailbox",), trips)
    yield _labelled("canary_missing_seconds", "Since when no canary came back; 0: none is out.", ("mailbox",), waits)


def _accounts(sight: Sight) -> Iterator[Metric]:
    up = [((each.account,), float(is_well(each, sight.now))) for each in sight.accounts]
    yield _labelled("imap_up", "Whether an account was listed lately.", ("account",), up)
    listed = [((each.account,), each.last_good_list_at.timestamp())
              for each in sight.accounts if each.last_good_list_at]  # fmt: skip
    yield _labelled("imap_last_list_time_seconds", "When it was last listed as a whole.", ("account",), listed)
    waiting = [((each.account,), each.waiting) for each in sight.accounts]
    yield _labelled("imap_waiting_mails", "Mails still in its folder.", ("account",), waiting)
    states = [((each.account, each.state), 1) for each in sight.accounts]
    yield _labelled("imap_state", "What it is doing.", ("account", "state"), states)


def _watched(observer: Observer) -> Iterator[Metric]:
    hours = observer.watched.hours.items()
    seen = [((mailbox,), float(hour.mails)) for mailbox, hour in hours]
    usual = [((mailbox,), hour.usual) for mailbox, hour in hours]
    yield _labelled("mailbox_hour_mails", "Mails of the last full hour.", ("mailbox",), seen)
    yield _labelled("mailbox_usual_hour_mails", "Mails of that hour in an average of four weeks.", ("mailbox",), usual)
    days = [((what,), left) for what, left in observer.watched.days_left.items()]
    yield _labelled("expires_in_days", "How long a certificate is valid.", ("what",), days)
    if observer.watched.differences is not None:
        yield _gauge("reconcile_differences", "What the last comparison found on one side only.",
                     observer.watched.differences)  # fmt: skip


def _gauge(name: str, tells: str, value: float) -> Metric:
    return GaugeMetricFamily(f"mailgate_{name}", tells, value=value)


def _labelled(
    name: str, tells: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(f"mailgate_{name}", tells, labels=labels)
    for of, value in values:
        family.add_metric(of, value)
    return family


def _age(sight: Sight, at: datetime | None) -> float:
    return max(0.0, (sight.now - at).total_seconds()) if at else 0.0
