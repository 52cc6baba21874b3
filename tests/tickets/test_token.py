"""Tokens (E223-E226): the vectors, and everything that must not verify."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.model.reading import Token
from mailgate.tickets import token
from mailgate.tickets.token import BOUNCE, MESSAGE_ID, REPLY, Keys

KEYS = Keys("a", {"a": bytes(range(32))})
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
REF = "MG-7K3F-99"
ADDRESS = "helpdesk+7k3f99-4-at2jh5xleiw7uiral@council.example"
OUR_ID = "<mg.7k3f99.4.a3j7kn63izj4cw4js@tickets.council.example>"


@pytest.mark.parametrize(
    ("serial", "purpose", "mac"),
    [
        (4, REPLY, "t2jh5xleiw7uiral"),
        (4, BOUNCE, "ul4uqxucphrvob75"),
        (4, MESSAGE_ID, "3j7kn63izj4cw4js"),
        (1, REPLY, "jwazy47e5rvd7gfz"),
        (1, MESSAGE_ID, "ayb7x4y4qex5rrw5"),
    ],
)
def test_E223_vectors(serial: int, purpose: str, mac: str) -> None:
    assert token.sign(KEYS, REF, serial, purpose) == "a" + mac


def test_E224_the_reply_address_and_the_message_id() -> None:
    assert token.reply_address("helpdesk@council.example", KEYS, REF, 4) == ADDRESS
    assert token.message_id("tickets.council.example", KEYS, REF, 4) == OUR_ID


@pytest.mark.parametrize("base", [f"{'x' * 35}@council.example", "help+desk@council.example"])
def test_E224_a_base_without_room_stays_as_it_is(base: str) -> None:
    assert token.reply_address(base, KEYS, REF, 4) == base


def ours(addresses: tuple[str, ...], ids: tuple[str, ...] = ()) -> list[tuple[str, int, str]]:
    """Of the claims in *addresses* and *ids* those that are true."""
    found = [each for each in token.tokens_in(addresses, ids, "MG") if token.check(KEYS, NOW, each)]
    return [(each.ref, each.serial, each.purpose) for each in found]


@pytest.mark.parametrize(
    "written",
    [ADDRESS, ADDRESS.upper(), f"Desk <{ADDRESS.upper()}>", ADDRESS.replace("+", "%2B")],
)
def test_E223_a_token_survives_what_mail_systems_do_to_an_address(written: str) -> None:
    assert ours((written,)) == [(REF, 4, REPLY)]
    returned = written.lower().replace("at2jh5xleiw7uiral", "aul4uqxucphrvob75")
    assert ours((returned,)) == [(REF, 4, BOUNCE)]


def test_E120_tokens_are_read_from_addresses_then_ids_each_once() -> None:
    found = ours(("helpdesk@council.example", ADDRESS), (OUR_ID, "<x@y>", OUR_ID.upper()))
    assert found == [(REF, 4, REPLY), (REF, 4, MESSAGE_ID)]


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS.replace("7k3f99", "7k3f92"),  # its check character is wrong
        ADDRESS.replace("-4-", "-04-"),
        ADDRESS.replace("-4-", "-0-"),
        ADDRESS.replace("iral@", "ira@"),
        "7k3f99-4-at2jh5xleiw7uiral@council.example",
    ],
)
def test_E224_what_has_not_the_form_claims_nothing(address: str) -> None:
    assert token.tokens_in((address,), (), "MG") == ()


@pytest.mark.parametrize(
    "forged",
    [
        Token(REF, 5, REPLY, "at2jh5xleiw7uiral"),  # another serial
        Token("MG-2346-7T", 4, REPLY, "at2jh5xleiw7uiral"),  # S32: another ticket
        Token(REF, 4, MESSAGE_ID, "at2jh5xleiw7uiral"),  # one purpose for another
        Token(REF, 4, BOUNCE, "at2jh5xleiw7uiral"),
        Token(REF, 4, REPLY, "bt2jh5xleiw7uiral"),  # an unknown key
        Token(REF, 4, REPLY, "at2jh5xleiw7uiram"),
        Token(REF, 4, REPLY, ""),
        Token(REF, 4, REPLY, "aé"),
    ],
)
def test_S30_a_token_that_we_did_not_sign_is_refused(forged: Token) -> None:
    assert not token.check(KEYS, NOW, forged)


def test_E225_an_old_key_still_verifies_and_the_current_one_signs() -> None:
    rotated = Keys("b", {"a": bytes(range(32)), "b": bytes(32)}, {"a": NOW})
    assert token.check(rotated, NOW, Token(REF, 4, REPLY, token.sign(KEYS, REF, 4, REPLY)))
    assert token.sign(rotated, REF, 4, REPLY).startswith("b")
    assert not token.check(KEYS, NOW, Token(REF, 4, REPLY, token.sign(rotated, REF, 4, REPLY)))


def test_E225_an_old_key_verifies_for_400_days_after_the_next_one_came() -> None:
    rotated = Keys("b", {"a": bytes(range(32)), "b": bytes(32)}, {"a": NOW})
    old = Token(REF, 4, REPLY, token.sign(KEYS, REF, 4, REPLY))
    current = Token(REF, 4, REPLY, token.sign(rotated, REF, 4, REPLY))
    last = NOW + timedelta(days=400)
    assert token.check(rotated, last, old)
    assert not token.check(rotated, last + timedelta(seconds=1), old)
    assert token.check(rotated, last + timedelta(days=4000), current)


def test_E225_an_old_key_gives_orders_for_30_days_after_the_next_one_came() -> None:
    rotated = Keys("b", {"a": bytes(range(32)), "b": bytes(32)}, {"a": NOW})
    last = NOW + timedelta(days=30)
    assert rotated.outlived(token.ORDERS_FOR, last) == frozenset()
    assert rotated.outlived(token.ORDERS_FOR, last + timedelta(seconds=1)) == {"a"}


def test_keys_never_show_their_secrets() -> None:
    assert "\\x" not in repr(KEYS)
    assert "secrets" not in repr(KEYS)


@given(st.sampled_from(["MG-7K3F-99", "MG-2346-7T", "MG-G6C4-XM"]), st.integers(1, 999_999_999))
def test_what_we_put_into_a_mail_we_read_again(ref: str, serial: int) -> None:
    address = token.reply_address("helpdesk@council.example", KEYS, ref, serial)
    path = token.return_path("helpdesk@council.example", KEYS, ref, serial)
    message_id = token.message_id("gate.council.example", KEYS, ref, serial)
    found = ours((address, path), (message_id,))
    assert found == [(ref, serial, purpose) for purpose in (REPLY, BOUNCE, MESSAGE_ID)]
