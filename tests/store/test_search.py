"""Tickets found by what people know of them, on both engines."""

from dataclasses import replace
from importlib import import_module

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from mailgate.model.decision import NewTicket
from mailgate.store import search
from mailgate.store.engine import Store
from mailgate.store.tables import attachments, messages
from mailgate.store.tickets import searched
from tests.store import made

REF, OTHER = "MG-7K3F-99", "MG-2346-7T"
BEN = "ben.carter@council.example"


def said(words: str, sender: str = made.ANN, subject: str = "", **more: object) -> object:
    return made.reading(sender, reply_text=words, subject=subject, **more)


def found(store: Store, asked: str) -> list[str]:
    with store.read() as connection:
        return [each["ref"] for each in searched(connection, made.CONFIG, asked)]


@pytest.fixture
def two(store: Store) -> Store:
    """Ann's ticket about the case A11111, and Ben's."""
    made.opened(store, REF, said("The screens of room 12 flicker; see INC/0012345.", keys=("A11111",)))
    made.opened(store, OTHER, said("Écran cassé in room 14.", BEN, "Broken screen"))
    return store


@pytest.mark.parametrize(
    ("asked", "refs"),
    [
        (REF, [REF]),
        ("mg 7k3f 99", [REF]),
        ("A11111", [REF]),
        ("a 11111", [REF]),
        (made.ANN, [REF]),
        (BEN.upper(), [OTHER]),
        ("ben.carter@", [OTHER]),
        ("flicker", [REF]),
        ("FLICK", [REF]),
        ("screen", [OTHER, REF]),
        ("screens", [REF]),
        ("room screen", [OTHER, REF]),
        ("14 room", [OTHER]),
        ("0012345", [REF]),
        ("inc/0012345", [REF]),
        ("Écran", [OTHER]),
        ("cassé", [OTHER]),
        ("licker", []),
        ("flicker 14", []),
        ("carter.ben", []),
        ("A22222", []),
        ("?!", []),
        ("", []),
    ],
)
def test_a_ticket_is_found_by_reference_case_address_and_words(two: Store, asked: str, refs: list[str]) -> None:
    assert found(two, asked) == refs


def test_a_mail_that_joined_leads_to_its_ticket(two: Store) -> None:
    joining = said("It is the lamp after all.")
    made.applied(two, made.follow_up(made.spooled(two), made.ticket(two, REF), joining))
    assert found(two, "lamp") == [REF]


def test_a_mail_that_opened_several_tickets_leads_to_each(store: Store) -> None:
    opening = made.new_ticket(made.spooled(store), REF, said("a lamp and a desk"))
    decision = replace(opening.decision, outcome=NewTicket((made.draft(), made.draft())))
    made.applied(store, replace(opening, decision=decision, references=(REF, OTHER)))
    assert found(store, "lamp") == [OTHER, REF]


def test_a_mail_without_a_ticket_finds_none(store: Store) -> None:
    made.applied(store, made.ignored(made.spooled(store), said("a lamp")))
    assert found(store, "lamp") == []


def test_what_is_erased_is_in_no_index(two: Store) -> None:
    with two.write() as tx:
        tx.execute(attachments.delete())
        tx.execute(messages.update().where(messages.c.sender == BEN).values(reply_text="", subject="", sender=""))
        tx.execute(messages.delete().where(messages.c.sender == made.ANN))
    with two.read() as connection:
        for word in ("flicker", "cassé", "carter", "broken"):
            assert search._mails(connection, word) == []


def test_no_more_are_found_than_a_person_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_FOUND", 1)
    made.opened(store, REF, said("a lamp"))
    made.opened(store, OTHER, said("a lamp"))
    assert found(store, "lamp") == [OTHER]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(asked=st.text(alphabet="ab&|!:*()<>-'\"\\ \0éß_ٱ1²\ud800^{}", max_size=30))
def test_S57_nothing_that_is_asked_breaks_a_search(two: Store, asked: str) -> None:
    assert set(found(two, asked)) <= {REF, OTHER}


def test_S57_a_long_mail_is_taken_and_found(store: Store) -> None:
    made.opened(store, REF, said(" ".join(f"lamp{number}" for number in range(200_000)), subject="x" * 3_000_000))
    assert found(store, "lamp9") == [REF]


def test_mails_from_before_are_found_after_an_upgrade(two: Store) -> None:
    if not two.is_shared:  # an index of PostgreSQL holds what was there by itself
        with two.write() as tx:
            for each in ("message_words_in", "message_words_out", "message_words_new"):
                tx.execute(text(f"DROP TRIGGER {each}"))
            tx.execute(text("DROP TABLE message_words"))
            for statement in import_module("mailgate.store.migrations.versions.0012_search").SQLITE:
                tx.exec_driver_sql(statement)
    assert found(two, "flicker") == [REF]
