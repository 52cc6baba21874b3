"""F1: kill -9, of everything and of single workers, at random moments while mail comes in."""

import math
import random
import time
from pathlib import Path

from prove.check import problems
from prove.ledger import Ledger, Load
from prove.outcome import Outcome
from prove.process import gateway, starter

SOONEST_SECONDS, LATEST_SECONDS = 0.005, 0.5


def moment(chance: random.Random) -> float:
    """From 5 to 500 ms, the short ones as likely as the long ones."""
    return math.exp(chance.uniform(math.log(SOONEST_SECONDS), math.log(LATEST_SECONDS)))


def whole(folder: Path, seed: int, kills: int, url: str = "", *, spoilt: bool = False) -> Outcome:
    """Kill all of its processes *kills* times, every fourth time while it starts."""
    chance, ledger = random.Random(seed), Ledger(folder / "ledger")
    with starter("hurried", *(["early"] if spoilt else [])) as starting, gateway(starting, folder, url) as running:
        load = Load(running.port, ledger, large_every=10).start()
        for number in range(kills):
            running.start(wait=number % 4 != 3)
            time.sleep(moment(chance))
            running.kill()
        running.start()
        load.stop()
        found = running.wait_until_quiet()
        if running.stop() != 0:
            found.append("the gateway did not end by itself")
        found += problems(ledger, running.reader, folder, load.bytes_of)
    return outcome(ledger, found, kills)


def single(folder: Path, seed: int, kills: int, url: str = "", *, spoilt: bool = False) -> Outcome:
    """Kill one of its two workers *kills* times."""
    chance, ledger, done = random.Random(seed), Ledger(folder / "ledger"), 0
    changes = ["hurried", *(["early"] if spoilt else [])]
    with starter(*changes) as starting, gateway(starting, folder, url, MAILGATE_WORKERS__PROCESSES="2") as running:
        running.start()
        load = Load(running.port, ledger, large_every=10).start()
        while done < kills:
            time.sleep(moment(chance))
            done += running.kill_a_child(chance)
        load.stop()
        found = running.wait_until_quiet()
        if running.stop() != 0:
            found.append("the gateway did not end by itself")
        found += problems(ledger, running.reader, folder, load.bytes_of)
    return outcome(ledger, found, done)


def outcome(ledger: Ledger, found: list[str], kills: int) -> Outcome:
    ledger.close()
    lost = sum(codes.count("lost") for codes in ledger.heard.values())
    return Outcome({"kills": kills, "mails": len(ledger.taken()), "answers lost": lost}, found)
