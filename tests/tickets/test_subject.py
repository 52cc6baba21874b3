"""The normal form of a subject (E86)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.tickets.subject import is_reply, plain

MARKINGS = ("OFFICIAL", "OFFICIAL-SENSITIVE")


@pytest.mark.parametrize(
    ("subject", "normal"),
    [
        ("RE: Broken  screen", "Broken screen"),
        ("Re:Broken screen", "Broken screen"),
        ("AW: WG: RE:[EXTERNAL] [MG-7K3F-99] Form B12", "Form B12"),
        ("Re[2]: SV(3): Form", "Form"),
        ("回复：Form", "Form"),
        ("OFFICIAL-SENSITIVE: Form", "Form"),
        ("OFFICIAL-SENSITIVE [PERSONAL] - RE: Form", "Form"),
        ("OFFICIAL-SENSITIVE [PERSONAL] Form", "Form"),
        ("[official] Form", "Form"),
        ("OFFICIAL | Form", "Form"),
        ("Official visit on Friday", "Official visit on Friday"),
        ("OFFICIALLY: closed", "OFFICIALLY: closed"),
        ("Report: figures", "Report: figures"),
        ("[MG-7K3F] Form", "[MG-7K3F] Form"),
        ("RE:", ""),
        ("", ""),
    ],
)
def test_E86_vectors(subject: str, normal: str) -> None:
    assert plain(subject, MARKINGS, "MG") == normal


def test_E86_without_a_prefix_our_tag_stays() -> None:
    assert plain("RE: [MG-7K3F-99] Form") == "[MG-7K3F-99] Form"


@pytest.mark.parametrize("subject", ["RE: x", "[EXTERNAL] AW: x", "OFFICIAL: Fwd: re: x"])
def test_a_reply_is_known_by_its_prefix(subject: str) -> None:
    assert is_reply(subject, MARKINGS, "MG")


@pytest.mark.parametrize("subject", ["FW: x", "Regarding x", "x RE: y", ""])
def test_what_is_no_reply(subject: str) -> None:
    assert not is_reply(subject, MARKINGS, "MG")


@given(st.text(max_size=200))
def test_the_normal_form_is_its_own_normal_form(subject: str) -> None:
    normal = plain(subject, MARKINGS, "MG")
    assert plain(normal, MARKINGS, "MG") == normal
