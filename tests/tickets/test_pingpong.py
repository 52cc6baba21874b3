"""Two machines that answer each other without end, and people who only look like it (E135)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailgate.model.facts import Evidence, Facts
from mailgate.model.message import Verdict
from mailgate.model.reading import Reading
from mailgate.model.sent_lately import SentLately
from mailgate.tickets.pingpong import is_new, why_endless
from tests.make import ANN, NOW, STRANGER, make_config, make_envelope, make_facts, make_message, make_ticket

CONFIG = make_config()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def reading(sender: str = ANN, verdict: Verdict = Verdict.INTERNAL, subject: str = "A screen", **of: object) -> Reading:
    message = make_message("It is broken.", sender=sender, subject=subject, **of)
    read = Reading(message, replace(make_envelope(sender), received_at=NOW), None, verdict, subject="A screen")
    return replace(read, is_new=is_new(read, CONFIG))


def ours(cause: str, sent: timedelta, received: timedelta | None = None, subject: str = "A screen") -> SentLately:
    """A mail of ours that went *sent* ago, in answer to one that came *received* ago."""
    at = NOW - sent
    return SentLately(f"<{cause}@ours>", cause, at, at, subject, NOW - received if received else None)


def answering(cause: str, *sent: SentLately) -> Facts:
    evidence = Evidence(1, "the reply address", make_ticket(), mailed_to=ANN, answers="received", cause=cause)
    return make_facts(evidence=(evidence,), sent_lately=sent)


def twice(first: float, second: float) -> Facts:
    """This mail answers ours of *second* seconds ago, which answered one that came *first* seconds after another."""
    came = second + 1
    last = ours("theirs", second * SECOND, came * SECOND)
    return answering("theirs", last, ours("before", (came + first) * SECOND))


@pytest.mark.parametrize(
    ("first", "second", "is_endless"),
    [(1, 1, True), (19, 19, True), (21, 1, False), (1, 21, False), (60, 60, False)],
)
def test_E135_who_answers_within_twenty_seconds_twice_is_a_machine(
    first: float, second: float, is_endless: bool
) -> None:
    assert bool(why_endless(reading(), CONFIG, twice(first, second))) is is_endless


def test_E135_what_the_outbox_kept_for_a_while_counts_from_when_it_went() -> None:
    facts = twice(1, 1)
    kept = tuple(replace(sent, written_at=sent.written_at - 10 * MINUTE) for sent in facts.sent_lately)
    assert why_endless(reading(), CONFIG, replace(facts, sent_lately=kept))


def test_E135_a_mail_that_no_ticket_is_about_is_known_by_its_id() -> None:
    facts = replace(twice(1, 1), evidence=())
    assert why_endless(reading(in_reply_to=("<theirs@ours>",)), CONFIG, facts)
    assert not why_endless(reading(in_reply_to=("<another@ours>",)), CONFIG, facts)


def test_E135_two_requests_in_a_row_answer_nothing() -> None:
    assert not why_endless(reading(), CONFIG, replace(twice(1, 1), evidence=()))


def alike(count: int, minutes: float = 5, subject: str = "RE: A screen") -> Facts:
    asked = [ours(f"c{number}", minutes * MINUTE, minutes * MINUTE + SECOND, subject) for number in range(count)]
    return make_facts(sent_lately=(*asked, ours("c0", minutes * MINUTE, minutes * MINUTE + SECOND, subject)))


@pytest.mark.parametrize(
    ("facts", "is_endless"),
    [(alike(2), True), (alike(1), False), (alike(2, minutes=31), False), (alike(9, subject="A printer"), False)],
)
def test_E135_the_third_mail_under_one_subject_within_half_an_hour_is_not_answered(
    facts: Facts, is_endless: bool
) -> None:
    assert bool(why_endless(reading(STRANGER, Verdict.NONE), CONFIG, facts)) is is_endless


@pytest.mark.parametrize(
    ("mail", "is_endless"),
    [
        (reading(), False),
        (reading(subject="RE: A screen"), True),
        (reading(in_reply_to=("<a@x>",)), True),
        (reading(verdict=Verdict.NONE), True),
        (reading(STRANGER, Verdict.PASS), True),
    ],
)
def test_E135_three_letters_of_a_colleague_are_three_requests_and_three_answers_are_not(
    mail: Reading, is_endless: bool
) -> None:
    assert bool(why_endless(mail, CONFIG, alike(2))) is is_endless


def test_E135_mails_without_a_subject_are_not_alike_by_that() -> None:
    assert not why_endless(replace(reading(STRANGER, Verdict.NONE), subject=""), CONFIG, alike(5, subject=""))
