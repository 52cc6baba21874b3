"""K13: mails of ours by a relay, and by GOV.UK Notify, that fail at random at every step.

Before, during and after the final dot; with and without having taken the mail; and the worker itself dies now and then.
Each arrives once, or is shown as uncertain: a mail that a relay may have taken is sent once more with the same
Message-ID, so that there may be a second copy and never a third, and the outbox says "sent, perhaps twice". Notify is
asked first, so that there is never a second.
"""

import json
import random
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import text

from mailgate.errors import TryLater
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.model.outbound import Doubt, Outbound, Way
from mailgate.notify.channel import Channel
from mailgate.notify.govuk import Govuk
from mailgate.notify.smtp import Relay
from mailgate.notify.standin import StandIn, api_key, template_id
from mailgate.store import outbox, outgoing
from mailgate.store.engine import Store, open_store
from mailgate.store.schema import upgrade
from mailgate.workers import delivery
from mailgate.workers.delivery import Around, Delivery
from prove.outcome import Outcome

STEPS = ("banner", "MAIL", "RCPT", "DATA")
REFUSED = ("MAIL", "RCPT")
FAILS, DIES = 0.12, 0.001
MOST_COPIES = 2
LONGEST_SECONDS = 2.0


class Killed(BaseException):
    """The worker ended in the middle of its work."""


class Flaky(socketserver.ThreadingTCPServer):
    """A relay that *fails* so often at each of ``STEPS``, in the mail and after it; *copies* counts by Message-ID."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, seed: int, fails: float = FAILS) -> None:
        self.chance, self.copies, self.fails = random.Random(seed), Counter[str](), fails
        super().__init__(("127.0.0.1", 0), _Session)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def __enter__(self) -> "Flaky":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: Flaky

    def handle(self) -> None:
        if not self._goes("banner", b"220 relay"):
            return
        while line := self.rfile.readline():
            verb = line[:4].upper().decode("ascii", "replace")
            if verb == "DATA":
                if not self._goes(verb, b"354 go on") or not self._take():
                    return
            elif verb == "QUIT" or not self._goes(verb, b"250 well"):
                return

    def _take(self) -> bool:
        """Read a mail; False where the connection breaks off."""
        lines = []
        breaks_at = self.server.chance.randrange(1, 6) if self._fails() else None
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
            if not line or len(lines) == breaks_at:
                return False
        if self._fails():
            return False  # the dot is here, the mail is lost
        if self._fails():
            return self._say(b"451 later")
        self.server.copies[_message_id(lines)] += 1
        return not self._fails() and self._say(b"250 taken")

    def _goes(self, step: str, answer: bytes) -> bool:
        """Go on, refuse for now, or break off."""
        if step not in STEPS or not self._fails():
            return self._say(answer)
        return step in REFUSED and self.server.chance.random() < 0.5 and self._say(b"451 later")

    def _fails(self) -> bool:
        return self.server.chance.random() < self.server.fails

    def _say(self, answer: bytes) -> bool:
        self.wfile.write(answer + b"\r\n")
        return True


def _message_id(lines: list[bytes]) -> str:
    return next(line[12:].strip().decode() for line in lines if line.lower().startswith(b"message-id: "))


class Dying:
    """A channel whose worker dies now and then, before the mail goes or after it has gone."""

    def __init__(self, channel: Channel, chance: random.Random, *, spoilt: bool) -> None:
        self._channel, self._chance, self._spoilt = channel, chance, spoilt
        self.longest_seconds, self.pace = LONGEST_SECONDS, None
        self.doubt = Doubt.HARMLESS if spoilt else channel.doubt
        self.find, self.probe, self.settle, self.close = channel.find, channel.probe, channel.settle, channel.close

    def send(self, attempt: Any) -> str:
        if self._chance.random() < DIES:
            raise Killed
        try:
            name = self._channel.send(attempt)
        except TryLater:
            raise
        except Exception as error:
            if self._spoilt:  # sends again whatever may have gone
                raise TryLater("spoilt") from error
            raise
        if self._chance.random() < DIES:
            raise Killed
        return name


def sending(folder: Path, seed: int, mails: int, *, spoilt: bool = False) -> Outcome:
    """Send *mails* by the relay and a tenth of that by Notify; what became of each is held against what arrived."""
    store = open_store(Operator(store=StoreSettings(url=f"sqlite:///{folder}/mailgate.db")))
    upgrade(store)
    alerts = mails // 10
    _queue(store, Way.MAIL, range(mails))
    _queue(store, Way.NOTIFY, range(mails, mails + alerts))
    chance = random.Random(seed)
    with _hurried(), Flaky(seed) as relay, StandIn() as there:
        there.bucket, there.receipt_seconds = None, 3600.0
        kinds = ("drop", "502", "not json", "500")
        there.faults = [chance.choice(kinds) if chance.random() < FAILS else "" for _ in range(20 * alerts)]
        made: dict[Way, Callable[[], Channel]] = {
            Way.MAIL: lambda: Relay("127.0.0.1", relay.port, timeout_seconds=5, reply_timeout_seconds=5),
            Way.NOTIFY: lambda: _notify(there, chance),
        }
        deaths = sum(_run(store, way, channel, chance, spoilt=spoilt) for way, channel in made.items())
        copies = relay.copies + Counter(f"<{message['reference'].split('-')[1]}@mailgate>" for message in there.sent)
    found = list(_problems(store, copies))
    with store.read() as connection:
        shown = Counter(_shown(row) for row in outgoing.listing(connection))
    store.close()
    twice = sum(count > 1 for count in copies.values())
    counts = {"mails": mails, "alerts": alerts, "deaths of the worker": deaths}
    counts |= {f"are shown as {state}": count for state, count in sorted(shown.items())}
    return Outcome(counts | {"second copies, all of them of mails shown as uncertain": twice}, found)


def _shown(row: Mapping[str, Any]) -> str:
    """As ``mailgate outbox list`` shows it."""
    return "sent, perhaps twice" if row["perhaps_twice"] else str(row["state"])


def _notify(there: StandIn, chance: random.Random) -> Govuk:
    ids = {"duplicate": template_id("duplicate")}
    return Govuk(Way.NOTIFY, api_key(), there.url, "prove", ids, lambda: datetime.now(UTC), chance.random, 2)


def _queue(store: Store, way: Way, numbers: range) -> None:
    for first in range(numbers.start, numbers.stop, 500):
        with store.write() as tx:
            now = datetime.now(UTC)
            some = (_mail(way, number) for number in range(first, min(first + 500, numbers.stop)))
            outbox.queue(tx, [outbox.Queued(mail, None, now, to_stranger=False) for mail in some])


def _mail(way: Way, number: int) -> Outbound:
    name = f"<{number + 1}@mailgate>"  # the number that its row will have
    content = f"Message-ID: {name}\r\nSubject: x\r\n\r\none\r\n.two\r\nthree\r\n".encode()
    if way is Way.NOTIFY:
        content = json.dumps({"reference": "MG-7K3F-99", "team_name": "Desk"}).encode()
    return Outbound("duplicate", f"p{number}@mail.example", "", "", name, content, f"c{number}", 0, False, way=way)


def _run(store: Store, way: Way, channel: Callable[[], Channel], chance: random.Random, *, spoilt: bool) -> int:
    """Deliver until nothing waits any more, a new worker for each that dies; how many died."""
    until, deaths = time.monotonic() + 3600, 0
    while time.monotonic() < until and _waits(store, way):
        around = Around(store, lambda: datetime.now(UTC), chance.random, Event(), lambda *_: None)
        worker = Delivery(way, Dying(channel(), chance, spoilt=spoilt), around)
        try:
            while _waits(store, way):
                if not worker.turn():
                    time.sleep(0.02)
        except Killed:
            deaths += 1
    return deaths


def _waits(store: Store, way: Way) -> bool:
    query = text("SELECT 1 FROM outbox WHERE way = :way AND state IN ('ready', 'sending') LIMIT 1")
    with store.read() as connection:
        return connection.execute(query, {"way": way}).first() is not None


def _problems(store: Store, copies: Counter[str]) -> Iterator[str]:
    """What is lost, or came too often, or is not shown as it is."""
    with store.read() as connection:
        rows = outgoing.listing(connection)
    for row in rows:
        arrived = copies[f"<{row['id']}@mailgate>"]
        is_uncertain = row["perhaps_twice"] or row["state"] == "uncertain"
        most = MOST_COPIES if is_uncertain and row["way"] == Way.MAIL else 1
        if row["state"] not in ("sent", "uncertain"):
            yield f"mail {row['id']} is {row['state']}"
        if row["state"] == "sent" and not arrived:
            yield f"mail {row['id']} is lost"
        if arrived > most:
            yield f"mail {row['id']}, shown as {_shown(row)}, came {arrived} times by {row['way']}"


@contextmanager
def _hurried() -> Iterator[None]:
    """Pauses of moments instead of minutes, and no way gives up."""
    settings = vars(delivery)
    names = ("pause_after", "alert_pause_after", "rest_after", "DOUBT_PAUSE_SECONDS", "ASK_PAUSE_SECONDS")
    before = {name: settings[name] for name in names}
    moment = timedelta(milliseconds=20)
    settings |= {
        "pause_after": lambda *_: moment,
        "alert_pause_after": lambda *_: moment,
        "rest_after": lambda *_: moment,
        "DOUBT_PAUSE_SECONDS": 0.02,
        "ASK_PAUSE_SECONDS": 0.02,
    }
    try:
        yield
    finally:
        settings.update(before)
