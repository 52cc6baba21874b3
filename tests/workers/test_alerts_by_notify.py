"""Alerts on their whole way: a row of the outbox, the real client, the stand-in, its receipts, the ticket."""

import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

import pytest
from sqlalchemy import text

from mailgate.model.outbound import Outbound, Way
from mailgate.notify.govuk import Govuk
from mailgate.notify.standin import StandIn, api_key, template_id
from mailgate.notify.texts import TEXTS
from mailgate.store import contacts, outbox, outgoing, pauses, receipts
from mailgate.store.outbox import Queued
from mailgate.store.schema import upgrade
from mailgate.store.tickets import show
from mailgate.web.pages import receipts_door
from mailgate.web.server import Server
from mailgate.workers.delivery import Around, Delivery
from mailgate.workers.receipts import Receipts
from tests.store import made
from tests.store.conftest import opened

REF, TOKEN = "MG-7K3F-99", "a token of ours"
VALUES = {"reference": REF, "received_on": "today", "reply_by": "tomorrow", "team_name": "Desk"}


@dataclass
class Gateway:
    """A store, the stand-in, and a delivery for e-mails by Notify; ``hurry`` makes waiting rows due."""

    store: object
    there: StandIn
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ids = {key: template_id(key) for key in TEXTS}
        self.receipts = Receipts(self.store, "abc", now)
        self.delivery = self.made(Way.NOTIFY)

    def made(self, way: Way, key: str = "") -> Delivery:
        tell = lambda name, *_: self.told.append(name)  # noqa: E731
        around = Around(self.store, now, lambda: 0.5, Event(), tell)
        self.govuk = Govuk(way, key or api_key(), self.there.url, "abc", self.ids, now, lambda: 0.5, 2.0)
        return Delivery(way, self.govuk, around)

    def queue(self, *numbers: int, message: str = "received", ticket_id: int | None = None, **more) -> None:
        mails = [
            Outbound(
                message=message,
                recipient=more.get("to", f"p{number}@council.example"),
                sender="",
                subject="s",
                message_id=f"<{message}.{number}@notify>",
                content=json.dumps(more.get("values", VALUES)).encode(),
                cause=f"c{number}",
                serial=0,
                way=more.get("way", Way.NOTIFY),
            )
            for number in numbers
        ]
        with self.store.write() as tx:
            outbox.queue(tx, [Queued(mail, ticket_id, now(), to_stranger=False) for mail in mails])

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            with self.store.write() as tx:
                tx.execute(text("UPDATE outbox SET run_at = 0 WHERE state = 'ready'"))
                tx.execute(text("UPDATE pauses SET until = 0"))
                tx.execute(text("UPDATE paces SET free_at = 0"))
            self.delivery.turn()

    def rows(self) -> list[tuple]:
        with self.store.read() as connection:
            return [(row["state"], row["attempts"], row["receipt"]) for row in outgoing.listing(connection)]

    def states(self) -> list[str]:
        return [row[0] for row in self.rows()]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def gateway(tmp_path):
    store = opened(f"sqlite:///{tmp_path}/mailgate.db")
    upgrade(store)
    with StandIn() as there:
        yield Gateway(store, there)
    store.close()


TEXTED = {"reference": REF, "due_at": "today", "assignee": "nobody yet", "time_left": "none"}


def test_no_more_than_twenty_text_messages_an_hour_go_to_one_number(gateway):
    gateway.delivery = gateway.made(Way.TEXT)
    text_to = {"message": "breached_text", "way": Way.TEXT, "values": TEXTED}
    gateway.queue(*range(25), to="07700900123", **text_to)
    gateway.queue(99, to="07700900456", **text_to)
    gateway.turn(3)
    assert [len([each for each in gateway.there.sent if each["phone_number"].endswith(last)]) for last in "36"] == [
        20,
        1,
    ]
    with gateway.store.read() as connection:
        waiting = [each for each in outgoing.listing(connection) if each["state"] == "ready"]
    assert {(each["error"], each["attempts"]) for each in waiting} == {
        ("no more than 20 text messages an hour go to one number", 0)
    }
    with gateway.store.write() as tx:  # an hour later; they had waited for longer
        tx.execute(text("UPDATE outbox SET finished_at = finished_at - 3600 * 1000000"))
        tx.execute(text("UPDATE outbox_mails SET queued_at = queued_at - 7200 * 1000000"))
    gateway.turn(3)
    assert set(gateway.states()) == {"sent"}


def test_an_alert_is_sent_and_its_receipt_is_asked_for(gateway):
    gateway.queue(1)
    gateway.turn()
    assert gateway.rows() == [("sent", 1, "created")]
    gateway.there.report(gateway.there.sent[0]["id"])
    assert gateway.receipts.ask(gateway.govuk) == 0  # not for another minute
    with gateway.store.write() as tx:
        tx.execute(text("UPDATE receipts SET ask_at = 0"))
    assert gateway.receipts.ask(gateway.govuk) == 1
    assert gateway.rows() == [("sent", 1, "delivered")]
    assert gateway.receipts.ask(gateway.govuk) == 0


@pytest.mark.parametrize("fault", ["drop", "stall", "502", "503", "504", "not json"])
def test_a_lost_answer_never_sends_twice(gateway, fault):
    gateway.queue(1)
    gateway.there.faults = [fault]
    gateway.there.receipt_seconds = 60
    gateway.turn(3)
    assert [(state, receipt) for state, _, receipt in gateway.rows()] == [("sent", "created")]
    assert (len(gateway.there.sent), gateway.there.requests) == (1, 1)


def test_a_500_is_asked_about_twice_and_then_sent_again(gateway):
    gateway.queue(1)
    gateway.there.faults = ["500"]
    gateway.turn(2)
    assert (gateway.states(), gateway.there.sent) == (["ready"], [])
    gateway.turn(2)
    assert (gateway.rows(), len(gateway.there.sent)) == ([("sent", 2, "created")], 1)


def test_what_fails_every_time_is_shown_as_uncertain_in_the_end(gateway):
    gateway.queue(1, message="late", values=VALUES | {"status": "x", "update_text": [], "next_update_by": "y"})
    gateway.turn(40)
    assert gateway.states() == ["uncertain"]
    assert gateway.there.sent == []


def test_a_gateway_that_died_while_it_sent_asks_first(gateway):
    gateway.queue(1)
    (attempt,) = outbox.claim(gateway.store, 1, 60, way=Way.NOTIFY, doubt=gateway.govuk.doubt)
    gateway.store.begun.begin(attempt.token, attempt.id)
    gateway.govuk.send(attempt)
    outbox.release_leases(gateway.store)
    gateway.turn()
    assert (gateway.states(), len(gateway.there.sent)) == (["sent"], 1)


def test_a_daily_limit_rests_that_way_alone_and_uses_no_try(gateway):
    gateway.queue(1, 2)
    gateway.there.daily = 0
    gateway.delivery.turn()
    assert [(state, tries) for state, tries, _ in gateway.rows()] == [("ready", 0), ("ready", 0)]
    with gateway.store.read() as connection:
        assert set(pauses.standing(connection)) == {"notify"}
    assert gateway.told == ["sending by notify"]
    before = gateway.there.requests
    assert gateway.delivery.turn() == 0
    assert gateway.there.requests == before
    gateway.there.daily = None
    gateway.turn()
    assert gateway.states() == ["sent", "sent"]


def test_a_refused_key_opens_the_breaker_and_a_probe_closes_it(gateway):
    gateway.queue(1, 2, 3)
    gateway.delivery = gateway.made(Way.NOTIFY, key=api_key()[:-4] + "0000")
    gateway.turn(3)
    assert [(state, tries) for state, tries, _ in gateway.rows()] == [("ready", 0)] * 3
    assert gateway.there.requests == 0
    gateway.delivery = gateway.made(Way.NOTIFY)
    gateway.turn()
    assert gateway.states() == ["sent"] * 3


def test_five_uncertain_answers_in_a_row_open_the_breaker(gateway):
    gateway.queue(*range(8))
    gateway.there.faults = ["502"] * 8
    gateway.turn()
    assert gateway.there.requests == 5
    with gateway.store.read() as connection:
        assert pauses.standing(connection)["notify"].failures == 1
    gateway.there.faults = []
    gateway.turn(3)
    assert gateway.states() == ["sent"] * 8
    assert len(gateway.there.sent) == 8


def test_three_refusals_of_a_template_block_it_and_no_other(gateway):
    gateway.there.templates.archived.add(gateway.ids["received"])
    gateway.queue(*range(5))
    gateway.queue(9, message="duplicate")
    gateway.turn()
    assert gateway.states() == ["failed"] * 5 + ["sent"]
    gateway.queue(6)
    gateway.delivery.turn()
    assert gateway.states()[-1] == "ready"
    assert gateway.told == ["template received"] * 3
    gateway.there.templates.archived.clear()
    gateway.turn()
    assert gateway.states()[-1] == "sent"


@pytest.mark.parametrize(("message", "way"), [("breached", Way.NOTIFY), ("breached_text", Way.TEXT)])
def test_an_alert_about_a_closed_ticket_is_dropped(gateway, message, way):
    ticket = made.opened(gateway.store, REF)
    gateway.delivery = gateway.made(way)
    gateway.queue(1, message=message, way=way, ticket_id=ticket.id)
    with gateway.store.write() as tx:
        tx.execute(text("UPDATE tickets SET closed_at = 1"))
    gateway.turn()
    assert gateway.states()[-1] == "cancelled"
    assert gateway.there.sent == []


def test_a_text_message_goes_by_its_own_way(gateway):
    gateway.queue(1, message="breached_text", way=Way.TEXT, to="07700900123",
                  values={"reference": REF, "due_at": "today", "assignee": "nobody yet"})  # fmt: skip
    gateway.turn()
    assert gateway.states() == ["ready"]
    gateway.delivery = gateway.made(Way.TEXT)
    gateway.turn()
    assert gateway.there.sent[0]["phone_number"] == "07700900123"


def test_no_more_than_twenty_go_in_a_second(gateway):
    gateway.queue(*range(40))
    gateway.delivery.turn()
    gateway.delivery.turn()
    assert len(gateway.there.sent) <= 20


def queue_and_fail(gateway, mail: Outbound) -> None:
    with gateway.store.write() as tx:
        outbox.queue(tx, [Queued(mail, None, now(), to_stranger=False)])
        raise RuntimeError


def test_nothing_leaves_from_a_transaction_that_failed(gateway):
    mail = made.outbound(recipient="ann@x", way=Way.NOTIFY)
    with pytest.raises(RuntimeError):
        queue_and_fail(gateway, mail)
    gateway.turn()
    assert gateway.rows() == []
    assert gateway.there.requests == 0


# ---------------------------------------------------------------- receipts


def test_a_receipt_shows_on_the_ticket_and_a_final_one_never_goes_back(gateway):
    ticket = made.opened(gateway.store, REF)
    gateway.queue(1, ticket_id=ticket.id)
    gateway.turn()
    name = gateway.there.sent[0]["id"]
    for status in ("sending", "delivered", "delivered", "sending", "temporary-failure"):
        gateway.receipts.note(name, "", status)
    assert gateway.rows()[-1][2] == "delivered"
    with gateway.store.read() as connection:
        events = [event["what"] for event in show(connection, REF)["events"]]
        assert show(connection, REF)["outgoing"][-1]["receipt"] == "delivered"
    assert events.count("alert delivered") == 1


def test_a_receipt_before_our_own_commit_is_not_lost(gateway):
    gateway.queue(1)
    gateway.receipts.note("8f2a0000-0000-0000-0000-000000000000", "abc-1-received", "delivered")
    assert gateway.rows() == [("sent", 0, "delivered")]
    gateway.turn()
    assert gateway.there.requests == 0


@pytest.mark.parametrize("reference", ["", "other-1-received", "abc-99-received", "abc-x", "abc-" + "9" * 40])
def test_a_receipt_that_is_not_ours_changes_nothing(gateway, reference):
    gateway.queue(1)
    gateway.receipts.note("8f2a0000-0000-0000-0000-000000000000", reference, "delivered")
    assert gateway.rows() == [("ready", 0, None)]


def test_an_address_that_notify_finds_wrong_is_not_used_again(gateway):
    gateway.queue(1, to="perm-fail@simulator.notify")
    gateway.turn()
    gateway.receipts.note(gateway.there.sent[0]["id"], "", "permanent-failure")
    gateway.queue(2, to="perm-fail@simulator.notify")
    assert gateway.states() == ["sent", "cancelled"]
    with gateway.store.write() as tx:
        contacts.heard_from(tx, ["perm-fail@simulator.notify"])
    gateway.queue(3, to="perm-fail@simulator.notify")
    assert gateway.states()[-1] == "ready"


@pytest.mark.parametrize(("status", "waits"), [("technical-failure", False), ("temporary-failure", True)])
def test_what_notify_could_not_send_goes_once_more_as_a_new_row(gateway, status, waits):
    """A full inbox gets some hours; a failure of Notify's own none."""
    gateway.queue(1)
    gateway.turn()
    gateway.receipts.note(gateway.there.sent[-1]["id"], "", status)
    with gateway.store.read() as connection:
        again = outgoing.listing(connection)[-1]
    assert (again["state"], again["next_at"] is not None) == ("ready", waits)
    for _ in range(2):
        gateway.turn()
        gateway.receipts.note(gateway.there.sent[-1]["id"], "", status)
    assert gateway.states() == ["sent", "sent"]
    assert len(gateway.there.sent) == 2


@pytest.fixture
def door(gateway):
    server = Server("127.0.0.1", 0, {}, {"/notify/receipts": receipts_door(gateway.receipts, TOKEN)})
    server.start()
    yield f"http://127.0.0.1:{server.server_port}/notify/receipts"
    server.stop()


def posted(url: str, body: bytes, token: str = TOKEN) -> int:
    request = urllib.request.Request(url, body, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_call_needs_the_token_and_unknown_ids_are_as_well_as_any(gateway, door):
    receipt = json.dumps({"id": "8f2a0000", "reference": None, "status": "delivered"}).encode()
    assert posted(door, receipt) == 204
    assert posted(door, receipt, "another token") == 403
    assert posted(door, b"nonsense") == 400
    assert posted(door, b"[]") == 400
    assert posted(door + "s", receipt) == 404
    assert posted(door, b"x" * 70_000) == 413


@pytest.mark.parametrize("fault", ["early", "twice", "late", ""])
def test_receipts_come_early_twice_and_late(gateway, door, fault):
    gateway.there.callback, gateway.there.receipt_seconds = (door, TOKEN), 0.05
    gateway.there.faults = [fault]
    gateway.queue(1)
    gateway.turn()
    for _ in range(100):
        if gateway.rows()[0][2] == "delivered":
            break
        threading.Event().wait(0.05)
    assert gateway.rows() == [("sent", 1, "delivered")]


def test_receipts_are_asked_for_ever_more_seldom_and_then_no_more(gateway):
    gateway.there.receipt_seconds = 60
    gateway.queue(1)
    gateway.turn()
    for _ in receipts.ASK_AFTER:
        assert gateway.receipts.ask(gateway.govuk) == 0
        with gateway.store.write() as tx:
            tx.execute(text("UPDATE receipts SET ask_at = 0 WHERE ask_at IS NOT NULL"))
        assert gateway.receipts.ask(gateway.govuk) == 1
    with gateway.store.read() as connection:
        assert connection.execute(text("SELECT ask_at FROM receipts")).scalar() is None
    assert len(receipts.ASK_AFTER) == 6
