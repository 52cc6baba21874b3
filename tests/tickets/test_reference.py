"""References (E220-E222): the vectors, every single slip, and where a reference may stand."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.tickets import reference
from mailgate.tickets.reference import ALPHABET

BELOW_23 = st.integers(0, 22)


@pytest.mark.parametrize("ref", ["MG-7K3F-99", "MG-2346-7T", "MG-G6C4-XM"])
def test_E220_vectors_that_are_valid(ref: str) -> None:
    assert reference.is_valid(ref)


@pytest.mark.parametrize(
    "ref", ["MG-7K3F-92", "MG-7K3F-9G", "MG-K73F-99", "MG-7K3F-9", "MG-7K3F-999", "MG-7K3O-99", ""]
)
def test_E220_vectors_that_are_not(ref: str) -> None:
    assert not reference.is_valid(ref)


@given(st.lists(BELOW_23, min_size=5, max_size=5))
def test_E222_what_we_make_is_valid_and_found_again(numbers: list[int]) -> None:
    draws = iter(numbers)
    ref = reference.make("MG", lambda _: next(draws))
    assert reference.is_valid(ref)
    assert reference.find(f"RE: [{ref}] done", "MG") == (ref,)


def test_E220_every_single_wrong_symbol_and_every_swap_is_noticed() -> None:
    random = Random(220)
    for _ in range(100):
        ref = reference.make("MG", random.randrange)
        symbols = reference.symbols_of(ref)
        wrong = {
            symbols[:at] + other + symbols[at + 1 :] for at in range(6) for other in ALPHABET if other != symbols[at]
        }
        for i, j in combinations(range(6), 2):
            swapped = list(symbols)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            wrong.add("".join(swapped))
        wrong.discard(symbols)
        assert not [other for other in wrong if reference.is_valid(reference.canonical(other, "MG"))]


@pytest.mark.parametrize(
    "text",
    [
        "[MG-7K3F-99] Your request",
        "re: mg 7k3f 99 please",
        "(MG7K3F99)",
        "mg.7k3f.99.",
        "MG\u00a07K3F\u00a099",
        "MG\u20117K3F\u201199, thanks",
        "AW: WG: RE:[EXTERNAL] [MG-7K3F-99] Form",
    ],
)
def test_E221_a_reference_is_found_however_people_write_it(text: str) -> None:
    assert reference.find(text, "MG") == ("MG-7K3F-99",)


@pytest.mark.parametrize(
    "text",
    [
        "MG-7K3F-92",
        "MG-7K3O-99",
        "AMG-7K3F-99",
        "MG-7K3F-999",
        "MG-7K3F-99-2",
        "https://x.example/MG-7K3F-99",
        "https://x.example/?a:[MG-7K3F-99]",
        "www.x.example/MG-7K3F-99",
        "a@MG-7K3F-99",
        "MG-7K3F-99.pdf",
        "IT-7K3F-99",
        "M\u212a-7\u212a3F-99",
    ],
)
def test_E221_what_is_not_a_reference_of_ours(text: str) -> None:
    assert reference.find(text, "MG") == ()


def test_E221_a_wrong_check_character_is_told_and_never_corrected() -> None:
    assert reference.mistyped("about MG-7K3F-92 and MG-7K3F-99", "MG") == ("MG-7K3F-92",)


def test_E221_two_references_are_found_in_order_and_once() -> None:
    text = "MG-2346-7T, [MG-7K3F-99], mg 2346 7t"
    assert reference.find(text, "MG") == ("MG-2346-7T", "MG-7K3F-99")


@given(st.text(max_size=300))
def test_find_never_fails(text: str) -> None:
    assert all(reference.is_valid(ref) for ref in reference.find(text, "MG"))
