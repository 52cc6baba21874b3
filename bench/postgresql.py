"""P4 and P5 on PostgreSQL: against django-helpdesk on the same kind of cluster, two processes or nodes against one."""

import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from bench.ingest import COUNT, ROLES, in_turn, ingest_rate
from bench.mails import mails
from bench.peers import REPOSITORY, gateway
from bench.table import Row
from tests.servers import postgresql

PEER = Path(__file__).with_name("django_peer.py")
PACKAGES = ("django-helpdesk==2.6.1", "psycopg[binary]")
PEER_COUNT = 500


def against_helpdesk() -> list[Row]:
    """P4; the peer reads a folder and sends nothing, in one process: it has no other way to share the work."""
    python = _installed(REPOSITORY / "build" / "helpdesk")
    ours, theirs, ratio = in_turn(
        lambda folder, turn: _rate(folder, turn, processes=2), lambda folder, turn: _peer_rate(python, folder, turn)
    )
    compared = f"{ours:.0f}/s with two processes, django-helpdesk {theirs:.0f}/s"
    return [Row("P4", "ingest, PostgreSQL, 10 sessions", f"{ratio:.2f} x", "4 x", "8 x", compared)]


def shared() -> list[Row]:
    """P5 on PostgreSQL, and what a second node brings where both have the same cores."""
    two, one, processes = in_turn(
        lambda folder, turn: _rate(folder, turn, processes=2), lambda folder, turn: _rate(folder, turn)
    )
    pair, alone, nodes = in_turn(
        lambda folder, turn: _rate(folder, turn, nodes=2), lambda folder, turn: _rate(folder, turn)
    )
    beside = "PostgreSQL and the load take their share of the same cores"
    return [
        Row(
            *("P5", "ingest with two processes, PostgreSQL", f"{processes:.2f} x", "1.4 x", "1.8 x"),
            f"{two:.0f}/s with two, {one:.0f}/s with one; {beside}",
        ),
        Row(
            *("nodes", "ingest with two nodes on one machine", f"{nodes:.2f} x", "1 x", "1.4 x"),
            f"{pair:.0f}/s with two, {alone:.0f}/s with one; {beside}",
        ),
    ]


def _rate(folder: Path, turn: int, processes: int = 1, nodes: int = 1) -> float:
    with ExitStack() as running:
        url = running.enter_context(postgresql())
        first, *others = (
            running.enter_context(gateway(folder / f"{number}", ROLES, processes, url=url)) for number in range(nodes)
        )
        return ingest_rate(first, COUNT, seed=turn, others=others)


def _peer_rate(python: Path, folder: Path, turn: int) -> float:
    """Tickets a second, once it has started."""
    inbox = folder / "inbox"
    inbox.mkdir(parents=True)
    for number, mail in enumerate(mails(PEER_COUNT, seed=turn)):
        (inbox / f"{number}.eml").write_bytes(mail)
    with _peer(python, inbox) as process:
        answer = json.loads(process.communicate("go\n", timeout=300)[0])
    assert answer["tickets"] == PEER_COUNT, answer
    return float(answer["tickets"] / answer["seconds"])


@contextmanager
def _peer(python: Path, inbox: Path) -> Iterator[subprocess.Popen[str]]:
    with postgresql() as url:
        at = make_url(url)
        command = [python, PEER, f"{at.host} {at.port} {at.username} {at.database}", inbox]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _installed(folder: Path) -> Path:
    """The interpreter of the peer's own environment, which is made where it is missing."""
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        print(f"installing {PACKAGES[0]} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "done").touch()
    return python
