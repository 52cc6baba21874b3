"""Seals: nobody without the key makes one, and nothing that one covers can be exchanged."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.errors import Refused
from mailgate.tickets.seal import FIRST_BEFORE, MAC_BYTES, Covered, SealedHead, keys_from, mac_of, seal, written_down

KEY = keys_from({"a": bytes(32)})["a"]
heads = st.lists(
    st.builds(SealedHead, st.integers(1, 2**40), st.integers(1, 2**20), st.binary(min_size=16, max_size=16))
)


def test_a_key_for_seals_is_neither_the_key_it_comes_from_nor_that_of_another() -> None:
    keys = keys_from({"a": bytes(32), "b": b"b" * 32})
    assert len({bytes(32), b"b" * 32, *keys.values()}) == 4


@given(heads, st.data())
def test_S77_a_seal_over_anything_else_is_another_seal(covered: list[SealedHead], data: st.DataObject) -> None:
    whole = Covered(FIRST_BEFORE, covered, 3, bytes(32))
    made = seal(KEY, "a", 7, 5, whole)
    assert made == seal(KEY, "a", 7, 5, whole)
    other = data.draw(heads.filter(lambda each: each != covered))
    changed = [
        seal(KEY[::-1], "a", 7, 5, whole),
        seal(KEY, "b", 7, 5, whole),
        seal(KEY, "a", 8, 5, whole),
        seal(KEY, "a", 7, 6, whole),
        seal(KEY, "a", 7, 5, replace(whole, before=made.seal)),
        seal(KEY, "a", 7, 5, replace(whole, heads=other)),
        seal(KEY, "a", 7, 5, replace(whole, forgotten=4)),
        seal(KEY, "a", 7, 5, replace(whole, forgotten_hash=made.seal)),
    ]
    assert made.seal not in {each.seal for each in changed}


def test_the_mac_of_an_end_is_of_its_ticket_its_length_and_its_hash() -> None:
    end = mac_of(KEY, 12, 3, bytes(32))
    others = {mac_of(KEY, 1, 23, bytes(32)), mac_of(KEY, 12, 4, bytes(32)), mac_of(KEY, 12, 3, b"x" * 32)}
    assert len(end) == MAC_BYTES
    assert end not in others


def test_a_seal_is_read_back_from_how_it_is_shown() -> None:
    made = seal(KEY, "a", 7, 5, Covered(FIRST_BEFORE, [], 0, bytes(32)))
    assert written_down(f" {str(made).upper()} ") == (7, made.seal)
    assert written_down(f"7:{made.seal.hex()}") == (7, made.seal)
    assert max(map(len, str(made).split("."))) <= 10  # a longer word would look like a secret where it is logged
    assert written_down(str(replace(made, number=10**17))) == (10**17, made.seal)
    for wrong in ("", "7", "0:" + "a" * 64, "7:abc", f"{made}0", "7:" + "g" * 64, "９:" + "a" * 64):
        with pytest.raises(Refused):
            written_down(wrong)
