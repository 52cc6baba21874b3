"""Who gets a new ticket."""

from datetime import date

import pytest

from mailgate.model.config import Config
from mailgate.model.people import Worker
from mailgate.tickets.sharing import share
from tests.make import NOW, make_config, make_facts

BUSY = Worker("busy@council.example", "desk", open_tickets=5, last_ticket=3)
IDLE = Worker("idle@council.example", "desk", open_tickets=1, last_ticket=9)
FIELD = Worker("field@council.example", "field-team")
YESTERDAY, TODAY = date(2026, 11, 22), NOW.date()


def config(how: str, **team: str) -> Config:
    defaults = {"calendar": "office", "priority": "normal", "team": "desk", "share_work": how}
    return make_config(defaults=defaults, teams={"desk": team, "field-team": {}})


def given(how: str, *workers: Worker, team: str | None = "desk", **settings: str) -> str | None:
    return share(team, config(how, **settings), make_facts(workers=workers))[0]


@pytest.mark.parametrize(
    ("how", "who"),
    [("to the least busy person on duty", IDLE.address), ("in turn", BUSY.address), ("leave unassigned", None)],
)
def test_how_work_is_shared(how: str, who: str | None) -> None:
    assert given(how, BUSY, IDLE, FIELD) == who


def away(worker: Worker, until: date) -> Worker:
    return Worker(worker.address, worker.team, worker.open_tickets, worker.last_ticket, until)


def test_nobody_gets_work_up_to_the_last_day_of_an_absence() -> None:
    least = "to the least busy person on duty"
    assert given(least, BUSY, away(IDLE, TODAY)) == BUSY.address
    assert given(least, BUSY, away(IDLE, YESTERDAY)) == IDLE.address
    assert given(least, away(IDLE, TODAY)) is None


def test_the_team_that_covers_gets_the_work_of_one_that_is_away() -> None:
    config_ = config("in turn", cover="field-team")
    who, (why,) = share("desk", config_, make_facts(workers=(away(IDLE, TODAY), FIELD)))
    assert (who, why.effect) == (FIELD.address, "in turn; field-team covers")
    assert given("in turn", IDLE, FIELD, cover="field-team") == IDLE.address


def test_without_a_team_or_its_people_a_ticket_stays_unassigned() -> None:
    assert given("in turn", team=None) is None
    assert given("in turn", FIELD) is None
    assert given("in turn", team="gone") is None


def test_what_was_given_a_moment_ago_counts() -> None:
    facts = make_facts(workers=(BUSY, IDLE)).after_giving({IDLE.address: 5})
    for how in ("to the least busy person on duty", "in turn"):
        assert share("desk", config(how), facts)[0] == BUSY.address
