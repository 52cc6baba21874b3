"""The intake on a real store: what becomes of a mail, and of a batch in which one mail is bad."""

import os
from datetime import UTC, datetime, timedelta
from itertools import combinations, count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from mailgate import understand
from mailgate.app import context_of, make_ready
from mailgate.errors import TryLater
from mailgate.model.decision import Action
from mailgate.model.message import Envelope
from mailgate.model.operator import Operator, Send
from mailgate.model.operator import Store as StoreSettings
from mailgate.model.reading import Asking, Question, Reading, Token
from mailgate.store import history
from mailgate.store.engine import open_store
from mailgate.store.group_commit import GroupCommit
from mailgate.store.quarantine import release
from mailgate.store.spool import claim, ingest_key, put
from mailgate.web.counted import CountedIntake
from mailgate.web.counts import Counts
from mailgate.workers import intake as intake_module
from mailgate.workers.intake import Intake, independent
from mailgate.workers.loop import turn, work
from tests.make import ANN, HELPDESK, make_config, make_message, make_reading

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NUMBERS = count()


@pytest.fixture
def config(tmp_path):
    return make_config().model_copy(
        update={
            "operator": Operator(
                store=StoreSettings(url=f"sqlite:///{tmp_path}/mailgate.db", raw=f"{tmp_path}/raw"),
                send=Send(via=f"maildir:{tmp_path}/outbox"),
                keys=f"{tmp_path}/keys",
            )
        }
    )


@pytest.fixture
def store(config):
    opened = open_store(config.operator)
    make_ready(opened, config)
    yield opened
    opened.close()


@pytest.fixture
def queued():
    return count()


@pytest.fixture
def intake(store, config, queued):
    return Intake(store, context_of(config, store), lambda: NOW, queued=lambda: next(queued))


def arrive(store, number: int, words: str = "Please help", sender: str = "") -> None:
    sender = sender or f"person{number}@council.example"
    raw = (
        f"From: {sender}\r\nTo: {HELPDESK}\r\nSubject: {words} {number}\r\nMessage-ID: <m{number}@council.example>\r\n"
        f"\r\n{words} with matter number {number}.\r\n"
    ).encode()
    envelope = Envelope(sender, (HELPDESK,), NOW, vouched=True)
    with store.write() as tx:
        put(tx, [(ingest_key(envelope, raw), envelope, raw)])


def rows(store, query: str) -> list[tuple]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_each_mail_of_a_batch_gets_its_ticket_and_its_answer(store, intake, queued):
    for number in range(5):
        arrive(store, number)
    assert turn(intake) == 5
    assert turn(intake) == 0
    assert rows(store, "SELECT count(*) FROM tickets") == [(5,)]
    assert rows(store, "SELECT count(DISTINCT recipient) FROM outbox_mails WHERE message = 'more_needed'") == [(5,)]
    assert rows(store, "SELECT state, count(*) FROM spool GROUP BY state") == [("done", 5)]
    assert next(queued) > 0


def test_mails_of_one_sender_are_decided_one_after_the_other(store, intake):
    for number in (1, 2):
        arrive(store, number, words="Please reset my password", sender="ann@council.example")
    with store.read():
        claimed = intake.claim()
    settled = intake.handle(claimed)
    assert [done.decision.action for done in settled] == [Action.NEW_TICKET, Action.NEW_TICKET]


def test_it_has_not_caught_up_while_it_claims_many_or_leaves_many(store, intake, monkeypatch):
    monkeypatch.setattr(intake_module, "BATCH", 2)
    monkeypatch.setattr(intake_module, "MANY", 2)
    for number in range(5):
        arrive(store, number)
    monkeypatch.setattr(intake_module, "claim", lambda store, *_: claim(store, 1, 60))
    caught_up = []
    while turn(intake):
        caught_up.append(intake.caught_up.is_set())
    monkeypatch.undo()
    assert caught_up == [False, False, False, True, True]


def test_the_time_of_a_mail_may_be_its_own(store, intake):
    arrive(store, 1)
    [done] = intake.handle(intake.claim(), now=lambda _: NOW - timedelta(days=3))
    assert done.now == NOW - timedelta(days=3)


def test_G2_a_mail_that_stops_us_is_kept_and_its_team_is_told_and_the_others_are_done(store, intake, monkeypatch):
    def stumbling(message, envelope, config, number, real=understand.read):
        if "13" in message.subject:
            raise ValueError(f"cannot take {message.subject}")
        return real(message, envelope, config, number)

    monkeypatch.setattr(intake_module.understand, "read", stumbling)
    for number in (1, 13, 2):
        arrive(store, number)
    turn(intake)
    assert rows(store, "SELECT state, error FROM spool ORDER BY id") == [
        ("done", ""),
        ("quarantined", "ValueError"),
        ("done", ""),
    ]
    [(reason,)] = rows(store, "SELECT reason FROM spool WHERE state = 'quarantined'")
    assert reason.startswith("ValueError at test_intake.py")
    assert "cannot take" not in reason
    assert rows(store, "SELECT subject FROM tickets WHERE requester = ''") == [("A mail that could not be read",)]
    told = rows(store, "SELECT recipient FROM outbox_mails WHERE message = 'unreadable'")
    assert told
    assert ("person13@council.example",) not in told


def test_G6_a_mail_that_ended_us_three_times_is_put_away_unread(store, intake, monkeypatch):
    arrive(store, 1)
    for _ in range(3):
        assert len(claim(store, 10, lease_seconds=-1)) == 1
    monkeypatch.setattr(intake_module, "read", None)
    turn(intake)
    assert rows(store, "SELECT state, error FROM spool") == [("quarantined", "KilledUs")]


def test_G6_of_mails_that_were_taken_together_none_is_blamed(store, intake):
    for number in range(3):
        arrive(store, number)
    assert len(claim(store, 10, lease_seconds=-1)) == 3
    assert {mail.deaths for _ in range(3) for mail in claim(store, 10, lease_seconds=-1)} == {0}
    assert [mail.deaths for _ in range(3) for mail in claim(store, 10, lease_seconds=60)] == [1, 1, 1]


def test_a_store_that_was_away_many_times_is_no_fault_of_the_mail(store, intake, monkeypatch):
    monkeypatch.setattr(intake_module, "RELEASED_FOR_SECONDS", -1)
    arrive(store, 1)
    for _ in range(5):
        [mail] = intake.claim()
        assert mail.deaths == 0
        intake.release([mail], TryLater("the store is away"))
    assert turn(intake) == 1
    assert rows(store, "SELECT state FROM spool") == [("done",)]


def test_G6_a_mail_goes_into_quarantine_even_where_its_team_cannot_be_told(store, intake, monkeypatch):
    monkeypatch.setattr(intake_module, "read", None)
    monkeypatch.setattr(intake_module.unreadable, "reading", None)
    arrive(store, 1)
    turn(intake)
    assert rows(store, "SELECT state, error FROM spool") == [("quarantined", "TypeError")]
    assert rows(store, "SELECT count(*) FROM tickets") == [(0,)]


def test_a_mail_that_is_released_after_a_fix_becomes_one_ticket(store, intake, monkeypatch):
    arrive(store, 1)
    with monkeypatch.context() as bug:
        bug.setattr(intake_module, "read", None)
        turn(intake)
    [(mail_id,)] = rows(store, "SELECT id FROM spool WHERE state = 'quarantined'")
    release(store, mail_id, NOW)
    assert turn(intake) == 1
    assert turn(intake) == 0
    assert rows(store, "SELECT state, reason, error FROM spool") == [("done", "", "")]
    assert rows(store, "SELECT subject FROM tickets ORDER BY id") == [
        ("A mail that could not be read",),
        ("Please help 1",),
    ]
    assert rows(store, "SELECT what, data FROM events WHERE ticket_id = 1 ORDER BY serial DESC LIMIT 1") == [
        ("mail_released", f'{{"mail":{mail_id}}}')
    ]
    with store.read() as connection:
        assert history.verify(connection, rows(store, "SELECT ref FROM tickets")[0][0]) is None


def test_a_mail_that_is_released_too_early_opens_no_second_ticket_while_its_first_is_open(store, intake, monkeypatch):
    arrive(store, 1)
    monkeypatch.setattr(intake_module, "read", None)
    turn(intake)
    [(mail_id,)] = rows(store, "SELECT id FROM spool WHERE state = 'quarantined'")
    mails = rows(store, "SELECT count(*) FROM outbox")
    release(store, mail_id, NOW)
    turn(intake)
    assert rows(store, "SELECT state FROM spool") == [("quarantined",)]
    assert rows(store, "SELECT what FROM events ORDER BY serial") == [
        ("opened",),
        ("could not be read",),
        ("mail_released",),
        ("could not be read",),
    ]
    assert rows(store, "SELECT count(*) FROM outbox") == mails
    with store.write() as tx:
        tx.execute(text("UPDATE tickets SET closed_at = 1"))
    release(store, mail_id, NOW)
    turn(intake)
    assert rows(store, "SELECT count(*) FROM tickets") == [(2,)]


def test_E240_mails_that_could_not_be_read_are_counted(store, intake, monkeypatch):
    counts = Counts()
    counted = CountedIntake(intake, counts.of(0))
    arrive(store, 1)
    turn(counted)
    monkeypatch.setattr(intake_module, "read", None)
    arrive(store, 2)
    turn(counted)
    assert (counts.total("confidence", "high"), counts.total("quarantined")) == (1, 1)


@pytest.mark.parametrize(("days", "outlived"), [(30, set()), (31, {"a"})])
def test_E225_mails_are_decided_knowing_which_keys_give_no_orders(store, config, days, outlived):
    context_of(config, store)  # makes the first key
    following = Path(config.operator.keys, "kb")
    following.write_text("00" * 32)
    following.chmod(0o600)
    written = (NOW - timedelta(days=days)).timestamp()
    os.utime(following, (written, written))
    arrive(store, 1)
    intake = Intake(store, context_of(config, store), lambda: NOW)
    (settled,) = intake.handle(intake.claim())
    assert settled.facts.outlived_keys == outlived


def test_E226_mails_with_a_false_token_are_counted_and_marked(store, intake):
    counts = Counts()
    to = HELPDESK.replace("@", "+7k3f99-4-at2jh5xleiw7uiral@")
    raw = f"From: ann@council.example\r\nTo: {to}\r\nSubject: Hello\r\nMessage-ID: <f@x>\r\n\r\nHello\r\n".encode()
    envelope = Envelope("ann@council.example", (HELPDESK,), NOW, vouched=True)
    with store.write() as tx:
        put(tx, [(ingest_key(envelope, raw), envelope, raw)])
    arrive(store, 1)
    turn(CountedIntake(intake, counts.of(0)))
    assert counts.total("false token") == 1
    assert sorted(rows(store, "SELECT defects FROM messages"))[0] == ('["no-date","false-token"]',)


def test_a_large_mail_is_read_from_the_raw_store_and_becomes_a_ticket(store, intake, tmp_path):
    group = GroupCommit(store)
    large = group.begin(Envelope("ann@council.example", (HELPDESK,), NOW, vouched=True))
    text = f"From: ann@council.example\r\nTo: {HELPDESK}\r\nSubject: A large one\r\n\r\nPlease help.\r\n".encode()
    large.write(text)
    large.write(b"x" * 1_000_000)
    large.commit(Envelope("ann@council.example", (HELPDESK,), NOW, vouched=True)).result()
    group.close()
    assert turn(intake) == 1
    assert rows(store, "SELECT subject FROM tickets") == [("A large one",)]
    assert rows(store, "SELECT length(content) FROM raw_mails") == [(0,)]


def test_a_large_mail_whose_object_is_lost_goes_into_quarantine_and_comes_back_with_it(store, intake, tmp_path):
    group = GroupCommit(store)
    large = group.begin(Envelope("ann@council.example", (HELPDESK,), NOW))
    large.write(b"Subject: A large one\r\n\r\n")
    large.commit(Envelope("ann@council.example", (HELPDESK,), NOW)).result()
    group.close()
    [path] = (tmp_path / "raw").iterdir()
    hidden = path.rename(tmp_path / "elsewhere")
    turn(intake)
    [(mail_id, reason)] = rows(store, "SELECT id, reason FROM spool WHERE state = 'quarantined'")
    assert "restore it" in reason
    hidden.rename(path)
    release(store, mail_id, NOW)
    turn(intake)
    assert rows(store, "SELECT state FROM spool") == [("done",)]


def test_a_mail_whose_lease_is_gone_changes_nothing(store, intake):
    arrive(store, 1)
    [late] = claim(store, 10, lease_seconds=-1)
    turn(intake)
    assert work(intake, [late]) == []
    assert rows(store, "SELECT count(*) FROM tickets") == [(1,)]


def test_mails_that_share_a_lock_are_in_different_groups_in_their_order():
    messages = [
        make_message(message_id="<1@x.example>", sender="a@x.example"),
        make_message(message_id="<2@x.example>", sender="b@x.example"),
        make_message(message_id="<3@x.example>", sender="c@x.example", in_reply_to=("<1@x.example>",)),
    ]
    read = [(number, make_reading(message=message)) for number, message in enumerate(messages)]
    assert [[number for number, _ in group] for group in independent(read)] == [[0, 1], [2]]


def groups(*read: Reading) -> list[list[int]]:
    return [[number for number, _ in group] for group in independent(enumerate(read))]


def asking(sender: str = ANN, content: str = "", *, is_new: bool = True, **more: Any) -> Reading:
    """A mail of hers that shares nothing but its sender, and its words where there is *content*."""
    message = make_message(message_id=f"<{next(NUMBERS)}@x.example>", sender=sender)
    return make_reading(message=message, content=content or message.message_id, is_new=is_new, **more)


def test_E152_requests_of_one_colleague_about_nothing_else_are_decided_together():
    assert groups(asking(), asking("bob@council.example"), asking()) == [[0, 1, 2]]


@pytest.mark.parametrize(
    "other",
    [
        {"is_new": False},
        {"refs": ("MG-7K3F-99",)},
        {"named": ("MG-7K3F-99",)},
        {"tokens": (Token("MG-7K3F-99", 1, "r", "mac"),)},
        {"question": Question(Asking.MINE)},
        {"tells_absence": True},
    ],
)
def test_E152_whatever_else_a_sender_writes_comes_after_what_she_wrote_before(other):
    assert groups(asking(), asking(**other), asking()) == [[0], [1], [2]]


def test_E153_the_same_words_again_wait_for_the_first():
    assert groups(asking(content="one"), asking(content="one"), asking(content="two")) == [[0, 2], [1]]


def test_E156a_a_case_named_twice_makes_the_second_wait():
    assert groups(asking(keys=("X123456",)), asking(keys=("X123456",)), asking(keys=("X654321",))) == [[0, 2], [1]]


@given(st.lists(st.tuples(st.sampled_from(["", "a@x.example", ANN]), st.booleans(), st.sampled_from(["", "k1", "k2"]))))
def test_E152_who_shares_more_than_a_sender_with_an_earlier_mail_comes_after_it(written):
    read = [asking(sender, is_new=new, keys=(key,) if key else ()) for sender, new, key in written]
    place = {number: turn for turn, group in enumerate(groups(*read)) for number in group}
    assert sorted(place) == list(range(len(read)))
    for number, later in combinations(range(len(read)), 2):
        one, two = read[number], read[later]
        shared = (one.locks & two.locks) - ({one.sender} if one.is_request_alone and two.is_request_alone else set())
        assert place[number] < place[later] or not shared


def test_an_answer_to_a_token_waits_for_the_mail_that_names_the_same_ticket():
    named = make_reading(message=make_message(message_id="<1@x.example>", sender="a@x.example"), refs=("MG-7K3F-99",))
    token = Token("MG-7K3F-99", 1, "r", "mac")
    answer = make_reading(message=make_message(message_id="<2@x.example>", sender="b@x.example"), tokens=(token,))
    assert [[number for number, _ in group] for group in independent([(0, named), (1, answer)])] == [[0], [1]]
