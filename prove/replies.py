"""F6: the reply to the final dot is lost, for every mail; its sender has to send it again."""

import re
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
