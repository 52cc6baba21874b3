"""F14: back up under load, erase five people, kill, restore elsewhere, verify, count, and look for the five."""

import random
import shutil
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from mailgate.model.operator import Operator
from mailgate.model.operator import Store as Place
from mailgate.store.engine import open_store
from mailgate.store.keys import load_keys
from mailgate.store.schema import upgrade
from mailgate.store.seals import seal_all
from mailgate.tickets.seal import keys_from
from prove.check import Problems, Reader, canary_of
from prove.filled import fill
from prove.ledger import Ledger, Load, address
from prove.outcome import Outcome
from prove.process import ROOT, Gateway, gateway, starter

ERASED = 5
RATE = 20.0
AROUND_SECONDS = 1.0  # of load before the backup begins and after it ends
COMMAND_SECONDS = 1800.0
MOST_SEALS = 1000
PORTION = 2**24


def drill(folder: Path, seed: int, tickets: int, *, spoilt: bool = False) -> Outcome:
    """*spoilt*: what tells of erasures is not brought to the new place."""
    here, there, kept = folder / "here", folder / "there", folder / "kept"
    ledger = Ledger(folder / "ledger")
    with starter() as starting, gateway(starting, _made(here), log=folder / "log") as running:
        _fill(running, ledger, tickets)
        running.start()
        load = Load(running.port, ledger, rate=RATE, large_every=10).start()
        time.sleep(AROUND_SECONDS)
        before, began = ledger.taken(), time.time()
        code, said = _mailgate(running, "db", "backup", str(kept))
        ended = time.time()
        during = len(ledger.taken() - before)
        time.sleep(AROUND_SECONDS)
        load.stop()
        found = Problems([f"the backup failed: {said}"] if code else [])
        found.told += running.wait_until_quiet()
        gone = random.Random(seed).sample(range(1, tickets + 1), ERASED)
        found.told += _erase(running, gone)
        running.kill()
        _bring(here, _made(there), with_tombstones=not spoilt)
        running.move_to(there)
        restoring = time.monotonic()
        code, said = _mailgate(running, "db", "restore", str(kept))
        restored = time.monotonic() - restoring
        if code:
            found.add(f"the restore failed: {said}")
        _look_for(found, there, gone)
        running.start()
        found.told += running.wait_until_quiet()
        _count(found, running.reader, before - set(gone))
        verifying = time.monotonic()
        code, said = _mailgate(running, "db", "verify")
        verified = time.monotonic() - verifying
        if code:
            found.add(f"the verification failed: {said}")
    ledger.close()
    counts = {
        "tickets": tickets,
        "mails taken during the backup": during,
        "people erased": len(gone),
        "ms at most between two answers to senders meanwhile": _longest_silence(folder / "ledger", began, ended),
        "seconds to back up": round(ended - began),
        "seconds to restore and verify": round(restored),
        "seconds to verify": round(verified),
    }
    return Outcome(counts, found.told)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _fill(running: Gateway, ledger: Ledger, tickets: int) -> None:
    """The store before the gateway starts: sealed, and in the ledger as if senders had heard 250."""
    canaries = range(1, tickets + 1)
    keys, _ = load_keys(running.folder / "keys")
    with closing(open_store(_operator(running.folder))) as store:
        upgrade(store)
        fill(store, canaries)
        for _ in seal_all(store, keys_from(keys), datetime.now(UTC), MOST_SEALS):
            pass
    ledger.heard |= {canary: ["250"] for canary in canaries}


def _operator(folder: Path) -> Operator:
    return Operator(store=Place(url=f"sqlite:///{folder}/mailgate.db", raw=f"{folder}/raw"))


def _mailgate(running: Gateway, *words: str) -> tuple[int, str]:
    """The exit code of a command, and the end of what it said."""
    whole = [sys.executable, "-m", "mailgate", *words]
    environment = running.environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        whole, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )
    return done.returncode, (done.stdout + done.stderr)[-500:]


def _erase(running: Gateway, gone: list[int]) -> list[str]:
    """Erase everybody of *gone* while the gateway runs; what went wrong."""
    for canary in gone:
        code, said = _mailgate(running, "people", "erase", address(canary), "--by", "the drill")
        if code:
            return [f"nobody was erased: {said}"]
    return []


def _bring(here: Path, there: Path, *, with_tombstones: bool) -> None:
    """What stands outside the backup: the keys, and what tells of erasures."""
    shutil.copytree(here / "keys", there / "keys")
    if with_tombstones:
        shutil.copytree(here / "raw" / "erased", there / "raw" / "erased")


def _longest_silence(ledger: Path, begin: float, end: float) -> int:
    """Milliseconds between the answers that senders heard from *begin* to *end*."""
    heard = [at for line in ledger.read_text().splitlines() if begin <= (at := float(line.split()[0])) <= end]
    return round(1000 * max(later - earlier for earlier, later in pairwise([begin, *heard, end])))


def _count(found: Problems, reader: Reader, before: set[int]) -> None:
    """Whatever was taken *before* the backup began is there, and all that is there is there once."""
    rows = reader.rows("SELECT sender FROM raw_mails")
    mails = [canary for (sender,) in rows if (canary := canary_of(sender))]
    tickets = [canary for (who,) in reader.rows("SELECT requester FROM tickets") if (canary := canary_of(who))]
    found.mails("taken but lost", before - set(mails))
    found.mails("without a ticket", before - set(tickets))
    if len(mails) != len(set(mails)) or len(tickets) != len(set(tickets)):
        found.add("a mail or a ticket is there twice")


def _look_for(found: Problems, place: Path, gone: list[int]) -> None:
    """Whether any file of *place* still says who was erased, or what they wrote."""
    words = [word for canary in gone for word in (f"canary{canary}x".encode(), address(canary).encode())]
    for file in (each for each in place.rglob("*") if each.is_file()):
        said = sorted(word.decode() for word in words if _says(file, word))
        if said:
            found.add(f"{file.name} still has {', '.join(said[:2])}")


def _says(file: Path, word: bytes) -> bool:
    rest = b""
    with file.open("rb") as opened:
        while portion := opened.read(PORTION):
            if word in rest + portion:
                return True
            rest = portion[-len(word) :]
    return False
