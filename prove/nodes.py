"""Two nodes on one PostgreSQL: cut off, standing still, with a clock that is wrong, one after the other in any order.

Senders know both and take turns. Whatever happens to a node, what was accepted
before is decided by the other one within a lease; and afterwards nothing is lost, double or stuck: no ticket, no
answer, no rung of the ladder, no summary. Requests whose promises were broken days ago keep the ladder busy.
"""

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from prove.check import Reader, canary_of, problems
from prove.gateway import LEASE_SECONDS
from prove.ledger import Ledger, Load
from prove.networks import Network, network
from prove.outcome import Outcome
from prove.process import ROOT, Gateway, gateway, starter, wait_until
from tests.servers import postgresql

SKEWS = (300, -300)  # seconds that the first node's clock is off, in turn
LATE_TICKETS = 30
LONG_AGO = -10 * 86_400
TOOK_OVER_SECONDS = LEASE_SECONDS + 15.0  # a lease, and the time to do it on a busy machine
BACK_WITHIN_SECONDS, QUIET_WITHIN_SECONDS = 20.0, 60.0
ANSWER_SECONDS = 3.0
LEASE_IS_GONE = "the lease of a mail ran out"
A_MINUTE = "1 working minute"
ALWAYS = "Monday to Sunday, 12am to 11.59pm"


@dataclass(frozen=True, slots=True)
class Node:
    running: Gateway
    network: Network

    def stands_still(self) -> None:
        os.killpg(self.running.pid, signal.SIGSTOP)

    def goes_on(self) -> None:
        os.killpg(self.running.pid, signal.SIGCONT)
        self.network.mend()

    def is_cut_off(self) -> None:
        """From everybody."""
        self.network.front.cut()
        self.network.back.cut()

    def gone_leases(self) -> int:
        return self.running.log.read_text().count(LEASE_IS_GONE)


FAULTS: dict[str, Callable[[Node], None]] = {
    "cut off from the database": lambda node: node.network.back.cut(),
    "cut off from everybody": Node.is_cut_off,
    "hears nothing of the database": lambda node: node.network.back.lose_what_goes_in(),
    "is not heard by the database": lambda node: node.network.back.lose_what_comes_out(),
    "stands still": Node.stands_still,
    "stands still as the leader": Node.stands_still,
}


def nodes(folder: Path, seed: int, number: int, times: int, *, spoilt: bool = False) -> Outcome:
    """Faults *times*, in any order, to a node at random. *spoilt*: leases are judged by each node's own clock."""
    chance, ledger = random.Random(seed), Ledger(folder / "ledger")
    faults = ["stands still"] if spoilt else _in_any_order(times, chance)
    with _started(folder, SKEWS[number % len(SKEWS)], spoilt=spoilt) as (pair, reader):
        load = Load(
            0,
            ledger,
            doors=[(each.running.host, each.running.port) for each in pair],
            rate=5.0,
            answer_seconds=ANSWER_SECONDS,
            patience_seconds=120.0,
            first=LATE_TICKETS + 1,
        ).start()
        found: list[str] = []
        longest = 0.0
        for fault in faults:
            node = pair[0] if spoilt else _leader(pair, reader) if "leader" in fault else chance.choice(pair)
            time.sleep(chance.uniform(0.5, 1.5))
            seconds, wrong = _suffers(node, fault, pair, load, ledger, reader)
            longest = max(longest, seconds)
            found += wrong
        load.stop()
        found += _missed(partial(_has_summary, reader), "there is no summary")
        _change(reader.url, "UPDATE clocks SET next_check_at = NULL")
        time.sleep(1.0)  # whoever looks at the ladder now takes its last step
        found += _missed(reader.is_idle, "work is still waiting")
        gone = sum(each.gone_leases() for each in pair)
        for each in pair:
            if each.running.stop() != 0:
                found.append("a node did not end by itself")
        _note_the_late(ledger)
        found += problems(ledger, reader, folder, load.bytes_of)
        taken, twice = _said_twice(reader)
        found += twice
    ledger.close()
    counts = {"faults": len(faults), "mails": len(ledger.taken()), "rungs": taken, "leases gone": gone}
    return Outcome(counts | {"ms until the other had decided": round(1000 * longest)}, found)


def _in_any_order(times: int, chance: random.Random) -> list[str]:
    """Each as often as the others, as far as that goes."""
    faults: list[str] = []
    while len(faults) < times:
        faults += chance.sample(list(FAULTS), len(FAULTS))
    return faults[:times]


def _suffers(
    node: Node, fault: str, pair: list[Node], load: Load, ledger: Ledger, reader: Reader
) -> tuple[float, list[str]]:
    """Let *fault* last for two leases: how long the other took to decide what was accepted before, what was wrong."""
    found = []
    before, began = ledger.taken(), time.monotonic()
    FAULTS[fault](node)
    try:
        wait_until(partial(_are_decided, before, reader), TOOK_OVER_SECONDS, "")
    except TimeoutError:
        found.append(f"a node {fault}: what it had was not decided within {TOOK_OVER_SECONDS:g} seconds")
    seconds = time.monotonic() - began
    time.sleep(max(0.0, 2 * LEASE_SECONDS - seconds))
    node.goes_on()
    doors = [(each.running.host, each.running.port) for each in pair]
    taken = Counter(load.taken_at)
    try:
        wait_until(lambda: all(load.taken_at[door] > taken[door] for door in doors), BACK_WITHIN_SECONDS, "")
    except TimeoutError:
        found.append(f"a node {fault}: it did not take mail again within {BACK_WITHIN_SECONDS:g} seconds")
    return seconds, found


def _are_decided(canaries: set[int], reader: Reader) -> bool:
    waiting = reader.rows("SELECT sender FROM raw_mails JOIN spool USING (id) WHERE state = 'ready'")
    return canaries.isdisjoint(canary_of(sender) for (sender,) in waiting)


def _leader(pair: list[Node], reader: Reader) -> Node:
    """Whoever sees to the ladder; the token of a lease names the process."""
    found: list[Node] = []

    def is_known() -> bool:
        holders = reader.rows("SELECT split_part(holder, '.', 2) FROM leases WHERE name = 'sweep'")
        found[:] = [node for node in pair if (str(node.running.pid),) in holders]
        return bool(found)

    wait_until(is_known, BACK_WITHIN_SECONDS, "nobody sees to the ladder")
    return found[0]


def _missed(holds: Callable[[], bool], otherwise: str) -> list[str]:
    try:
        wait_until(holds, QUIET_WITHIN_SECONDS, "")
    except TimeoutError:
        return [f"{otherwise} after {QUIET_WITHIN_SECONDS:g} seconds"]
    return []


def _has_summary(reader: Reader) -> bool:
    return reader.rows("SELECT count(*) > 0 FROM outbox_mails WHERE message IN ('daily', 'weekly')") == [(True,)]


def _said_twice(reader: Reader) -> tuple[int, list[str]]:
    """How many rungs were taken, and what was done more than once: each has one line in the history of its ticket."""
    taken = Counter(dict(_counted(reader, "SELECT ticket_id, kind, rung, count(*) FROM rungs GROUP BY 1, 2, 3")))
    told = Counter(dict(_counted(reader, EVENTS)))
    twice = [f"a rung taken {told[rung]} times instead of {taken[rung]}" for rung in told if told[rung] != taken[rung]]
    again = reader.rows(
        "SELECT message, cause FROM outbox_mails GROUP BY message, cause, recipient, coalesce(ticket_id, 0)"
        " HAVING count(*) > 1"
    )
    twice += [f"{message} because of {cause!r} was written more than once" for message, cause in again]
    return sum(taken.values()), twice if taken else [*twice, "no rung was taken"]


EVENTS = """
    SELECT ticket_id, data::json->>'clock', rung, count(*)
    FROM events, json_array_elements_text(data::json->'rungs') AS rung
    WHERE what = 'escalated' GROUP BY 1, 2, 3"""


def _counted(reader: Reader, query: str) -> Iterator[tuple[tuple[object, ...], int]]:
    for *what, count in reader.rows(query):
        yield tuple(what), int(count)


# ------------------------------------------------------------------ before


@contextmanager
def _started(folder: Path, skew: int, *, spoilt: bool) -> Iterator[tuple[list[Node], Reader]]:
    """Both nodes at work on a store with late tickets, and a look at that store."""
    changes = ["hurried", "clustered", "skewed", *(["own_clock"] if spoilt else [])]
    with ExitStack() as stack:
        networks = [stack.enter_context(network(number)) for number in range(2)]
        config = _configured(folder / "config", [each.front.here for each in networks])
        url = stack.enter_context(postgresql(*(each.back.here for each in networks)))
        _fill(folder, url, config)
        pair = []
        for which, lines in enumerate(networks):
            clock = str(skew if which == 0 else 0)
            starting = stack.enter_context(starter(*changes, within=lines.within, SKEW_SECONDS=clock))
            (folder / f"node{which}").mkdir()
            running = stack.enter_context(
                gateway(
                    starting,
                    folder,
                    url,
                    folder / f"node{which}" / "log",
                    lines.front.there,
                    MAILGATE_CONFIG=str(config),
                    MAILGATE_STORE__URL=url.replace("127.0.0.1", lines.back.here),
                )
            )
            pair.append(Node(running, lines))
        for node in pair:
            node.running.start()
        yield pair, pair[0].running.reader


def _configured(folder: Path, senders: Sequence[str]) -> Path:
    """The example, where it is always working time, nothing is asked back, and people are told again every minute."""
    shutil.copytree(ROOT / "config", folder)
    known = ", ".join(["127.0.0.1", *senders])
    changes = {
        "calendars.yml": [("Monday to Friday, 9am to 5pm", ALWAYS), ("Monday to Friday, 8am to 6pm", ALWAYS)],
        "sla.yml": [("1 working day late", f"{A_MINUTE} late"), ("repeat: 1 working day", f"repeat: {A_MINUTE}")],
        "categories.yml": [("needs: [crn, event-number]", "needs: []")],
        "notifications.yml": [("at: 8am", "at: 12am")],
        "mailgate.yml": [("vouches: [127.0.0.1", f"relays: [{known}]\n  vouches: [{known}")],
    }  # fmt: skip
    for name, words in changes.items():
        text = (folder / name).read_text()
        for old, new in words:
            if old not in text:
                raise RuntimeError(f"{name} has no {old!r} any more")
            text = text.replace(old, new)
        (folder / name).write_text(text)
    return folder


def _fill(folder: Path, url: str, config: Path) -> None:
    """Tickets whose promises were broken days ago, each at another second of the minute."""
    ledger = Ledger(folder / "late")
    with (
        starter("hurried", "clustered", "skewed", SKEW_SECONDS=str(LONG_AGO)) as starting,
        gateway(starting, folder, url, MAILGATE_CONFIG=str(config)) as running,
    ):
        running.start()
        Load(running.port, ledger, rate=None, mails=LATE_TICKETS).start().finish()
        found = running.wait_until_quiet()
        running.stop()
    ledger.close()
    if found:
        raise RuntimeError(found[0])
    moved = (f"{column} = {column} + ticket_id * 2000000" for column in ("started_at", "due_at", "next_check_at"))
    _change(url, f"UPDATE clocks SET {', '.join(moved)}")


def _change(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(statement.encode())


def _note_the_late(ledger: Ledger) -> None:
    for canary in range(1, LATE_TICKETS + 1):
        ledger.note(canary, "250")
