"""F6: bad networks. The reply to the final dot is lost, for every mail; connections freeze, break and crawl."""

import random
import re
import time
from pathlib import Path

from prove.check import problems
from prove.ledger import Ledger, Load
from prove.outcome import Outcome
from prove.process import gateway, starter
from prove.proxy import Proxy

CANARY = re.compile(rb"^Message-ID: <canary(\d+)x@", re.MULTILINE)


def lost(folder: Path, seed: int, mails: int, *, spoilt: bool = False) -> Outcome:
    """Lose the first reply about each of *mails* mails."""
    ledger = Ledger(folder / "ledger")
    seen: set[bytes] = set()

    def is_first(mail: bytes) -> bool:
        found = CANARY.search(mail)
        if found is None or found[1] in seen:
            return False
        seen.add(found[1])
        return True

    changes = ["hurried", *(["forgetful"] if spoilt else [])]
    with starter(*changes) as starting, gateway(starting, folder) as running, Proxy(running.port) as network:
        network.faults.is_reply_lost = is_first
        running.start()
        load = Load(network.port, ledger, rate=None, mails=mails).start()
        load.finish(seconds=3600)
        found = running.wait_until_quiet(seconds=1800)
        running.stop()
        found += problems(ledger, running.reader, folder, load.bytes_of)
        ((tickets,),) = running.reader.rows("SELECT count(*) FROM tickets")
    ledger.close()
    if network.faults.replies_lost != mails or len(ledger.taken()) != mails or tickets != mails:
        found.append(f"{network.faults.replies_lost} replies lost, {len(ledger.taken())} taken, {tickets} tickets")
    return Outcome({"mails": mails, "replies lost": network.faults.replies_lost, "tickets": int(str(tickets))}, found)


def bad_network(folder: Path, seed: int, times: int, *, spoilt: bool = False) -> Outcome:
    """Under load, *times* times each: nothing goes through, it is slow, single bytes, and every connection breaks."""
    chance, ledger = random.Random(seed), Ledger(folder / "ledger")
    changes = ["hurried", *(["forgetful"] if spoilt else [])]
    with starter(*changes) as starting, gateway(starting, folder) as running, Proxy(running.port) as network:
        network.faults.is_reply_lost = lambda _: chance.random() < 0.2
        running.start()
        load = Load(network.port, ledger).start()
        for _ in range(times):
            for fault, value in (("frozen", True), ("delay_seconds", 0.05), ("one_by_one", True)):
                usual = getattr(network.faults, fault)
                setattr(network.faults, fault, value)
                time.sleep(chance.uniform(0.2, 0.8))
                network.cut()
                setattr(network.faults, fault, usual)
                time.sleep(0.1)
        load.stop()
        found = running.wait_until_quiet()
        running.stop()
        found += problems(ledger, running.reader, folder, load.bytes_of)
    ledger.close()
    unanswered = sum(codes.count("lost") for codes in ledger.heard.values())
    counts = {"mails": len(ledger.taken()), "replies lost": network.faults.replies_lost}
    return Outcome({**counts, "tries without an answer": unanswered}, found)
