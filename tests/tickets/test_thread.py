"""Which ticket a mail joins, and who may post there (E120, E121, E127; S30-S35)."""

from dataclasses import replace

import pytest

from mailgate.model.facts import Evidence, Facts
from mailgate.model.message import Verdict
from mailgate.model.reading import Reading
from mailgate.tickets.thread import Thread, about, joins, lead_of
from tests.make import ANN, BEN, CLEO, DEV, STRANGER, make_config, make_facts, make_message, make_reading, make_ticket

CONFIG = make_config()
TICKET = make_ticket()
OTHER = make_ticket("MG-2346-7T", id=2)
UNVERIFIED = (Verdict.NONE, Verdict.FAIL)


def mail_from(sender: str, verdict: Verdict = Verdict.INTERNAL, *, from_ok: bool = True, **more: object) -> Reading:
    return make_reading(message=make_message(sender=sender, from_ok=from_ok), verdict=verdict, **more)


def joined(reading: Reading, *ranks: int, facts: Facts | None = None) -> Thread:
    evidence = tuple(Evidence(rank, f"evidence {rank}", TICKET) for rank in ranks)
    return joins(reading, CONFIG, replace(facts or make_facts(), evidence=evidence))


def test_without_evidence_a_mail_joins_nothing() -> None:
    assert joined(mail_from(ANN)) == Thread()


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("sender", [ANN, BEN, STRANGER])
def test_E121_who_holds_a_token_may_post(rank: int, sender: str) -> None:
    thread = joined(mail_from(sender, Verdict.NONE), rank)
    assert thread.evidence is not None
    assert ("new participant" in thread.trace[0].effect) == (sender != ANN)


@pytest.mark.parametrize(
    ("sender", "verdict"),
    [(ANN, Verdict.INTERNAL), (ANN, Verdict.NONE), (BEN, Verdict.INTERNAL), (BEN, Verdict.PASS)],
)
def test_E120_3_a_participant_or_a_verified_colleague_may_answer_a_stored_mail(sender: str, verdict: Verdict) -> None:
    assert joined(mail_from(sender, verdict), 3).evidence is not None


@pytest.mark.parametrize(
    ("sender", "verdict"),
    [(BEN, Verdict.NONE), (BEN, Verdict.FAIL), (STRANGER, Verdict.PASS), (STRANGER, Verdict.NONE), (ANN, Verdict.FAIL)],
)
def test_E120_3_anybody_else_only_claims_it(sender: str, verdict: Verdict) -> None:
    thread = joined(mail_from(sender, verdict), 3)
    assert thread.evidence is None
    assert thread.claims == (TICKET,)


def test_E120_4_a_verified_participant_may_post_by_the_tag() -> None:
    assert joined(mail_from(ANN), 4).evidence is not None


@pytest.mark.parametrize("verdict", UNVERIFIED)
def test_S31_a_forged_participant_cannot_post_by_the_tag(verdict: Verdict) -> None:
    assert joined(mail_from(ANN, verdict), 4).evidence is None


def test_S31_a_stranger_with_the_tag_gets_a_new_ticket_that_says_what_it_claims() -> None:
    thread = joined(mail_from(STRANGER, Verdict.PASS), 4)
    assert thread.evidence is None
    assert thread.claims == (TICKET,)
    assert "claims MG-7K3F-99" in thread.trace[0].effect


def test_E120_4_a_colleague_who_is_not_staff_of_it_cannot_post_by_the_tag() -> None:
    assert joined(mail_from(BEN), 4).evidence is None


@pytest.mark.parametrize("verdict", [Verdict.INTERNAL, *UNVERIFIED])
def test_E120_4_staff_may_post_by_the_tag_when_verified(verdict: Verdict) -> None:
    team = joined(mail_from(CLEO.address, verdict), 4, facts=make_facts(sender=CLEO))
    lead = joined(mail_from("lena.brook@council.example", verdict), 4)
    allowed = verdict is Verdict.INTERNAL
    assert (team.evidence is not None, lead.evidence is not None) == (allowed, allowed)


def test_E120_4_the_lead_of_another_team_is_not_staff_of_it() -> None:
    assert joined(mail_from("omar.finch@council.example"), 4).evidence is None


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_what_is_shown_to_its_team_alone_takes_only_who_takes_part(rank: int) -> None:
    shown = replace(TICKET, show_to="the owning team only", assignee=DEV.address)
    facts = make_facts(evidence=(Evidence(rank, "evidence", shown),))
    refused = joins(mail_from(BEN), CONFIG, facts)
    assert (refused.evidence, refused.claims) == (None, (shown,))
    assert "shown to the owning team only" in refused.trace[0].effect
    for sender in (ANN, CLEO.address, DEV.address, "lena.brook@council.example"):
        known = replace(facts, sender=CLEO if sender == CLEO.address else None)
        assert joins(mail_from(sender), CONFIG, known).evidence is not None


def test_two_from_lines_prove_nobody() -> None:
    assert joined(mail_from(ANN, from_ok=False), 4).evidence is None
    assert joined(mail_from(ANN, Verdict.NONE, from_ok=False), 3).evidence is None


@pytest.mark.parametrize("rank", [5, 6])
def test_E120_weak_evidence_only_suggests(rank: int) -> None:
    thread = joined(mail_from(ANN), rank)
    assert thread.evidence is None
    assert thread.claims == (TICKET,)


def test_E127_the_strongest_evidence_wins_and_the_other_ticket_is_flagged() -> None:
    evidence = (Evidence(2, "our Message-ID", TICKET), Evidence(4, "tag", OTHER))
    thread = joins(mail_from(ANN, refs=(OTHER.ref,)), CONFIG, make_facts(evidence=evidence))
    assert thread.evidence is not None
    assert thread.evidence.ticket == TICKET
    assert thread.claims == (OTHER,)


@pytest.mark.parametrize(("strong", "weak"), [(one, two) for one in range(1, 7) for two in range(one + 1, 7)])
def test_T5_of_each_pair_in_conflict_the_stronger_wins_and_the_other_is_flagged(strong: int, weak: int) -> None:
    evidence = (Evidence(weak, "weak", OTHER), Evidence(strong, "strong", TICKET))
    thread = joins(mail_from(ANN, refs=(OTHER.ref,)), CONFIG, make_facts(evidence=evidence))
    if strong > 4:  # such evidence only suggests
        assert (thread.evidence, thread.claims) == (None, (TICKET, OTHER))
    else:
        assert thread.evidence is not None
        assert (thread.evidence.ticket, thread.claims) == (TICKET, (OTHER,))


def test_E127_of_two_tags_the_last_counts() -> None:
    evidence = (Evidence(4, "tag", TICKET), Evidence(4, "tag", OTHER))
    thread = joins(mail_from(ANN, refs=(TICKET.ref, OTHER.ref)), CONFIG, make_facts(evidence=evidence))
    assert thread.evidence is not None
    assert thread.evidence.ticket == OTHER


def test_refused_evidence_gives_way_to_weaker_that_is_allowed() -> None:
    stranger_cannot = replace(TICKET, participants=frozenset({BEN}), requester=BEN)
    evidence = (Evidence(4, "tag", stranger_cannot), Evidence(4, "tag", OTHER))
    thread = joins(mail_from(ANN, refs=(OTHER.ref, TICKET.ref)), CONFIG, make_facts(evidence=evidence))
    assert thread.evidence is not None
    assert thread.evidence.ticket == OTHER
    assert thread.claims == (stranger_cannot,)


def test_more_evidence_for_the_same_ticket_is_no_claim() -> None:
    assert joined(mail_from(ANN, Verdict.NONE), 2, 4).claims == ()


def test_E141_a_failure_to_deliver_is_about_a_ticket_whoever_reports_it() -> None:
    evidence = Evidence(4, "tag", TICKET)
    assert about(make_facts(evidence=(Evidence(6, "quoted", OTHER), evidence))) == evidence
    assert about(make_facts(evidence=(Evidence(6, "quoted", OTHER),))) is None


def test_the_lead_is_a_name_at_the_first_of_our_domains() -> None:
    assert lead_of("desk", CONFIG) == "lena.brook@council.example"
    assert lead_of("unknown", CONFIG) is None
    assert lead_of("desk", make_config(domains=[])) is None
