"""What keeps automatic mail within bounds: the breaker, gathering, coalescing, addresses whose mail comes back."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event

import pytest
from sqlalchemy import text

from mailgate import understand
from mailgate.errors import Away
from mailgate.model.decision import Bounce, Decision
from mailgate.model.facts import Facts
from mailgate.model.message import Address, Kind, Message
from mailgate.model.outbound import SendState, Way
from mailgate.store import outbox, outgoing, pauses
from mailgate.store.facts import look_up
from mailgate.store.outbox import SUPERSEDED, Queued, Result, claim, record
from mailgate.store.schema import upgrade
from mailgate.store.tickets import show
from mailgate.tickets import token
from mailgate.workers.delivery import Around, Delivery
from mailgate.workers.gather import AN_HOUR, Gathering
from tests.notify.test_compose import KEYS, make_config, make_context
from tests.store import made
from tests.store.conftest import opened
from tests.workers.test_delivery import ScriptedChannel, now

REF = "MG-7K3F-99"
ANN = "ann.other@council.example"


@pytest.fixture
def store(tmp_path):
    found = opened(f"sqlite:///{tmp_path}/mailgate.db")
    upgrade(found)
    yield found
    found.close()


def queue(store, count: int = 1, to: str = "", ticket=None, at=None, **changes) -> None:
    with store.write() as tx:
        for number in range(count):
            mail = made.outbound(recipient=to or f"p{number}@x.example", message_id=f"<{next(made.NUMBERS)}@x>",
                                 serial=next(made.NUMBERS), **changes)  # fmt: skip
            outbox.queue(tx, [Queued(mail, ticket and ticket.id, at or now(), to_stranger=False)])


class Sender:
    """A delivery of our own mail, and whom it told what."""

    def __init__(self, store, per_hour: int = 3000, *outcomes: Exception) -> None:
        self.store, self.told = store, []
        self.channel = ScriptedChannel(*outcomes)
        self.channel.probe = lambda: None
        around = Around(store, now, lambda: 0.5, Event(), lambda *words: self.told.append(words[0]), per_hour)
        self.delivery = Delivery(Way.MAIL, self.channel, around)

    def turn(self) -> None:
        self.change("UPDATE outbox SET run_at = 0 WHERE state = 'ready'")
        self.delivery.turn()

    def wait_an_hour(self) -> None:
        self.change("UPDATE pauses SET until = until - 3600000000")
        self.change("UPDATE sent_per_minute SET minute = minute - 60")

    def change(self, statement: str) -> None:
        with self.store.write() as tx:
            tx.execute(text(statement))


def rows(store) -> list[dict]:
    with store.read() as connection:
        return outgoing.listing(connection)


def states(store) -> list[str]:
    return [row["state"] for row in rows(store)]


# ---------------------------------------------------------------- E136


def test_E136_too_much_automatic_mail_is_held_and_people_are_told(store):
    queue(store, 8)
    queue(store, to="boss@x.example", automatic=False)
    sender = Sender(store, 5)
    sender.turn()
    assert states(store) == ["sent"] * 5 + ["held"] * 3 + ["sent"]
    assert sender.told == ["automatic mail"]


def test_E136_the_breaker_survives_a_restart_and_closes_by_itself(store):
    queue(store, 6)
    Sender(store, 5).turn()
    queue(store)
    again = Sender(store, 5)
    again.turn()
    assert states(store)[-2:] == ["held", "held"]
    again.wait_an_hour()
    again.turn()
    assert states(store) == ["sent"] * 7


def test_E136_a_person_may_let_it_go(store):
    queue(store, 7)
    Sender(store, 5).turn()
    assert outgoing.release_held(store) == 2
    Sender(store, 5).turn()
    assert states(store) == ["sent"] * 7


def test_what_a_person_cancels_or_asks_for_again(store):
    queue(store, 2)
    outgoing.cancel(store, 1, now())
    Sender(store).turn()
    assert states(store) == ["cancelled", "sent"]
    outgoing.retry(store, 1)
    Sender(store).turn()
    assert states(store) == ["sent", "sent"]


def test_five_times_nobody_there_and_the_relay_rests(store):
    queue(store, 10)
    sender = Sender(store, 3000, *[Away("nobody there")] * 10)
    sender.turn()
    assert [row["attempts"] for row in rows(store)] == [1] * 5 + [0] * 5
    assert sender.told == ["sending by mail"]
    sender.turn()
    assert sender.channel.sent == []
    sender.wait_an_hour()
    sender.channel.outcomes = []
    sender.turn()
    assert states(store) == ["sent"] * 10
    with store.read() as connection:
        assert pauses.standing(connection) == {}


# ---------------------------------------------------------------- past thirty in an hour


def test_acknowledgements_past_thirty_in_an_hour_are_told_in_one_mail(store):
    for number in range(AN_HOUR + 4):
        ref = f"MG-{number:04d}-XX"
        ticket = made.opened(store, ref)
        assert ticket.ref == ref
    sender = Sender(store)
    sender.turn()
    sender.turn()
    assert states(store) == ["sent"] * AN_HOUR + ["gathering"] * 4
    context = make_context(make_config(mailboxes={made.HELPDESK: {"team": "desk"}}))
    gathering = Gathering(store, context, now)
    assert gathering.turn() == 0  # others may follow
    with store.write() as tx:
        tx.execute(text("UPDATE outbox SET run_at = 0 WHERE state = 'gathering'"))
    assert (gathering.turn(), gathering.turn()) == (1, 0)
    sender.turn()
    assert states(store) == ["sent"] * AN_HOUR + ["cancelled"] * 4 + ["sent"]
    last = rows(store)[-1]
    assert (last["message"], last["to"], last["ref"]) == ("gathered", ANN, "MG-0030-XX")
    with store.read() as connection:
        content = outgoing.show(connection, last["id"])[1]
    assert all(f"MG-{number:04d}-XX".encode() in content for number in range(AN_HOUR, AN_HOUR + 4))


# ---------------------------------------------------------------- E137


def test_E137_staff_hear_of_a_ticket_at_most_once_in_two_minutes(store):
    ticket, begun = made.opened(store, REF), now()
    for message, seconds in [("assigned", 0), ("assigned", 10), ("at_risk", 20)]:
        queue(store, to="cleo@council.example", ticket=ticket, at=begun + timedelta(seconds=seconds), message=message)
    _, first, second, third = rows(store)
    assert (first["state"], first["error"]) == ("cancelled", SUPERSEDED)
    assert (second["state"], second["next_at"]) == ("ready", None)
    assert third["next_at"] == (begun + timedelta(seconds=130)).isoformat()


def test_E137_what_follows_a_mail_that_went_waits_two_minutes_from_then_and_no_longer(store):
    ticket, begun = made.opened(store, REF), now()
    queue(store, to="cleo@council.example", ticket=ticket, at=begun, message="assigned")
    claimed = claim(store, 10, 1560)  # a relay may take that long
    queue(store, to="cleo@council.example", ticket=ticket, at=begun + timedelta(seconds=1), message="news")
    record(store, [Result(each, SendState.SENT) for each in claimed], begun + timedelta(seconds=3))
    assert rows(store)[-1]["next_at"] == (begun + timedelta(minutes=2)).isoformat()
    outgoing.cancel(store, rows(store)[-1]["id"], begun)
    queue(store, to="cleo@council.example", ticket=ticket, at=begun + timedelta(seconds=5), message="at_risk")
    assert rows(store)[-1]["next_at"] == (begun + timedelta(seconds=123)).isoformat()


def test_E137_another_ticket_or_reader_does_not_wait(store):
    ticket = made.opened(store, REF)
    for to, about in [
        ("cleo@x.example", ticket),
        ("dev@x.example", ticket),
        ("cleo@x.example", made.opened(store, "MG-2346-7T")),
    ]:
        queue(store, to=to, ticket=about, message="assigned")
    assert {row["next_at"] for row in rows(store)} == {None}


# ---------------------------------------------------------------- E141, E142


def bounce(store, ticket, status: str = "5.1.1", kind: Kind = Kind.DSN_FAILED, ids=None, address: str = ANN) -> None:
    sent = made.outbound(REF).message_id
    message = Message(
        f"<{next(made.NUMBERS)}@relay>", from_=Address("postmaster@relay"), kind=kind, bounce_recipients=(address,),
        bounce_status=status, returned_ids=(sent,) if ids is None else ids,
    )  # fmt: skip
    reading = replace(made.reading(), message=message)
    settled = made.ignored(made.spooled(store), reading)
    (facts,) = made.looked_up(store, reading, at=settled.now)
    made.applied(store, replace(settled, facts=facts, decision=Decision(Bounce(ticket, address), "v1")))


def flagged(store) -> bool:
    queue(store, to=ANN)
    return states(store)[-1] == "cancelled"


def test_S45_a_bounce_of_our_acknowledgement_flags_the_contact_and_shows_on_the_ticket(store):
    bounce(store, made.opened(store, REF))
    assert flagged(store)
    with store.read() as connection:
        assert [event["what"] for event in show(connection, REF)["events"]].count("requester unreachable") == 1


def returned(store, to: str, kind: Kind = Kind.DSN_FAILED) -> Facts:
    """What is known about a report that came to the return path of a mail of ours, and says nothing by itself."""
    path = token.return_path(made.HELPDESK, KEYS, REF, 1)
    envelope = replace(made.envelope("", to or path), sender="")
    message = Message("<1@relay>", from_=Address("postmaster@relay"), kind=kind)
    reading = understand.read(message, envelope, made.CONFIG)
    with store.read() as connection:
        return look_up(connection, [reading], partial(token.check, KEYS, made.NOW), [made.NOW])[0]


def test_E141_what_comes_to_a_return_path_finds_its_ticket_and_its_reader(store):
    made.opened(store, REF)
    facts = returned(store, "")
    assert [(each.ticket.ref, each.mailed_to) for each in facts.evidence] == [(REF, ANN)]
    assert (facts.came_back, facts.lost, facts.at_return_path) == ((ANN,), (ANN,), True)


def test_E141_what_is_no_report_says_nothing_about_a_reader(store):
    made.opened(store, REF)
    facts = returned(store, "", Kind.HUMAN)
    assert (facts.came_back, facts.at_return_path) == ((), True)


@pytest.mark.parametrize("change", [lambda path: path[::-1], lambda path: path.replace("-1-", "-2-")])
def test_E141_a_forged_return_path_proves_nothing(store, change):
    made.opened(store, REF)
    local, _, domain = token.return_path(made.HELPDESK, KEYS, REF, 1).partition("@")
    facts = returned(store, f"{change(local)}@{domain}")
    assert (facts.evidence, facts.came_back, facts.at_return_path) == ((), (), False)


def test_E142_a_mail_from_there_clears_the_flag(store):
    bounce(store, made.opened(store, REF))
    made.applied(store, made.ignored(made.spooled(store), made.reading(ANN)))
    assert not flagged(store)


@pytest.mark.parametrize("status", ["5.2.2", "5.7.1", "4.4.7"])
def test_E142_a_full_mailbox_or_a_policy_flags_only_the_fifth_time(store, status):
    ticket = made.opened(store, REF)
    for _ in range(4):
        bounce(store, made.ticket(store, REF) or ticket, status)
    assert not flagged(store)
    bounce(store, made.ticket(store, REF), status)
    assert flagged(store)


def test_E142_delays_count_as_passing(store):
    bounce(store, made.opened(store, REF), "", Kind.DSN_DELAYED)
    assert not flagged(store)


@pytest.mark.parametrize("forged", [{"ids": ()}, {"ids": ("<invented@x>",)}, {"address": "boss@council.example"}])
def test_E141_a_forged_report_flags_nobody(store, forged):
    bounce(store, made.opened(store, REF), **forged)
    queue(store, to=forged.get("address", ANN))
    assert states(store)[-1] == "ready"


def test_E124_an_answer_to_the_id_that_a_relay_gave_finds_its_ticket(store):
    made.opened(store, REF)
    sender = Sender(store)
    sender.channel.send = lambda attempt: "<LO2P1@PROD.OUTLOOK.COM>"
    sender.turn()
    (facts,) = made.looked_up(store, made.reading(in_reply_to=("<LO2P1@PROD.OUTLOOK.COM>",)))
    assert [(each.ticket.ref, each.mailed_to) for each in facts.evidence] == [(REF, ANN)]
    assert facts.answers_ours_automatically
    assert states(store) == [SendState.SENT]
