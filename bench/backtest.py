"""Stored mails decided again by old and new rules: `rules backtest`, from what is known of them."""

import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.mails import mails
from bench.peers import configured
from bench.table import Row
from mailgate import backtest, journal
from mailgate.app import make_ready
from mailgate.model.config import Config
from mailgate.model.operator import Store as StoreSettings
from mailgate.replay import ingest
from mailgate.store.engine import Store, open_store

ROUNDS, COUNT = 3, 3000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def measure() -> list[Row]:
    journal.configure(only_warnings=True)
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch:
        config = _kept_in(Path(scratch))
        store = open_store(config.operator)
        try:
            make_ready(store, config)
            _fill(store, config, Path(scratch))
            rates = [_rate(config) for _ in range(ROUNDS)]
        finally:
            store.close()
    compared = f"{COUNT} stored mails, each decided by both; with the start of a process for each processor"
    return [Row("P16", "rules backtest", f"{statistics.median(rates):.0f}/s", "1000/s", "2000/s", compared)]


def _kept_in(folder: Path) -> Config:
    config = configured()
    settings = StoreSettings(url=f"sqlite:///{folder}/mailgate.db", raw=f"{folder}/raw")
    operator = config.operator.model_copy(update={"store": settings, "keys": f"{folder}/keys"})
    return config.model_copy(update={"operator": operator})


def _fill(store: Store, config: Config, folder: Path) -> None:
    (folder / "mail").mkdir()
    for number, raw in enumerate(mails(COUNT, seed=7)):
        (folder / "mail" / f"{number}.eml").write_bytes(raw)
    for _ in ingest(config, store, [folder / "mail"], None, answer=False):
        pass


def _rate(config: Config) -> float:
    """Mails a second; the new rules are the old ones but for a priority."""
    courts = config.service.categories["court"].model_copy(update={"priority": "low"})
    service = config.service.model_copy(update={"categories": {**config.service.categories, "court": courts}})
    changed = config.model_copy(update={"version": "changed", "service": service})
    begun = time.perf_counter()
    batches = list(backtest.backtest(config.operator, backtest.Rules(config, changed), BEGINNING))
    seconds = time.perf_counter() - begun
    assert sum(batch.mails for batch in batches) == COUNT
    assert any(batch.moved for batch in batches)
    return COUNT / seconds
