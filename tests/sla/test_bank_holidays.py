"""The bank holidays that a calendar goes by, against the whole of the library that they come from."""

import subprocess
import sys

import holidays
import pytest

from mailgate.sla.bank_holidays import bank_holidays


@pytest.mark.parametrize(
    ("nation", "subdivision"), [("england-and-wales", "ENG"), ("scotland", "SCT"), ("northern-ireland", "NIR")]
)
def test_they_are_those_of_the_library(nation: str, subdivision: str) -> None:
    for year in (2022, 2026, 2027):
        assert bank_holidays(nation, year) == holidays.country_holidays("GB", subdiv=subdivision, years=year)


def test_P10_no_other_country_is_loaded_for_them_and_all_can_be_afterwards() -> None:
    asking = (
        "import sys; from mailgate.sla.bank_holidays import bank_holidays; assert bank_holidays('scotland', 2026);"
        "assert 'holidays.countries.france' not in sys.modules;"
        "import holidays; assert holidays.country_holidays('FR', years=2026)"
    )
    subprocess.run([sys.executable, "-c", asking], check=True, timeout=60)
