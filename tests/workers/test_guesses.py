"""Who guesses at tokens is not looked at any more, for a day (E226)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailgate.model.message import Verdict
from mailgate.model.reading import Reading, Token
from mailgate.workers import guesses
from mailgate.workers.guesses import FALSE_TOKEN, Guesses
from tests.make import ANN, NOW, STRANGER, make_message, make_reading

REF = "MG-7K3F-99"
GOOD = Token(REF, 4, "reply", "agood")
FALSE = Token(REF, 4, "reply", "afalse")


def mail(*tokens: Token, sender: str = STRANGER, verdict: Verdict = Verdict.NONE) -> Reading:
    return make_reading(message=make_message(sender=sender), verdict=verdict, tokens=tokens)


def judged(known: Guesses, reading: Reading, days: int = 0) -> Reading:
    return known.judged(reading, GOOD.__eq__, NOW + timedelta(days=days))


def after(count: int, **of: object) -> Guesses:
    """What is known after so many false tokens."""
    known = Guesses()
    for _ in range(count):
        judged(known, mail(FALSE, **of))  # type: ignore[arg-type]
    return known


@pytest.mark.parametrize(("count", "tokens"), [(9, (GOOD,)), (10, ())])
def test_E226_after_ten_false_tokens_no_other_is_looked_at(count: int, tokens: tuple[Token, ...]) -> None:
    found = judged(after(count), mail(GOOD))
    assert found.tokens == tokens
    assert (FALSE_TOKEN in found.message.defects) == (not tokens)


def test_E226_several_in_one_mail_count_each() -> None:
    known = Guesses()
    judged(known, mail(*(replace(FALSE, serial=number) for number in range(1, 11))))
    assert judged(known, mail(GOOD)).tokens == ()


def test_E226_the_next_day_they_are_looked_at_again() -> None:
    assert judged(after(10), mail(GOOD), days=1).tokens == (GOOD,)


def test_E226_another_sender_is_looked_at_and_so_is_who_was_only_forged() -> None:
    known = after(10, sender=ANN, verdict=Verdict.NONE)
    assert judged(known, mail(GOOD)).tokens == (GOOD,)
    assert judged(known, mail(GOOD, sender=ANN, verdict=Verdict.INTERNAL)).tokens == (GOOD,)
    assert judged(known, mail(GOOD, sender=ANN)).tokens == ()


def test_E226_an_address_claims_two_purposes_and_one_of_them_is_enough() -> None:
    known = Guesses()
    for _ in range(20):
        found = judged(known, mail(GOOD, replace(GOOD, purpose="bounce")))
    assert found == mail(GOOD, replace(GOOD, purpose="bounce"))


def test_E226_a_false_token_is_a_defect_and_none_is_none() -> None:
    assert judged(Guesses(), mail(FALSE)).message.defects == (FALSE_TOKEN,)
    assert judged(after(10), mail()).message.defects == ()


def test_E226_forged_senders_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "MOST_SENDERS", 3)
    known = Guesses()
    for number in range(50):
        judged(known, mail(FALSE, sender=f"p{number}@mail.example"))
        assert len(known._false) <= 3
