"""The laws of commissions: whatever is moved, returned and approved, and in whatever order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.model.commission import Child, Commission, State
from mailgate.model.promises import Chase, Commissions
from mailgate.model.spans import Span, Unit, When
from mailgate.model.ticket import OPEN_STATUSES, Change, Status
from mailgate.notify.returned import named
from mailgate.tickets.commission import Compile, Send, carried_by, due_of_unit, next_step, team_of
from mailgate.tickets.return_words import rows_of, says_nil, tables_of, words_of_return
from tests.make import NOW, SERVICE, make_config, make_ticket

UNITS = ("North", "South", "West")
CONFIG = make_config(
    teams={**SERVICE["teams"], **{unit.lower(): {"units": [unit]} for unit in UNITS}},
    commissions={"ask": UNITS, "answer_by": "2 working days before the deadline", "compiled_by": "desk"},
)
ASKED = CONFIG.service.commissions
assert ASKED is not None
DEADLINES = st.integers(1, 60).map(lambda days: NOW + timedelta(days=days))
DEADLINE = datetime(2026, 12, 11, 17, 0, tzinfo=UTC)


def commission(deadline: datetime = DEADLINE, returned: tuple[int, ...] = (0, 0, 0)) -> Commission:
    parent = make_ticket(id=1, starts="commission", due_at=deadline)
    assert ASKED is not None
    due_at = due_of_unit(deadline, ASKED, parent.received_at, None, CONFIG)
    children = (
        Child(make_ticket(f"MG-{number}", id=number, unit=unit, parent=1, due_at=due_at), returns)
        for number, (unit, returns) in enumerate(zip(UNITS, returned, strict=True), start=2)
    )
    return Commission(parent, tuple(children))


def after(found: Commission, change: Change) -> Commission:
    """The commission once *change* of its parent was carried to the units."""
    moved = {each.ticket.id: each for each in carried_by(change, found, CONFIG, NOW)}
    children = (
        replace(child, ticket=moved[child.ticket.id].after if child.ticket.id in moved else child.ticket)
        for child in found.children
    )
    return replace(found, parent=change.after, children=tuple(children))


@given(DEADLINES)
def test_a_unit_answers_before_the_whole_is_due_and_never_in_the_past(deadline: datetime) -> None:
    assert ASKED is not None
    assert NOW < due_of_unit(deadline, ASKED, NOW, None, CONFIG) <= deadline


@given(DEADLINES, st.lists(DEADLINES, max_size=4), st.integers(0, 40))
def test_no_unit_is_ever_due_after_the_whole(first: datetime, others: list[datetime], more: int) -> None:
    found = commission(first)
    north = found.children[0]
    own = min(first, (north.ticket.due_at or first) + timedelta(days=more))
    found = replace(found, children=(replace(north, ticket=replace(north.ticket, due_at=own)), *found.children[1:]))
    for deadline in others:
        found = after(found, Change(found.parent, due_at=deadline))
        assert all(child.ticket.due_at <= deadline for child in found.children)


@given(DEADLINES.filter(lambda deadline: deadline > NOW + timedelta(days=7)), DEADLINES)
def test_a_deadline_that_moves_there_and_back_leaves_the_units_as_they_were(first: datetime, other: datetime) -> None:
    found = commission(first)
    moved = after(found, Change(found.parent, due_at=other))
    back = after(moved, Change(moved.parent, due_at=first))
    assert [child.ticket.due_at for child in back.children] == [child.ticket.due_at for child in found.children]


def test_what_has_come_back_is_not_moved() -> None:
    found = commission(returned=(1, 0, 0))
    moved = [
        change.ticket.unit
        for change in carried_by(Change(found.parent, due_at=NOW + timedelta(days=30)), found, CONFIG, NOW)
    ]
    assert moved == ["South", "West"]


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.DONE])
def test_nobody_is_waited_for_once_the_whole_is_over(status: Status) -> None:
    found = after(commission(returned=(1, 0, 0)), Change(commission().parent, status=status))
    assert not [child for child in found.children[1:] if child.ticket.status in OPEN_STATUSES]
    assert found.children[1].state(NOW) is (State.CANCELLED if status is Status.CANCELLED else State.OUTSTANDING)


STEPS = st.lists(st.sampled_from(["return", "approve", "approve the first", "step", "time"]), max_size=30)


@given(STEPS)
def test_nothing_goes_out_but_what_a_person_approved_each_version_once_and_with_all_that_came(steps: list[str]) -> None:
    found, now, sent = commission(), NOW, list[int]()
    for step in steps:
        if step == "return":
            first, *rest = found.children
            found = replace(found, children=(*rest, replace(first, returns=first.returns + 1)))
        elif step == "time":
            now += timedelta(days=8)
        elif step.startswith("approve") and found.version:
            found = replace(found, approved=1 if step.endswith("first") else found.version)
        elif step == "step":
            match next_step(found, now):
                case Compile(version=version):
                    assert version == found.version + 1
                    found = replace(found, version=version, through=found.returns)
                case Send(version=version):
                    assert version == found.approved == found.version
                    assert found.through == found.returns
                    sent.append(version)
                    found = replace(found, sent=version)
    assert sent == sorted(set(sent))


def test_nothing_is_put_together_while_somebody_has_time() -> None:
    assert next_step(commission(returned=(1, 1, 0)), NOW) is None
    assert next_step(commission(returned=(1, 1, 1)), NOW) == Compile(1)
    assert next_step(commission(returned=(1, 0, 0)), DEADLINE) == Compile(1)


# ---- what returns say


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_a_return(text: str) -> None:
    rows_of(text), tables_of(text), words_of_return(text, "North")
    says_nil(text, CONFIG, NOW.date())


@pytest.mark.parametrize(
    ("text", "nil"),
    [
        ("Nil return", True),
        ("Nil return for 1 September to 30 November 2026.", True),
        ("There is nothing to report from us, 0 in all.", True),
        ("Nil return\nSessions: 3", False),
        ("We sent a nil return last time, now it is 14.", False),
        ("Nil return but for POD 2", False),
        ("This isn't a nil return", False),
        ("Nil return\nTel: n/a", True),
    ],
)
def test_nothing_to_report_is_said_in_plain_words_alone(text: str, nil: bool) -> None:
    assert says_nil(text, CONFIG, NOW.date()) is nil


def test_rows_and_tables_are_told_apart() -> None:
    text = "Here it is.\nSessions: 14\nReason\tno staff\nA\tB\tC\n1\t2\t3"
    assert rows_of(text) == (("Sessions", "14"), ("Reason", "no staff"))
    assert tables_of(text) == (("A", "B", "C"), ("1", "2", "3"))


def test_a_correction_says_what_follows_the_unit() -> None:
    assert words_of_return("Correct North: Sessions: 3", "North") == "Sessions: 3"
    assert words_of_return("Correct figures: 3", "North") == "Correct figures: 3"


@given(st.lists(st.sampled_from(["a.csv", "A.csv", "2 a.csv", ""]), max_size=8))
def test_no_two_files_of_a_unit_have_one_name(names: list[str]) -> None:
    found = [name.casefold() for name in named("North", names)]
    assert len(set(found)) == len(names)


# ---- the configuration


def test_the_words_of_the_configuration_are_read_and_written_again() -> None:
    said = "every working day, to the team and the head of unit"
    chase = Chase.parse(said)
    assert (chase.every, chase.tell) == (Span(1, Unit.WORKING_DAYS), ("team", "head of unit"))
    assert str(chase) == said
    assert str(Chase.parse("every 2 working days, to the team")) == "every 2 working days, to the team"
    asked = Commissions(ask=("North",), answer_by="1 working day before the deadline", remind="1 working day before",
                        chase_overdue=said, compiled_by="desk")  # fmt: skip
    assert Commissions.model_validate(asked.model_dump()) == asked
    assert [str(rung.when) for rung in asked.ladder] == ["1 working day before", "due"]


@pytest.mark.parametrize("said", ["2 working days", "before the deadline", "2 days after the deadline"])
def test_when_units_answer_is_so_long_before_the_deadline(said: str) -> None:
    with pytest.raises(ValueError, match='expected "2 working days before the deadline"'):
        Commissions(ask=("North",), answer_by=said, compiled_by="desk")


def test_a_rung_may_come_before_its_time_is_over() -> None:
    when = When.parse("2 working days before")
    assert not when.is_late
    assert str(when) == "2 working days before"


def test_a_unit_is_asked_by_way_of_the_team_that_serves_it() -> None:
    assert team_of("North", CONFIG) == "north"
    assert team_of("Nowhere", CONFIG) is None
