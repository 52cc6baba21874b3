"""P19: the ingest rate while a million old tickets are being forgotten, against the same gateway left alone."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from bench.ingest import ROLES, ingest_rate
from bench.lookup import COUNTED, FILLED
from bench.peers import MAILGATE, REPOSITORY, Gateway, environment, gateway
from bench.table import Row
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as Place
from mailgate.store.columns import microseconds
from mailgate.store.engine import open_store
from mailgate.store.schema import upgrade

MANY, ROUNDS, COUNT = 1_000_000, 5, 1500
CLOSED_AT = datetime.now(UTC) - timedelta(days=3 * 366)  # words and names are due, histories are not
# Besides what P18 has: the bytes of each mail, an event, and that all of it is over.
OLD = (
    *FILLED,
    """
    INSERT INTO raw_mails (id, key, sender, recipients, source, peer, vouched, silent, received_at, content)
    SELECT i, printf('%064d', i), 'p' || i || '@desk.example', '["help@desk.example"]', 'smtp', '127.0.0.1', 1, 0, :at,
        zeroblob(600) FROM n
    """,
    """
    INSERT INTO outbox (id, state, run_at, attempts, doubts, error)
    SELECT i, 'sent', 0, 1, 0, '' FROM n
    """,
    """
    INSERT INTO attachments (mail_id, part, filename, content_type, size, sha256, inline)
    SELECT i, 1, 'a.pdf', 'application/pdf', 1, '', 0 FROM n
    """,
    "UPDATE tickets SET status = 'done', closed_at = :at + id WHERE :count > 0",
)


def measure() -> list[Row]:
    alone, beside, forgotten = [], [], 0
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch:
        folder = Path(scratch)
        _filled(folder)
        with gateway(folder, ROLES) as running:
            ingest_rate(running, COUNT, seed=1000)  # what is made once
            for turn in range(ROUNDS):
                alone.append(ingest_rate(running, COUNT, seed=2 * turn))
                with _forgetting(running):
                    beside.append(ingest_rate(running, COUNT, seed=2 * turn + 1))
            forgotten = running.rows("SELECT count(*) FROM tickets WHERE forgotten > 0")
    ratio = statistics.median(with_it / without for with_it, without in zip(beside, alone, strict=True))
    rates = f"{statistics.median(beside):.0f}/s, alone {statistics.median(alone):.0f}/s"
    compared = f"{rates}; {forgotten:,} of {MANY:,} tickets were forgotten meanwhile"
    return [Row("P19", "ingest while old tickets are forgotten", f"{ratio:.2f} x", "0.9 x", "0.95 x", compared)]


def _filled(folder: Path) -> None:
    """A store of so many tickets that were closed three years ago."""
    store = open_store(Operator(store=Place(url=f"sqlite:///{folder}/mailgate.db", raw=f"{folder}/raw")))
    upgrade(store)
    values = {"count": MANY, "at": microseconds(CLOSED_AT)}
    with store.write() as tx:
        for each in OLD:
            statement = text((COUNTED if "FROM n" in each else "") + each)
            tx.execute(statement, {name: values[name] for name in statement.compile().params})
    store.close()


@contextmanager
def _forgetting(running: Gateway) -> Iterator[None]:
    """``mailgate retention run`` beside the gateway; it has begun, and is not through before the block ends."""
    before = running.rows("SELECT count(*) FROM tickets WHERE forgotten > 0")
    command = [*MAILGATE, "retention", "run"]
    process = subprocess.Popen(
        command, env=environment(running.folder, running.port), cwd=REPOSITORY, stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while running.rows("SELECT count(*) FROM tickets WHERE forgotten > 0") == before:
            assert time.monotonic() < until, "nothing was forgotten within a minute"
            time.sleep(0.1)
        yield
        assert process.poll() is None, "everything was forgotten before the mails were in: take more tickets"
    finally:
        process.terminate()
        process.wait(20)
