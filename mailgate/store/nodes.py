"""The gateways that work on this store, as each has told of itself, by the store's clock."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from mailgate.store.columns import MOMENT, instant, microseconds
from mailgate.store.engine import Store, upsert
from mailgate.store.examination import Finding
from mailgate.store.tables import nodes

FORGOTTEN_AFTER = timedelta(days=1)
SILENT_AFTER = timedelta(minutes=2)
MOST_AHEAD = timedelta(seconds=60)  # docs/reliability.md section 2


@dataclass(frozen=True, slots=True)
class Running:
    """What a node runs: the program's *version*, its *schema*, and the version of its configuration."""

    version: str
    schema: str
    config: str


@dataclass(frozen=True, slots=True)
class Node:
    """*silent_for*: since when it has not been seen. *ahead*: how far its clock is before the store's, or behind it."""

    name: str
    running: Running
    started_at: datetime
    seen_at: datetime
    silent_for: timedelta
    ahead: timedelta

    @property
    def is_present(self) -> bool:
        return self.silent_for < SILENT_AFTER

    @property
    def is_wrong(self) -> bool:
        """Whether its clock cannot be relied on."""
        return abs(self.ahead) > MOST_AHEAD


def tell(store: Store, name: str, running: Running, started_at: datetime | None, clock: Callable[[], datetime]) -> Node:
    """The node *name* is here, since *started_at*, None for just now. Those not seen for a day are forgotten."""
    with store.write() as tx:
        before = clock()
        now = tx.execute(select(MOMENT)).scalar_one()
        own = before + (clock() - before) / 2
        told = Node(name, running, started_at or instant(now), instant(now), timedelta(), own - instant(now))
        tx.execute(upsert(tx, nodes), _row(told))
        tx.execute(delete(nodes).where(nodes.c.seen_at < now - FORGOTTEN_AFTER // timedelta(microseconds=1)))
    return told


def _row(node: Node) -> dict[str, object]:
    return {
        "name": node.name,
        "version": node.running.version,
        "schema": node.running.schema,
        "config": node.running.config,
        "started_at": microseconds(node.started_at),
        "seen_at": microseconds(node.seen_at),
        "ahead": node.ahead // timedelta(microseconds=1),
    }


def forget(store: Store, name: str) -> None:
    """The node *name* ended in good order."""
    with store.write() as tx:
        tx.execute(delete(nodes).where(nodes.c.name == name))


def seen(connection: Connection) -> Sequence[Node]:
    """Those of the last day, by name."""
    rows = connection.execute(select(nodes, MOMENT.label("now")).order_by(nodes.c.name))
    return [
        Node(
            row.name,
            Running(row.version, row.schema, row.config),
            instant(row.started_at),
            instant(row.seen_at),
            timedelta(microseconds=max(0, row.now - row.seen_at)),
            timedelta(microseconds=row.ahead),
        )
        for row in rows
    ]


def examine(store: Store, ours: Running) -> Iterator[Finding]:
    """What ``doctor`` tells of each: whether it is there, runs what we would run here, and knows what time it is."""
    with store.read() as connection:
        found = seen(connection)
    for node in found:
        what = f"node {node.name}"
        if not node.is_present:
            seconds = node.silent_for // timedelta(seconds=1)
            yield False, what, f"It was last seen {seconds} seconds ago: does it run, and reach the database?"
            continue
        differing = [f"{one} {theirs}" for one, theirs, here in _compared(node.running, ours) if theirs != here]
        if differing:
            says = f"It runs {', '.join(differing)}, which is not what is here: bring both to the same."
            yield False, what, says
        if node.is_wrong:
            yield False, what, f"Its clock is {_off(node)} the database's: let chrony or systemd-timesyncd set it."
        if not differing and not node.is_wrong:
            yield True, what, f"It runs version {ours.version} with configuration {ours.config}."


def _compared(theirs: Running, ours: Running) -> Iterator[tuple[str, str, str]]:
    yield "version", theirs.version, ours.version
    yield "schema", theirs.schema, ours.schema
    yield "configuration", theirs.config, ours.config


def _off(node: Node) -> str:
    seconds = round(abs(node.ahead).total_seconds())
    return f"{seconds} seconds {'before' if node.ahead > timedelta() else 'behind'}"
