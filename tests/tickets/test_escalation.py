"""Whom a rung tells and what it does, where people have roles, units and leave."""

from datetime import date, timedelta
from typing import Any

import pytest

from mailgate.model.people import Person, Worker
from mailgate.sla.ladder import Running
from mailgate.tickets.escalation import Around, Reached, climb
from tests.make import ANN, CLEO, DEV, NOW, make_config, make_ticket

LEAD = "lena.brook@council.example"
NORTH = Person("nora@council.example", "Nora", "Head of Unit", "North")
SOUTH = Person("saul@council.example", "Saul", "head of unit", "South")
OUTSIDE = Person("paul@partner.example", "Paul", "head of unit", "North")
PRIORITIES = {"high": "urgent", "normal": "standard"}


def reached(ticket: Any, *tell: str, team: Any = None, then: Any = (), unit: str = "", away: Any = None) -> Reached:
    """What the rung "due" does to *ticket*, whose requester is of *unit*; Cleo is *away* until then."""
    config = make_config(
        escalation=[{"when": "due", "tell": list(tell), "then": then}],
        teams={"desk": {"lead": "lena.brook"} if team is None else team, "field-team": {}},
        priorities=PRIORITIES,
    )
    workers = [Worker(CLEO.address, "desk", away_until=away), Worker(DEV.address, "desk")]
    around = Around(workers, [NORTH, SOUTH, OUTSIDE], {ANN: Person(ANN, "Ann", unit=unit)})
    return climb(ticket, "finish", Running(NOW - timedelta(hours=1), NOW), {}, around, config, NOW)


@pytest.mark.parametrize(
    ("tell", "more", "told"),
    [
        (["owner"], {}, [CLEO.address]),
        (["owner"], {"away": date(2026, 11, 30)}, [LEAD]),
        (["owner"], {"away": date(2026, 11, 22)}, [CLEO.address]),
        (["owner", "team lead"], {}, [CLEO.address, LEAD]),
        (["Team Lead"], {"team": {}}, [CLEO.address, DEV.address]),
        (["head of unit"], {"unit": "North, first floor"}, [NORTH.address]),
        (["head of unit"], {"team": {"units": ["South"]}}, [SOUTH.address]),
        (["head of unit"], {}, [NORTH.address, SOUTH.address]),
        (["head of unit"], {"unit": "South", "team": {"units": ["North"]}}, [SOUTH.address]),
        (["director"], {}, [LEAD]),
        (["team lead", "director"], {}, [LEAD]),
    ],
)
def test_a_rung_tells_whom_it_names_or_the_lead(tell: list[str], more: dict[str, Any], told: list[str]) -> None:
    assert list(reached(make_ticket(assignee=CLEO.address), *tell, **more).readers[0]) == told


def test_what_nobody_has_yet_is_told_to_the_lead() -> None:
    assert reached(make_ticket(), "owner").readers == ((LEAD,),)


def test_nobody_outside_is_told_and_no_mailbox_of_ours() -> None:
    ticket = make_ticket(assignee="helpdesk@council.example")
    assert reached(ticket, "owner").readers == ((),)
    assert reached(make_ticket(), "head of unit", unit="North").readers == ((NORTH.address,),)


@pytest.mark.parametrize(("before", "after"), [("normal", "high"), ("high", None), (None, None), ("unknown", None)])
def test_a_priority_is_raised_by_one_and_the_highest_stays(before: str | None, after: str | None) -> None:
    found = reached(make_ticket(priority=before, assignee=CLEO.address), "owner", then="raise the priority")
    assert (found.change.priority if found.change else None) == after


def test_the_history_says_what_was_done_and_names_people_only_where_they_can_be_erased() -> None:
    event = reached(make_ticket(assignee=CLEO.address), "owner", then="raise the priority").event
    assert event is not None
    assert event.data == {"clock": "finish", "rungs": ["due"], "priority": "high"}
    assert event.personal == {"told": [CLEO.address]}
