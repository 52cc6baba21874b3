"""The recipe of K12 sees what it looks for, however it is written; ``test_faults`` runs it."""

import base64
import quopri
import random
from urllib.parse import quote

import pytest

from prove.canaries import IN_MAILS, Canaries


def written(word: str) -> list[str]:
    raw = word.encode()
    return [
        word,
        *(base64.b64encode(b"a" * before + raw + b"b" * 3).decode() for before in range(6)),
        "".join(f"={byte:02X}" for byte in raw),
        quopri.encodestring(raw).decode(),
        "".join(f"%{byte:02x}" for byte in raw),
        quote(word),
        raw.hex(),
        raw.hex().upper(),
        repr(raw),
    ]


@pytest.mark.parametrize("name", [*IN_MAILS, "Notify key", "signing key", "database password"])
def test_S75_a_canary_is_seen_in_every_form(name: str) -> None:
    looked = Canaries(random.Random(1))
    for form in written(looked[name]):
        looked.found.clear()
        looked.look("a text", f'{{"why": "before{form}after"}}'.encode())
        assert [found.partition(" in ")[0] for found in looked.found] == [name], form
    looked.found.clear()
    looked.look("a text", b"what an operator may see, such as 3f9a0c canary 123456 and Zm9vYmFy")
    assert looked.found == []
