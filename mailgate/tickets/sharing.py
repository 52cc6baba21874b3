"""Who gets a new ticket: the least busy person on duty, whoever's turn it is, or nobody yet."""

from collections.abc import Callable, Mapping, Sequence

from mailgate.model.config import Config, ShareWork
from mailgate.model.facts import Facts
from mailgate.model.people import Worker
from mailgate.model.reading import Match, Trace

_ORDER: Mapping[ShareWork, Callable[[Worker], tuple[object, ...]]] = {
    ShareWork.LEAST_BUSY: lambda worker: (worker.open_tickets, worker.last_ticket, worker.address),
    ShareWork.IN_TURN: lambda worker: (worker.last_ticket, worker.address),
}


def share(team: str | None, config: Config, facts: Facts, how: ShareWork | None = None) -> tuple[str | None, Trace]:
    """The address of who gets a ticket of *team*; of the team that covers for it while all of its people are away.

    *how*: as the configuration says.
    """
    how = how or config.service.defaults.share_work
    if how not in _ORDER or team is None or team not in config.service.teams:
        return None, ()
    cover = config.service.teams[team].cover
    for name in (team, cover):
        on_duty = _on_duty(name, facts)
        if on_duty:
            chosen = min(on_duty, key=_ORDER[how])
            why = how.value if name == team else f"{how.value}; {name} covers"
            return chosen.address, (Match("share", chosen.team, effect=why),)
    return None, ()


def _on_duty(team: str | None, facts: Facts) -> Sequence[Worker]:
    today = facts.now.date()
    return [
        worker
        for worker in facts.workers
        if worker.team == team and (worker.away_until is None or worker.away_until < today)
    ]
