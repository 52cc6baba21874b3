"""Which unit of the organisation a request is from."""

from mailgate.model.config import Config


def unit_of(written: str, team: str | None, config: Config) -> str:
    """The unit that *written*, a unit as the directory has it, is or lies in; else the one unit that *team* serves.

    "Aldermoor PDU, POD 1" lies in "Aldermoor"; "" where nothing says.
    """
    words = set(written.lower().replace(",", " ").replace("-", " ").split())
    own = next((unit for unit in known_units(config) if words >= set(unit.lower().split())), "")
    served = config.service.teams[team].units if team and team in config.service.teams else "all"
    return own or (served[0] if served != "all" and len(served) == 1 else "")


def known_units(config: Config) -> tuple[str, ...]:
    """Every unit that the configuration names, in its order."""
    of_teams = (unit for team in config.service.teams.values() if team.units != "all" for unit in team.units)
    asked = config.service.commissions.ask if config.service.commissions else ()
    return tuple(dict.fromkeys((*of_teams, *asked)))
