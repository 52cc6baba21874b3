"""The escalation ladder over a store: who is told of what, once, whoever sweeps and whenever."""

from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailgate.app import context_of
from mailgate.errors import TryLater
from mailgate.model.operator import Notify, Operator
from mailgate.model.people import Person
from mailgate.model.ticket import Change, Status, WaitingFor
from mailgate.notify.standin import api_key, template_id
from mailgate.store import deadlines, outgoing, people, tables
from mailgate.store.engine import Store
from mailgate.store.tickets import show
from mailgate.tickets.timing import timed
from mailgate.workers import sweep as sweep_module
from mailgate.workers.sweep import Sweep
from tests.make import CLEO, DEV, HELPDESK, make_config
from tests.store import made

LEAD, HEAD = "lena.brook@council.example", Person("hana.head@council.example", "Hana", "Head of Desk", "Service")
LADDER = [
    {"when": "75% of the time has gone", "tell": ["owner"]},
    {"when": "due", "tell": ["owner", "team lead"]},
    {"when": "1 working day late", "tell": ["team lead", "head of desk"], "repeat": "1 working day"},
]
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
REPLY, DUE = START + timedelta(hours=4), datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
REF, OTHER = "MG-7K3F-99", "MG-2346-7T"


class Desk:
    """A store with people, and a clock that the test turns."""

    def __init__(self, store: Store, keys: Path, **changes: Any) -> None:
        config = make_config(escalation=changes.pop("escalation", LADDER), **changes)
        notify = Notify(api_key=api_key())  # of the stand-in; nothing is sent here
        self.config = config.model_copy(update={"operator": Operator(keys=str(keys), notify=notify)})
        self.store, self.now, self.leads = store, START, True
        self.context = context_of(self.config, store)
        with store.write() as tx:
            people.put(tx, [CLEO, DEV, HEAD])

    def opened(self, ref: str = REF, **more: Any) -> Any:
        usual = {"first_reply_due": REPLY, "due_at": DUE, "assignee": CLEO.address, "clock_started_at": START}
        usual |= {"sla_policy": "standard", "priority": "normal", "received_at": START}
        return made.opened(self.store, ref, **(usual | more))

    def sweep(self, at: datetime | None = None) -> None:
        self.now = at or self.now
        Sweep(self.store, self.context, lambda: self.now, lambda: self.leads).turn()

    def told(self) -> list[tuple[str, str]]:
        """Whom the outbox tells what since it was asked last."""
        with self.store.write() as tx:
            mails, work = tables.outbox_mails.c, tables.outbox
            known = tx.execute(select(mails.id, mails.message, mails.recipient).join(work).where(work.c.error == ""))
            found = [row for row in known if row.message in ("at_risk", "breached", "deadlines")]
            tx.execute(work.update().where(work.c.id.in_([row.id for row in found])).values(error="seen"))
        return sorted((row.recipient.partition("@")[0], row.message) for row in found)

    def changed(self, **change: Any) -> None:
        ticket = made.ticket(self.store, REF)
        asked = timed(Change(ticket, **change), self.config, self.now)
        made.applied(self.store, made.follow_up(made.spooled(self.store), ticket, changes=(asked,)))

    def events(self, ref: str = REF) -> list[dict[str, Any]]:
        with self.store.read() as connection:
            return [event for event in show(connection, ref)["events"] if event["what"] == "escalated"]


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path / "keys")


def test_each_rung_tells_its_people_once_at_its_minute(desk: Desk) -> None:
    desk.opened(first_reply_due=None)
    for at, told in [
        (START, []),
        (datetime(2026, 11, 24, 12, 59, tzinfo=UTC), []),
        (datetime(2026, 11, 24, 13, 0, tzinfo=UTC), [("cleo.marsh", "at_risk")]),  # 12 of 16 hours
        (datetime(2026, 11, 24, 13, 1, tzinfo=UTC), []),
        (DUE, [("cleo.marsh", "breached"), ("lena.brook", "breached")]),
        (DUE + timedelta(hours=23), []),
        (DUE + timedelta(days=1), [("hana.head", "breached"), ("lena.brook", "breached")]),
        (DUE + timedelta(days=2), [("hana.head", "breached"), ("lena.brook", "breached")]),
    ]:
        desk.sweep(at)
        assert (at, desk.told()) == (at, told)
    rungs = [event["data"]["rungs"] for event in desk.events()]
    assert rungs == [["75% of the time has gone"], ["due"], ["1 working day late"], ["1 working day late"]]


def test_R19_nothing_happens_twice_when_the_clock_jumps_back_or_two_sweep(desk: Desk) -> None:
    desk.opened()
    desk.sweep(DUE)
    assert desk.told()
    for at in (REPLY, DUE, START, DUE):
        desk.sweep(at)
    assert desk.told() == []


def test_a_look_that_another_node_took_meanwhile_is_left_alone(desk: Desk) -> None:
    desk.opened()
    sweep = Sweep(desk.store, desk.context, lambda: DUE, lambda: True)
    looks, _ = sweep._looks(DUE)
    assert [deadlines.take(desk.store, looks, DUE) for _ in range(2)] == [3, 0]
    assert len(desk.events()) == 1


def test_who_does_not_lead_does_nothing(desk: Desk) -> None:
    desk.opened()
    desk.leads = False
    desk.sweep(DUE)
    assert desk.told() == []


def test_the_first_reply_has_a_clock_of_its_own_that_ends_when_somebody_takes_it(desk: Desk) -> None:
    desk.opened()
    desk.sweep(REPLY)
    assert desk.told() == [("cleo.marsh", "breached"), ("lena.brook", "breached")]
    desk.changed(status=Status.OPEN, first_reply_at=REPLY)
    desk.sweep(REPLY + timedelta(days=1, hours=2))
    assert desk.told() == [("cleo.marsh", "at_risk")]  # of the other clock alone


def test_a_wait_for_the_requester_stops_the_ladder_and_one_for_others_does_not(desk: Desk) -> None:
    desk.opened(first_reply_due=None)
    desk.changed(status=Status.WAITING, waiting_for=WaitingFor.REQUESTER)
    desk.sweep(DUE)
    assert desk.told() == []
    desk.changed(status=Status.WAITING, waiting_for=WaitingFor.THIRD_PARTY)
    thursday = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)  # an hour had gone before, 15 stood still, and now 11 more
    desk.sweep(thursday - timedelta(minutes=1))
    assert desk.told() == []
    desk.sweep(thursday)
    assert desk.told() == [("cleo.marsh", "at_risk")]
    desk.sweep(thursday + timedelta(hours=4))
    assert desk.told() == [("cleo.marsh", "breached"), ("lena.brook", "breached")]


def test_after_an_outage_each_person_gets_one_mail_of_what_is_still_so(desk: Desk) -> None:
    desk.opened()
    desk.opened(OTHER, first_reply_due=None)
    desk.sweep(DUE + timedelta(days=3))
    assert desk.told() == [("cleo.marsh", "deadlines"), ("hana.head", "deadlines"), ("lena.brook", "deadlines")]
    with desk.store.read() as connection:
        sent = [mail for mail in show(connection, REF)["outgoing"] if mail["message"] == "deadlines"]
    assert {mail["subject"] for mail in sent} == {f"[{REF}] Several requests are late or soon will be"}


def test_a_batch_is_bounded_and_the_longest_due_come_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailgate.workers.sweep.BATCH", 1)
    monkeypatch.setattr("mailgate.workers.sweep.MOST_BATCHES", 2)
    desk.opened(OTHER, first_reply_due=None, clock_started_at=START + timedelta(hours=1))
    desk.opened(first_reply_due=None)
    desk.opened("MG-G6C4-XM", first_reply_due=None, clock_started_at=START + timedelta(hours=2))
    desk.sweep(DUE)
    assert [bool(desk.events(ref)) for ref in (REF, OTHER, "MG-G6C4-XM")] == [True, True, False]
    desk.sweep(DUE)
    assert desk.events("MG-G6C4-XM")


def test_one_ticket_that_cannot_be_looked_at_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.opened(first_reply_due=None)
    desk.opened(OTHER, first_reply_due=None)
    climb = sweep_module.climb
    broken = lambda ticket, *rest: 1 / 0 if ticket.ref == REF else climb(ticket, *rest)  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(sweep_module, "climb", broken)
        desk.sweep(DUE)
    assert [bool(desk.events(ref)) for ref in (REF, OTHER)] == [False, True]
    desk.sweep(DUE + timedelta(hours=1))
    assert desk.events(REF)


def test_what_was_closed_meanwhile_is_not_told(desk: Desk) -> None:
    desk.opened()
    sweep = Sweep(desk.store, desk.context, lambda: DUE, lambda: True)
    deadlines.take(desk.store, sweep._looks(DUE)[0], DUE)
    desk.changed(status=Status.DONE, closed_at=DUE)
    desk.sweep(DUE)
    assert desk.told() == []


def test_who_is_away_is_not_told_and_the_lead_is(desk: Desk) -> None:
    with desk.store.write() as tx:
        people.set_away(tx, CLEO.address, date(2026, 11, 30))
    desk.opened(first_reply_due=None)
    desk.opened(OTHER, first_reply_due=None, assignee=None, due_at=DUE + timedelta(days=30))
    desk.sweep(DUE - timedelta(hours=1))
    assert desk.told() == [("lena.brook", "at_risk")]


@pytest.mark.parametrize("share_work", ["leave unassigned", "in turn"])
def test_a_rung_gives_the_ticket_to_whoever_is_on_duty_and_raises_its_priority(
    store: Store,
    tmp_path: Path,
    share_work: str,
) -> None:
    then = ["give it to whoever is on duty", "raise the priority"]
    ladder = [{"when": "due", "tell": ["team lead"], "then": then}]
    defaults = {"calendar": "office", "share_work": share_work}
    priorities = {"high": "urgent", "normal": "standard"}
    desk = Desk(store, tmp_path / "keys", escalation=ladder, defaults=defaults, priorities=priorities)
    with store.write() as tx:
        people.set_away(tx, CLEO.address, date(2026, 11, 30))
    desk.opened()  # with two clocks, each of which would do both
    desk.sweep(DUE)
    ticket = made.ticket(store, REF)
    assert (ticket.assignee, ticket.priority, ticket.due_at) == (DEV.address, "high", DUE)
    assert desk.told() == [("dev.patel", "breached"), ("lena.brook", "deadlines")]
    assert desk.events()[0]["personal"] == {"told": sorted([DEV.address, LEAD]), "given to": [DEV.address]}


@pytest.fixture
def alerting(store: Store, tmp_path: Path) -> Desk:
    """A desk that tells by GOV.UK Notify too, and whose lead asked for text messages."""
    templates = {key: template_id(key) for key in ("at_risk", "breached", "at_risk_text", "breached_text")}
    alerts = {"templates": templates, "texts_to": {LEAD: "07700 900123"}}
    ladder = [{"when": "75% of the time has gone", "tell": ["team lead"]}, *LADDER[1:]]
    return Desk(store, tmp_path / "keys", alerts=alerts, escalation=ladder)


def sent(desk: Desk, *, to: str) -> list[tuple[str, str]]:
    with desk.store.read() as connection:
        found = outgoing.listing(connection)
    names = ("at_risk", "breached", "deadlines", "breached_text", "at_risk_text")
    return sorted((mail["message"], mail["way"]) for mail in found if mail["to"] == to and mail["message"] in names)


def test_a_breach_also_goes_by_text_to_those_who_asked_and_what_is_at_risk_does_not(alerting: Desk) -> None:
    alerting.opened(first_reply_due=None)
    alerting.sweep(DUE - timedelta(hours=1))
    assert sent(alerting, to=LEAD) == [("at_risk", "mail"), ("at_risk", "notify")]
    assert sent(alerting, to="07700900123") == []
    alerting.sweep(DUE)
    assert sent(alerting, to=LEAD)[2:] == [("breached", "mail"), ("breached", "notify")]
    assert sent(alerting, to="07700900123") == [("breached_text", "text")]
    assert sent(alerting, to=CLEO.address) == [("breached", "mail"), ("breached", "notify")]


def test_of_several_breaches_one_goes_by_text_and_one_mail_lists_them(alerting: Desk) -> None:
    alerting.opened()
    alerting.opened(OTHER)
    alerting.sweep(DUE)
    assert sent(alerting, to=LEAD) == [("deadlines", "mail")]
    assert sent(alerting, to="07700900123") == [("breached_text", "text")]


@pytest.mark.parametrize("refs", [[REF], [REF, OTHER]], ids=["breached", "deadlines"])
def test_who_has_a_restricted_request_is_told_to_its_team_alone(alerting: Desk, refs: list[str]) -> None:
    for ref in refs:
        alerting.opened(ref, show_to="named", first_reply_due=None)
    alerting.sweep(DUE + timedelta(days=1))
    with alerting.store.read() as connection:
        work = tables.outbox_mails.c
        found = connection.execute(select(work.recipient, work.message, work.content)).all()
    late = [row for row in found if row.message.startswith(("breached", "deadlines"))]
    naming = {row.recipient for row in late if CLEO.address in body(row.content)}
    assert {row.recipient for row in late} - naming == {HEAD.address}
    assert LEAD in naming
    assert "nobody yet" not in " ".join(body(row.content) for row in late)


def body(content: bytes) -> str:
    """What a mail says, or an alert."""
    if content.startswith(b"{"):
        return content.decode()
    mail = message_from_bytes(content, policy=policy.default)
    return " ".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")


def test_a_ticket_that_is_with_somebody_on_duty_stays_there(store: Store, tmp_path: Path) -> None:
    ladder = [{"when": "due", "tell": ["owner"], "then": "give it to whoever is on duty"}]
    desk = Desk(store, tmp_path / "keys", escalation=ladder)
    desk.opened(first_reply_due=None)
    desk.sweep(DUE)
    assert made.ticket(store, REF).assignee == CLEO.address


def test_a_mailbox_that_only_observes_sends_nothing(store: Store, tmp_path: Path) -> None:
    boxes = {HELPDESK: {"team": "desk", "usually": "hardware", "mode": "observe"}}
    desk = Desk(store, tmp_path / "keys", mailboxes=boxes)
    desk.opened(first_reply_due=None)
    desk.sweep(DUE - timedelta(hours=1))
    with desk.store.read() as connection:
        states = [m["state"] for m in show(connection, REF)["outgoing"] if m["message"] == "at_risk"]
    assert states == ["observed"]


def test_another_ladder_is_climbed_by_the_tickets_that_there_are(store: Store, tmp_path: Path) -> None:
    desk = Desk(store, tmp_path / "keys")
    desk.opened(first_reply_due=None)
    desk.sweep(START)
    earlier = [{"when": "10% of the time has gone", "tell": ["team lead"]}, *LADDER]
    other = Desk(store, tmp_path / "keys", escalation=earlier)
    other.sweep(START + timedelta(hours=2))
    assert other.told() == [("lena.brook", "at_risk")]


def test_a_crash_between_taking_a_rung_and_telling_of_it_loses_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.opened(first_reply_due=None)
    with monkeypatch.context() as broken:
        broken.setattr("mailgate.workers.sweep.Overdue.turn", _away)
        with pytest.raises(TryLater):
            desk.sweep(DUE - timedelta(hours=1))
    assert desk.told() == []
    desk.sweep(DUE - timedelta(hours=1))
    assert desk.told() == [("cleo.marsh", "at_risk")]


def _away(*_: object) -> int:
    raise TryLater("the store is away")
