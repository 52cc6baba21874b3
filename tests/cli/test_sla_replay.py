"""``mailgate sla replay``: last month's figures by other promises."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from mailgate.settings import load
from mailgate.store.engine import open_store
from mailgate.store.tables import tickets
from tests.cli.conftest import Shell
from tests.cli.test_report import _mail
from tests.make import ANN

PERIOD = ("--from", "2026-11-23", "--to", "2026-11-30")
CAME = datetime(2026, 11, 23, 10, tzinfo=UTC)  # a Monday; due on Wednesday at 5pm


@pytest.fixture
def shell(mailgate: Shell, tmp_path: Path) -> Shell:
    """One request that was done on Wednesday at 4pm, in 22 working hours."""
    (tmp_path / "1.eml").write_text(_mail(1, ANN, "Broken screen A12345, room 7"))
    assert mailgate("ingest", str(tmp_path / "1.eml"))[0] == 0
    ref = json.loads(mailgate("ticket", "list", "--json")[1])[0]["ref"]
    assert mailgate("ticket", "set", ref, "--status", "done")[0] == 0
    store = open_store(load([mailgate.config], {}).operator)
    due_at = CAME + timedelta(days=2, hours=7)
    with store.write() as tx:
        times = {
            "received_at": CAME,
            "closed_at": CAME + timedelta(days=2, hours=6),
            "due_at": due_at,
            "paused_seconds": 0,
        }
        tx.execute(update(tickets).values(times))
    store.close()
    return mailgate


def replayed(shell: Shell, tmp_path: Path, tried: dict[str, object]) -> dict[str, object]:
    (tmp_path / "tried.yml").write_text(json.dumps(tried))
    code, said, errors = shell("sla", "replay", "--with", str(tmp_path / "tried.yml"), *PERIOD, "--json")
    assert code == 0, errors
    (row,) = json.loads(said)
    return row


def test_a_shorter_promise_would_have_been_broken(shell: Shell, tmp_path: Path) -> None:
    row = replayed(shell, tmp_path, {"sla": {"standard": {"finish": "1 working day"}}})
    assert (row["within_time"], row["would_be"], row["working_hours"], row["would_be_hours"]) == (1, 0, 22.0, 22.0)


def test_longer_hours_count_more_time_and_end_the_day_later(shell: Shell, tmp_path: Path) -> None:
    office = {"hours": "Monday to Friday, 8am to 8pm"}
    row = replayed(shell, tmp_path, {"calendars": {"office": office}})
    assert (row["would_be"], row["would_be_hours"]) == (1, 30.0)


def test_what_is_tried_is_checked_as_a_configuration_is(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "tried.yml").write_text('sla: {standard: {finish: "soon"}}\n')
    code, _, errors = shell("sla", "replay", "--with", str(tmp_path / "tried.yml"), *PERIOD)
    assert code == 2
    assert "tried.yml:1:26" in errors
