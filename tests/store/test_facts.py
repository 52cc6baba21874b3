"""Facts: what the store knows about a mail before it is decided."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailgate.errors import TryLater
from mailgate.model.decision import Reply
from mailgate.model.message import Verdict
from mailgate.model.people import Person
from mailgate.model.reading import Token
from mailgate.model.ticket import Change, Status
from mailgate.store import facts, people
from mailgate.store.engine import Store
from mailgate.store.evidence import UNKNOWN_RECIPIENT
from tests.store import made

REF, OTHER = "MG-7K3F-99", "MG-2346-7T"
BEN = "ben.carter@council.example"


def test_nothing_is_known_about_a_first_mail(store: Store) -> None:
    (known,) = made.looked_up(store, made.reading(keys=("A12345",), refs=(REF,), in_reply_to=("<x@y>",)))
    assert (known.now, known.sender, known.same_id, known.same_content) == (made.NOW, None, None, None)
    assert known.evidence == known.same_case == known.colleagues == ()
    assert (known.acknowledged, known.acknowledged_to_strangers) == (0, 0)
    assert made.looked_up(store) == []


def test_the_sender_is_looked_up_in_the_directory(store: Store) -> None:
    ann = Person(made.ANN, "Ann Other", "agent", "Service Desk", "desk")
    with store.write() as tx:
        people.put(tx, [ann])
    assert [known.sender for known in made.looked_up(store, made.reading(), made.reading(BEN))] == [ann, None]


def test_E151_a_mail_with_the_same_id_is_found_and_one_with_the_same_content_first(store: Store) -> None:
    made.opened(store, REF, made.reading(message_id="<1@x>", fingerprint="one"))
    made.opened(store, OTHER, made.reading(message_id="<1@x>", fingerprint="two"))
    same, copy, third = (made.reading(message_id="<1@x>", fingerprint=each) for each in ("one", "two", "three"))
    found = [known.same_id for known in made.looked_up(store, same, copy, third)]
    assert [(each.fingerprint, each.ticket.ref) for each in found] == [("one", REF), ("two", OTHER), ("one", REF)]


def test_E153_content_is_the_same_only_of_the_same_sender_within_a_week(store: Store) -> None:
    made.opened(store, REF, made.reading(content="one"))
    again, others = made.reading(content="one"), made.reading(BEN, content="one")
    (known, strangers) = made.looked_up(store, again, others)
    assert known.same_content.ticket.ref == REF
    assert strangers.same_content is None
    (late,) = made.looked_up(store, again, at=made.NOW + timedelta(days=8))
    assert late.same_content is None


def test_E120_evidence_comes_in_order_of_rank(store: Store) -> None:
    asked = made.reading(message_id="<asked@x>")
    made.opened(store, REF, asked)
    token = Token(REF, 1, "reply", "mac")
    answer = made.reading(
        in_reply_to=(f"<mg.{REF}.1@gate.council.example>",), references=("<asked@x>",), refs=(REF,), tokens=(token,)
    )
    (known,) = made.looked_up(store, answer, good=frozenset({token}))
    assert [each.rank for each in known.evidence] == [1, 2, 3, 4]
    assert [each.mailed_to for each in known.evidence] == [made.ANN, made.ANN, "", ""]
    assert [each.answers for each in known.evidence] == ["received", "received", "", ""]
    assert known.answers_ours_automatically


def test_S30_a_token_whose_mac_is_wrong_is_no_evidence(store: Store) -> None:
    made.opened(store, REF)
    (known,) = made.looked_up(store, made.reading(tokens=(Token(REF, 1, "reply", "bad"),)))
    assert known.evidence == ()


def test_a_token_of_a_mail_that_is_no_longer_stored_was_mailed_to_nobody_in_particular(store: Store) -> None:
    made.opened(store, REF)
    token = Token(REF, 99, "msgid", "mac")
    (known,) = made.looked_up(store, made.reading(tokens=(token,)), good=frozenset({token}))
    assert [(each.rank, each.mailed_to) for each in known.evidence] == [(2, UNKNOWN_RECIPIENT)]


def test_E120_of_equal_evidence_the_newest_reference_comes_first(store: Store) -> None:
    made.opened(store, REF)
    made.opened(store, OTHER)
    ids = tuple(f"<mg.{ref}.1@gate.council.example>" for ref in (REF, OTHER))
    (known,) = made.looked_up(store, made.reading(references=ids))
    assert [each.ticket.ref for each in known.evidence] == [OTHER, REF]


def test_a_report_of_failure_is_about_the_mail_it_returns(store: Store) -> None:
    made.opened(store, REF)
    (known,) = made.looked_up(store, made.reading("", returned_ids=(f"<mg.{REF}.1@gate.council.example>",)))
    assert [(each.rank, each.ticket.ref) for each in known.evidence] == [(2, REF)]
    assert not known.answers_ours_automatically


def test_E120_the_parent_that_exchange_names_counts_like_a_reference(store: Store) -> None:
    made.opened(store, REF)
    headers = {"x-ms-exchange-parent-message-id": (f"<mg.{REF}.1@gate.council.example>",)}
    (known,) = made.looked_up(store, made.reading(headers=headers))
    assert [each.rank for each in known.evidence] == [2]


def test_E156a_tickets_of_the_case_are_found_while_open_and_for_a_while_after(store: Store) -> None:
    ticket = made.opened(store, REF, made.reading(keys=("A11111", "B22222")))
    asks = made.reading(BEN, keys=("B22222",))
    (known,) = made.looked_up(store, asks)
    assert [each.ref for each in known.same_case] == [REF]
    assert known.same_case[0].keys == ("A11111", "B22222")
    made.applied(store, made.follow_up(made.spooled(store), ticket, changes=(Change(ticket, Status.DONE),)))
    (soon,), (late,) = (made.looked_up(store, asks, at=made.NOW + timedelta(days=days)) for days in (59, 61))
    assert [each.ref for each in soon.same_case] == [REF]
    assert late.same_case == ()


def test_E129_a_partners_number_on_a_ticket_is_no_evidence_for_it(store: Store) -> None:
    theirs = {"their-reference": ("INC0012345",)}
    opened = made.opened(store, REF, made.reading(fields=theirs, subject="[INC0012345] a broken screen"))
    (known,) = made.looked_up(store, made.reading(fields=theirs, subject="[INC0012345] a broken screen"))
    assert opened.fields == theirs
    assert (known.evidence, known.same_case) == ((), ())


def test_colleagues_are_the_members_of_the_tickets_team(store: Store) -> None:
    ann, cleo = Person(made.ANN, "Ann Other", team="desk"), Person(BEN, "Ben Carter", team="another")
    with store.write() as tx:
        people.put(tx, [ann, cleo])
    made.opened(store, REF)
    (known,) = made.looked_up(store, made.reading(refs=(REF,)))
    assert known.colleagues == (ann,)


def test_E130_a_mail_with_the_id_of_one_of_ours_is_our_own(store: Store) -> None:
    made.opened(store, REF)
    ours, theirs = made.reading(message_id=f"<mg.{REF}.1@gate.council.example>"), made.reading(message_id="<new@x>")
    assert [known.is_own for known in made.looked_up(store, ours, theirs)] == [True, False]


def test_E136_acknowledgements_are_counted_by_the_day_and_to_strangers_by_the_minute(store: Store) -> None:
    stranger = made.reading("mallory@mail.example", verdict=Verdict.NONE)
    made.opened(store, REF, stranger)
    made.opened(store, OTHER)
    (theirs, ours) = made.looked_up(store, stranger, made.reading())
    assert (theirs.acknowledged, theirs.acknowledged_to_strangers) == (1, 1)
    assert (ours.acknowledged, ours.acknowledged_to_strangers) == (1, 1)
    (later,) = made.looked_up(store, stranger, at=made.NOW + timedelta(minutes=2))
    assert (later.acknowledged, later.acknowledged_to_strangers) == (1, 0)
    (soon,) = made.looked_up(store, stranger, at=made.NOW + timedelta(minutes=30))
    assert [(each.acknowledged_just_now, each.acknowledged_lately) for each in (later, soon)] == [(1, 1), (0, 1)]
    (tomorrow,) = made.looked_up(store, stranger, at=made.NOW + timedelta(days=1))
    assert (tomorrow.acknowledged, tomorrow.acknowledged_to_strangers) == (0, 0)


def test_a_mail_to_the_team_is_not_counted_as_one_to_a_stranger(store: Store) -> None:
    settled = made.new_ticket(made.spooled(store), REF, made.reading("mallory@mail.example", verdict=Verdict.NONE))
    told = made.outbound(REF, "lead@council.example", 2, message="new")
    replies = (*settled.decision.replies, Reply("new", "lead@council.example"))
    decision = replace(settled.decision, replies=replies)
    made.applied(store, replace(settled, decision=decision, outbound=(*settled.outbound, told)))
    (known,) = made.looked_up(store, made.reading())
    assert known.acknowledged_to_strangers == 1


def test_facts_of_a_batch_are_those_of_its_mails_one_by_one(store: Store) -> None:
    made.opened(store, REF, made.reading(message_id="<1@x>", keys=("A11111",), fingerprint="one"))
    made.opened(store, OTHER, made.reading(BEN, message_id="<2@x>", keys=("B22222",)))
    batch = [
        made.reading(message_id="<1@x>", fingerprint="one"),
        made.reading(BEN, keys=("A11111", "B22222"), refs=(REF,)),
        made.reading("", in_reply_to=("<2@x>",), references=("<1@x>", f"<mg.{REF}.1@gate.council.example>")),
        made.reading("mallory@mail.example"),
    ]
    assert made.looked_up(store, *batch) == [known for each in batch for known in made.looked_up(store, each)]


def test_E222_references_are_free_and_different(store: Store) -> None:
    made.opened(store, REF)
    offered = iter([REF, OTHER, OTHER, "MG-G6C4-XM", "MG-RQ74-YD"])
    with store.read() as connection:
        assert set(facts.free_references(connection, 2, lambda: next(offered))) == {OTHER, "MG-G6C4-XM"}
        with pytest.raises(TryLater):
            facts.free_references(connection, 1, lambda: REF)


hostile = st.text(max_size=30) | st.sampled_from(["\0", "\ud800", "'; DROP TABLE tickets; --", "%", "x" * 5000])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=hostile)
def test_S57_no_text_of_a_mail_breaks_the_look_up(store: Store, text: str) -> None:
    what = made.reading(
        f"{text}@x", f"<{text}>", in_reply_to=(text,), references=(text,), keys=(text,), refs=(text,), fingerprint=text
    )
    (known,) = made.looked_up(store, what)
    assert known.evidence == ()


def test_E153_a_forged_copy_that_came_first_does_not_stand_in_for_the_genuine_mail(store: Store) -> None:
    made.opened(store, REF, replace(made.reading(content="one"), verdict=Verdict.NONE))
    genuine, forged = made.reading(content="one"), replace(made.reading(content="one"), verdict=Verdict.NONE)
    known = [each.same_content for each in made.looked_up(store, genuine, forged)]
    assert known[0] is None
    assert known[1].ticket.ref == REF


def test_E135_what_a_sender_got_lately_is_asked_only_where_that_was_more_than_once(store: Store) -> None:
    first = made.new_ticket(made.spooled(store), "MG-7K3F-99")
    second = made.new_ticket(made.spooled(store), "MG-2346-7T")
    for settled in (first, second):
        by_machine = replace(settled.outbound[0], cause=settled.spooled.key, automatic=True)
        assert made.looked_up(store, made.reading())[0].sent_lately == ()
        made.applied(store, replace(settled, outbound=(by_machine,)))
    (facts,) = made.looked_up(store, made.reading())
    assert [(sent.cause, sent.subject) for sent in facts.sent_lately] == [
        (settled.spooled.key, settled.reading.message.subject) for settled in (second, first)
    ]
    assert {sent.received_at for sent in facts.sent_lately} == {first.spooled.envelope.received_at}
    assert made.looked_up(store, made.reading(), at=made.NOW + timedelta(minutes=31))[0].sent_lately == ()
    assert made.looked_up(store, made.reading(is_new=True))[0].sent_lately == ()
