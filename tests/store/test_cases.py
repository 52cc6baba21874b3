"""Figures are those of a plain recount from the histories, whatever happened."""

import tempfile
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.app import context_of
from mailgate.errors import Refused
from mailgate.model.decision import Order
from mailgate.model.operator import Operator
from mailgate.model.people import Person
from mailgate.model.spans import Span
from mailgate.rules.promise import calendars
from mailgate.sla.calendar import due, working_time
from mailgate.sla.clock import OFFICE
from mailgate.sla.figures import Figures, Period, figures
from mailgate.store import people
from mailgate.store.cases import of_period, still_open
from mailgate.store.engine import Store
from mailgate.store.schema import upgrade
from mailgate.workers.order import give
from tests.conversation import Conversation
from tests.make import ANN, BEN, NOW, make_config
from tests.store import made
from tests.store.conftest import opened

PROMISE = Span.parse("2 working days")
RUNS = {"new", "open", "waiting for others"}

ASKS = st.tuples(st.just("asks"), st.sampled_from([ANN, BEN]), st.integers(1, 3), st.booleans())
CHASES = st.tuples(st.just("chases"), st.integers(0, 5))
ORDERS = st.tuples(
    st.just("orders"), st.integers(0, 5), st.sampled_from(["done", "cancel", "reopen", "waiting", "take"])
)
WAITS = st.tuples(st.just("waits"), st.integers(1, 60))
HISTORIES = st.lists(ASKS | CHASES | ORDERS | WAITS, min_size=3, max_size=14)


def lived(talk: Conversation, history: list[Any]) -> None:
    """Let *history* happen."""
    acknowledged = []
    for what, *details in history:
        talk.later(minutes=7)
        match what, details:
            case "asks", [sender, machine, is_whole]:
                room = "I am in room 12." if is_whole else ""
                settled = talk.hears(f"The screen of A0000{machine} does not start. {room}", sender)
                acknowledged += [(ref, settled.outbound[0]) for ref in settled.references]
            case "chases", [number] if acknowledged:
                talk.hears("Any update on this?", ANN, acknowledged[number % len(acknowledged)][1])
            case "orders", [number, do] if acknowledged:
                with suppress(Refused):  # it is so already
                    give(talk.store, talk.context, acknowledged[number % len(acknowledged)][0], Order(do), talk.now)
            case "waits", [hours]:
                talk.later(hours=hours)


def recounted(talk: Conversation, period: Period) -> Figures:
    """The same by counting events, one ticket after the other."""
    counts = ("new", "finished", "cancelled", "promised", "on_time", "open", "late", "duplicates", "chasers")
    found = dict.fromkeys(counts, 0)
    took = []
    for row in talk.tickets():
        events = [(datetime.fromisoformat(event["at"]), event) for event in talk.ticket(str(row["ref"]))["events"]]
        began = since = entered = events[0][0]
        state, worked, closed_at = "", timedelta(), None
        due_at = due(began, PROMISE, OFFICE)
        for at, event in events:
            before, said = state, event["data"].get("status")
            again = event["what"] in ("same request again", "another copy arrived", "sent again")
            found["duplicates"] += again and at in period
            if event["what"] == "same request again":
                said = "open" if before in ("done", "cancelled") else None
            found["chasers"] += event["what"] == "chased" and at in period
            if event["what"] == "timed anew" and "due_at" in event["data"]:
                due_at = datetime.fromisoformat(event["data"]["due_at"]["now"])
            if said is None:
                continue
            worked += working_time(since, at, OFFICE) if before in RUNS else timedelta()
            state, since = said, at
            if said == "waiting" and event["what"] != "opened":  # "take" leaves a wait as it is
                state = "waiting for others" if event["data"].get("do") == "waiting" else before
            entered = entered if state == before else at
            if said in ("done", "cancelled"):
                closed_at = at if before not in ("done", "cancelled") else closed_at
            else:
                closed_at = None
        found["new"] += began in period
        if closed_at is None:
            found["open"] += 1
            found["late"] += due_at < (period.end if state in RUNS else entered)
        elif closed_at in period:
            found["finished" if state == "done" else "cancelled"] += 1
            if state == "done":
                found["promised"] += 1
                found["on_time"] += closed_at <= due_at
                took.append(worked)
    took.sort()
    middle = (took[(len(took) - 1) // 2] + took[len(took) // 2]) / 2 if took else None
    return Figures(**found, took=middle)


@settings(max_examples=15)
@given(HISTORIES)
def test_figures_are_those_of_a_plain_recount_from_the_events(history: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(opened(f"sqlite:///{folder}/mailgate.db")) as store:
        upgrade(store)
        config = make_config().model_copy(update={"operator": Operator(keys=f"{folder}/keys")})
        talk = Conversation(store, context_of(config, store))
        lived(talk, history)
        period = Period(NOW, talk.now + timedelta(minutes=1))
        with store.read() as connection:
            counted = figures(of_period(connection, period, config), period, calendars(config))
        assert counted == recounted(talk, period)


def test_a_request_is_of_the_unit_of_who_asked(store: Store) -> None:
    config = make_config(teams={"desk": {"units": ["North", "South"]}, "field-team": {"units": ["Depot"]}})
    with store.write() as tx:
        people.put(tx, [Person(ANN, "Ann", unit="South Office, Room 2")])
    made.opened(store, "MG-2222-22", made.reading(ANN))
    made.opened(store, "MG-3333-33", made.reading(BEN))
    made.opened(store, "MG-4444-44", made.reading(BEN), team="field-team")
    with store.read() as connection:
        assert [case.unit for case in still_open(connection, config)] == ["South", "", "Depot"]


def test_what_was_closed_before_the_period_is_left_out(store: Store, tmp_path: Path) -> None:
    config = make_config().model_copy(update={"operator": Operator(keys=f"{tmp_path}/keys")})
    made.opened(store)
    give(store, context_of(config, store), "MG-7K3F-99", Order("done"), NOW)
    for begin, expected in ((NOW, 1), (NOW + timedelta(seconds=1), 0)):
        with store.read() as connection:
            assert len(of_period(connection, Period(begin, NOW + timedelta(days=1)), config)) == expected
