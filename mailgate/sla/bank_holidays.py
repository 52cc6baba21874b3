"""The bank holidays of the United Kingdom's nations, from the ``holidays`` library."""

import sys
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

_NATIONS = {"england-and-wales": "ENG", "scotland": "SCT", "northern-ireland": "NIR"}
_PACKAGE = "holidays.countries"


def bank_holidays(nation: str, year: int) -> Mapping[date, str]:
    """Those of *year* in a *nation* of ``calendars.*.holidays``, with their names; of one on a weekend both days."""
    found: Mapping[date, str] = _united_kingdom()(subdiv=_NATIONS[nation], years=year)
    return found


@cache
def _united_kingdom() -> Any:
    """The library's class. Its package is not run meanwhile: it would load every country of the world, 8 MiB."""
    spec = None if _PACKAGE in sys.modules else find_spec(_PACKAGE)
    if spec is not None:
        sys.modules[_PACKAGE] = module_from_spec(spec)
    try:
        return import_module(f"{_PACKAGE}.united_kingdom").UnitedKingdom
    finally:
        if spec is not None:
            sys.modules.pop(_PACKAGE, None)
