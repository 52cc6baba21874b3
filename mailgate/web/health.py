"""``/health``: whether the gateway can do its work; everything a balancer or an alarm wants in one look."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mailgate.ingest.policy import space_floor
from mailgate.model.health import AccountHealth, AccountState
from mailgate.web.counts import ALERTING
from mailgate.web.sight import Observer, Sight

OLDEST_MAIL = timedelta(minutes=15)
LIST_STALE_AFTER = timedelta(minutes=15)
SILENT_AFTER = {"intake": timedelta(minutes=5), "delivery": timedelta(minutes=30)} | dict.fromkeys(
    ALERTING, timedelta(minutes=5)
)
"""How long a worker may take over one round, or one mail, before it counts as dead."""

Part = tuple[str, bool, dict[str, Any]]


def health(observer: Observer) -> tuple[bool, dict[str, Any]]:
    """Whether everything is well, and each part of it."""
    sight = observer.look()
    parts = [
        _store(sight),
        _intake(observer),
        _spool(sight),
        _space(sight, observer),
        _workers(sight, observer),
        _imap(sight),
    ]
    accepted = max(observer.counts.each("last accept"))
    body: dict[str, Any] = {name: {"ok": ok, **told} for name, ok, told in parts}
    body["sending"] = {"rests": _rests(sight)}
    body["last_accept"] = {"at": _at(accepted) if accepted else None}
    well = all(ok for _, ok, _ in parts)
    body["configuration"] = _configuration(observer)
    return well, {"ok": well, **body}


def _configuration(observer: Observer) -> dict[str, Any]:
    """No part of what is well: with the last good one all work goes on, and a balancer must not take us away."""
    mistakes = observer.watched.mistakes
    return {"ok": mistakes == 0, "version": observer.config.version, "mistakes": mistakes}


def _store(sight: Sight) -> Part:
    return "store", sight.store is not None, {}


def _intake(observer: Observer) -> Part:
    """Red from a mail that could not be stored until one is stored again, whichever process has it."""
    failed, stored = (max(observer.counts.each(slot)) for slot in ("last failure", "last stored"))
    return "intake", failed <= stored, {}


def _spool(sight: Sight) -> Part:
    if sight.store is None:
        return "spool", False, {}
    oldest = sight.store.oldest_waiting_at
    age = max(sight.now - oldest, timedelta()) if oldest else timedelta()
    return "spool", age < OLDEST_MAIL, {"waiting": sight.store.waiting, "oldest_seconds": round(age.total_seconds())}


def _space(sight: Sight, observer: Observer) -> Part:
    least = space_floor(observer.config)
    return "free_space", sight.free_bytes >= least, {"bytes": sight.free_bytes, "least": least}


def _workers(sight: Sight, observer: Observer) -> Part:
    turns = dict(_turns(observer))
    dead = sorted({worker for (worker, _), at in turns.items() if sight.now - at > SILENT_AFTER[worker]})
    return "workers", not dead, {"alive": len(turns) - len(dead), "silent": dead}


def _rests(sight: Sight) -> dict[str, Any]:
    """What is not sent for now, and why. Nothing is lost by it, so that it is no reason to take us out of service."""
    pauses = sight.store.pauses if sight.store else ()
    return {
        pause.name: {"until": pause.until.isoformat(timespec="seconds"), "why": pause.why}
        for pause in pauses
        if pause.failures or pause.until > sight.now
    }


def _turns(observer: Observer) -> Iterator[tuple[tuple[str, int], datetime]]:
    """When each worker of each process last began something; one that has not begun yet, when we started."""
    for worker in observer.workers:
        for process, at in enumerate(observer.counts.each("turn", worker)):
            yield (worker, process), datetime.fromtimestamp(at, UTC) if at else observer.started_at


def _imap(sight: Sight) -> Part:
    accounts: Mapping[str, Any] = {each.account: _account(each, sight.now) for each in sight.accounts}
    return "imap", all(each["ok"] for each in accounts.values()), {"accounts": accounts}


def _account(account: AccountHealth, now: datetime) -> dict[str, Any]:
    listed = account.last_good_list_at
    told = {"state": account.state, "last_good_list_at": listed.isoformat(timespec="seconds") if listed else None}
    return {"ok": is_well(account, now), **told, "waiting": account.waiting, "why": account.error}


def is_well(account: AccountHealth, now: datetime) -> bool:
    """Whether its folder was listed lately, or another node sees to it."""
    if account.state is AccountState.ELSEWHERE:
        return True
    return account.last_good_list_at is not None and now - account.last_good_list_at < LIST_STALE_AFTER


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
