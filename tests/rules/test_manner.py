"""How a mail means what it names: asked for, told, in passing, not wanted."""

import pytest

from mailgate.rules.manner import Manner, read_sentences
from mailgate.rules.phrases import Phrases
from tests.rules.desk import make_config

WARRANT = Phrases([("it", "warrant")])


def manner(text: str) -> Manner:
    (hit,) = WARRANT.find(text)
    return read_sentences(text, make_config()).manner(hit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Could you issue a warrant? Thanks.", Manner.ASKED),
        ("There is a warrant. Could you help?", Manner.TOLD),
        ("I have sent the warrant.", Manner.ASIDE),
        ("I have the form, please issue the warrant.", Manner.ASKED),
        ("I have a warrant to chase so please call", Manner.ASIDE),
        ("Please do:\n- a warrant\n", Manner.ASKED),
        ("Please do:\n1. a summons\n2. a warrant\n", Manner.ASKED),
        ("Please call.\n\nA warrant is out.", Manner.TOLD),
        ("Please do NOT send the warrant", Manner.REFUSED),
        ("A warrant is not needed now", Manner.REFUSED),
        ("warrant: not needed", Manner.REFUSED),
        ("He need not come, issue the warrant please", Manner.ASKED),
        ("Please do not hesitate to call us about it, a warrant is out", Manner.ASKED),
        ("It is not needed. The warrant is out.", Manner.TOLD),
        ("The letter is not needed but the warrant is", Manner.TOLD),
    ],
)
def test_the_manner_of_a_phrase(text: str, expected: Manner) -> None:
    assert manner(text) is expected
