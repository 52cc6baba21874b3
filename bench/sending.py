"""P13: mails of ours sent from the outbox over a kept connection, beside sending their ready-made bytes over one."""

import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from bench.table import Row
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as StoreSettings
from mailgate.model.outbound import Outbound, Way
from mailgate.notify.smtp import Relay, on_the_wire
from mailgate.store import outbox
from mailgate.store.engine import Store, open_store
from mailgate.store.schema import upgrade
from mailgate.workers.delivery import Around, Delivery

ROUNDS, COUNT = 3, 1000
CONTENT = b"Subject: %d\r\n\r\n" + b"A line of an acknowledgement, text and HTML, of the usual length.\r\n" * 120


def measure() -> list[Row]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening,), daemon=True).start()
        port = int(listening.getsockname()[1])
        pairs = [(_rate(_ready_made, port), _rate(_from_the_outbox, port)) for _ in range(ROUNDS)]
    bytes_alone, mails = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    compared = f"{mails:.0f} mails a second, with claim and record; {bytes_alone:.0f} of ready-made bytes"
    return [
        Row("P13", "replies sent over a kept connection", f"{mails / bytes_alone:.2f} x", "0.3 x", "0.7 x", compared)
    ]


def _rate(send: Callable[[int], float], port: int) -> float:
    return COUNT / send(port)


def _ready_made(port: int) -> float:
    """The same dialogue, without a database and without composing anything."""
    mails = [on_the_wire(CONTENT % number) for number in range(COUNT)]
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as replies:
        replies.readline()
        begun = time.perf_counter()
        for number, mail in enumerate(mails):
            connection.sendall(b"MAIL FROM:<>\r\nRCPT TO:<p%d@mail.example>\r\nDATA\r\n" % number)  # RFC 2920
            for _ in range(3):
                replies.readline()
            connection.sendall(mail)
            replies.readline()
        return time.perf_counter() - begun


def _from_the_outbox(port: int) -> float:
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as folder:
        store = open_store(Operator(store=StoreSettings(url=f"sqlite:///{Path(folder)}/mailgate.db")))
        upgrade(store)
        _queue(store)
        around = Around(store, lambda: datetime.now(UTC), lambda: 0.5, Event(), lambda *_: None, 10 * COUNT)
        delivery = Delivery(Way.MAIL, Relay("127.0.0.1", port), around)
        begun = time.perf_counter()
        while delivery.turn():
            pass
        seconds = time.perf_counter() - begun
        store.close()
    return seconds


def _queue(store: Store) -> None:
    now = datetime.now(UTC)
    mails = (
        Outbound("status", f"p{number}@mail.example", "", "", f"<{number}@x>", CONTENT % number, f"c{number}", 0)
        for number in range(COUNT)
    )
    with store.write() as tx:
        outbox.queue(tx, [outbox.Queued(mail, None, now, to_stranger=False) for mail in mails])


def _serve(listening: socket.socket) -> None:
    """A relay that takes everything and keeps nothing, one connection at a time; it answers without delay."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as lines:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(b"220 relay.example\r\n")
            for line in lines:
                if line.startswith(b"DATA"):
                    connection.sendall(b"354 go on\r\n")
                    while next(lines, b".\r\n") != b".\r\n":
                        pass
                connection.sendall(b"250-well\r\n250 PIPELINING\r\n" if line.startswith(b"ehlo") else b"250 well\r\n")
