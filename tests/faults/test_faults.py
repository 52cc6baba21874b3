"""Small runs of the fault recipes, and of the control runs that must fail (docs/reliability.md sections 6 and 9)."""

import pytest

from prove.__main__ import SEED
from prove.figures import figures
from prove.mounts import NotHere

FIGURES = figures(small=True)
# These end in the same way each time; the others depend on when they strike, and belong to ``make prove``.
HERE = [name for name in FIGURES if name.startswith(("K1", "K2", "K5"))]
FOUND_OUT_FOR_CERTAIN = ("K1", "K5")


def run(recipe, *arguments):
    try:
        return recipe(*arguments).problems
    except NotHere as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", HERE)
def test_no_mail_is_lost_doubled_or_stuck(name, tmp_path):
    assert run(FIGURES[name].run, tmp_path, SEED, 0) == []


@pytest.mark.parametrize("name", FOUND_OUT_FOR_CERTAIN)
def test_the_recipe_finds_out_a_spoilt_gateway(name, tmp_path):
    assert run(FIGURES[name].control, tmp_path, SEED) != []
