"""The state machine of F10 finds gateways that are broken; the sound one stands its runs in test_faults.py."""

from collections.abc import Iterator

import pytest

from prove.__main__ import SEED
from prove.conversations import broken
from prove.ground import Ground, ground
from prove.spoilt import BREAKAGES


@pytest.fixture(scope="module")
def stands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("conversations")) as made:
        yield made


@pytest.mark.parametrize("name", BREAKAGES)
def test_F10_finds_out_a_gateway_in_which(name: str, stands: Ground) -> None:
    assert broken(stands, SEED, BREAKAGES[name])
