"""Small runs of the fault recipes, and of the control runs that must fail (docs/reliability.md sections 6 and 9)."""

import pytest

from prove.__main__ import SEED
from prove.figures import figures
from prove.mounts import NotHere

FIGURES = figures(small=True)
# Whether these find out a spoilt gateway at small sizes does not depend on when they strike.
FOUND_OUT_FOR_CERTAIN = ("K1", "K5", "K6", "K7", "K7 guided", "K9", "K10", "K12 canaries", "K12 tamperings", "F8 year")


def run(recipe, *arguments):
    try:
        return recipe(*arguments).problems
    except NotHere as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", FIGURES)
def test_no_mail_is_lost_doubled_or_stuck(name, tmp_path):
    assert run(FIGURES[name].run, tmp_path, SEED, 0) == []


@pytest.mark.parametrize("name", FOUND_OUT_FOR_CERTAIN)
def test_the_recipe_finds_out_a_spoilt_gateway(name, tmp_path):
    assert run(FIGURES[name].control, tmp_path, SEED) != []
