"""F7: two gateways on a primary and its synchronous standby, of which now one is lost, now the other.

Each time the way to the standby may freeze for a while before, and the primary may crash and come back meanwhile, with
what the standby lacks; then it is killed for good, the standby takes over, and what is left of the other follows it.
The clients try both gateways, and the relay counts what it gets.
"""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prove.check import SETTLED, Problems, Reader, canary_of, stored_problems, ticket_problems
from prove.ledger import Ledger, Load
from prove.outcome import Outcome
from prove.process import Gateway, Starter, gateway, starter, wait_until
from prove.sending import Flaky
from tests.clusters import Pair, pair

LONGEST_CALM_SECONDS, LONGEST_FREEZE_SECONDS = 1.0, 1.0
TAKEN_WITHIN_SECONDS = 60.0
QUIET_WITHIN_SECONDS = 900.0  # what was claimed when a primary was lost is decided mail by mail
MAILS_A_SECOND = 20.0
UNLIMITED = "1000000"
ENDED = SETTLED | {"uncertain"}
OUTGOING = (
    "SELECT outbox_mails.message_id, outbox.state, outbox.doubts FROM outbox"
    " JOIN outbox_mails ON outbox_mails.id = outbox.id WHERE outbox.way = 'mail'"
)
ANSWERED = "SELECT recipient FROM outbox_mails WHERE automatic"


def failovers(folder: Path, seed: int, count: int, *, spoilt: bool = False) -> Outcome:
    """Lose the primary *count* times; *spoilt*: its standby is asynchronous, and frozen each time."""
    chance, ledger, seconds = random.Random(seed), Ledger(folder / "ledger"), list[float]()
    with (
        pair(asynchronous=spoilt) as servers,
        Flaky(seed, fails=0.0) as relay,
        starter("hurried") as starting,
        _nodes(starting, folder, servers, relay) as nodes,
    ):
        doors = [("127.0.0.1", node.port) for node in nodes]
        load = Load(nodes[0].port, ledger, doors=doors, rate=MAILS_A_SECOND, large_every=20).start()
        for _ in range(count):
            time.sleep(chance.uniform(0, LONGEST_CALM_SECONDS))
            if spoilt or chance.random() < 0.5:
                servers.freeze()
                if not spoilt and chance.random() < 0.5:
                    time.sleep(chance.uniform(0, LONGEST_FREEZE_SECONDS))
                    servers.primary.crash()
                time.sleep(LONGEST_FREEZE_SECONDS if spoilt else chance.uniform(0, LONGEST_FREEZE_SECONDS))
            seconds.append(_fail_over(servers, ledger))
            servers.rejoin()
        load.stop()
        reader = Reader(servers.primary.url)
        found = _wait_until_quiet(reader)
        for node in nodes:
            if node.stop() != 0:
                found.append("a gateway did not end by itself")
        found += stored_problems(ledger, reader, folder, load.bytes_of) + ticket_problems(ledger, reader)
        outgoing = reader.rows(OUTGOING)
        found += _outgoing_problems(outgoing, reader, relay)
    ledger.close()
    counts = {"fail-overs": count, "mails": len(ledger.taken()), "of ours sent": relay.copies.total()}
    counts["second copies, all of them shown as perhaps twice"] = sum(copies > 1 for copies in relay.copies.values())
    counts["shown as uncertain"] = sum(state == "uncertain" for _, state, _ in outgoing)
    return Outcome(counts, found, seconds=seconds)


@contextmanager
def _nodes(starting: Starter, folder: Path, servers: Pair, relay: Flaky) -> Iterator[Sequence[Gateway]]:
    """Two gateways with the same keys and the same folder for large mails."""
    settings = {
        "MAILGATE_STORE__URL": servers.url,
        "MAILGATE_SEND__VIA": f"smtp://127.0.0.1:{relay.port}",
        "MAILGATE_SEND__AUTOMATIC_PER_HOUR": UNLIMITED,
    }
    with ExitStack() as running:
        nodes = []
        for name in ("a", "b"):
            log = folder / f"log of {name}"
            nodes.append(running.enter_context(gateway(starting, folder, servers.primary.url, log, **settings)))
            nodes[-1].start()
        yield nodes


def _fail_over(servers: Pair, ledger: Ledger) -> float:
    """How many seconds after the kill a mail was taken by the new primary."""
    killed_at = time.monotonic()
    servers.fail_over()
    promoted_at = time.monotonic()  # what was taken before may be of the old one
    wait_until(lambda: ledger.last_taken_at > promoted_at, TAKEN_WITHIN_SECONDS, "no mail was taken after a fail-over")
    return ledger.last_taken_at - killed_at


def _outgoing_problems(outgoing: Sequence[tuple[str, str, int]], reader: Reader, relay: Flaky) -> list[str]:
    """Every answer went, and again only where that is shown (G5)."""
    found, copies = Problems(), relay.copies
    found.named("mails of ours are stuck", [f"{name} ({state})" for name, state, _ in outgoing if state not in ENDED])
    found.named(
        "mails of ours are said to be sent and are lost",
        [name for name, state, _ in outgoing if state == "sent" and not copies[name]],
    )
    found.named(
        "mails of ours came more often than is known",
        [name for name, _, doubts in outgoing if copies[name] > 1 + doubts],
    )
    found.named(
        "mails of ours were sent, and nothing is known about them", copies.keys() - {name for name, *_ in outgoing}
    )
    asked = {canary_of(who) for (who,) in reader.rows("SELECT requester FROM tickets WHERE requester <> ''")}
    answered = [canary_of(who) for (who,) in reader.rows(ANSWERED)]
    found.mails("without an acknowledgement", asked - set(answered))
    found.mails("acknowledged twice", {canary for canary in answered if answered.count(canary) > 1})
    return found.told


def _wait_until_quiet(reader: Reader) -> list[str]:
    try:
        wait_until(reader.is_idle, QUIET_WITHIN_SECONDS, "")
    except TimeoutError:
        return [f"work was still waiting after {QUIET_WITHIN_SECONDS:g} seconds"]
    return []
