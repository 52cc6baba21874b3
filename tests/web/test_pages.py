"""The pages over HTTP, on a real store."""

import json
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

from mailgate.errors import TryLater
from mailgate.store import outbox
from mailgate.store.nodes import Running, tell
from mailgate.tickets import canary
from mailgate.tickets.token import Keys
from mailgate.web.counts import WORKERS
from mailgate.web.pages import pages
from mailgate.web.server import Server
from mailgate.workers.watch import Hour
from tests.make import HELPDESK
from tests.store import made
from tests.web.conftest import Get


def value(get: Get, name: str) -> float:
    (line,) = [line for line in get("/metrics")[1].splitlines() if line.startswith(f"mailgate_{name} ")]
    return float(line.rpartition(" ")[2])


def test_a_gateway_that_starts_again_at_once_has_its_pages_though_somebody_had_just_asked_for_them() -> None:
    before = Server("127.0.0.1", 0, {})
    before.start()
    for _ in range(3):
        with closing(HTTPConnection("127.0.0.1", before.server_port, timeout=20)) as client:
            client.request("GET", "/health", headers={"Connection": "close"})
            assert client.getresponse().read() is not None  # until the server has hung up: its end of it stays a while
    before.stop()
    Server("127.0.0.1", before.server_port, {}).server_close()


def test_ping_and_info_answer(get) -> None:
    assert get("/ping") == (200, "pong\n")
    status, body = get("/info")
    assert status == 200
    assert json.loads(body).keys() == {"version", "config", "schema", "started_at", "nodes"}
    assert get("/elsewhere")[0] == 404


def test_info_tells_of_every_node(get, store, clock) -> None:
    tell(store, "a", Running("1", "0020", "abc"), None, lambda: clock.now + timedelta(minutes=5))
    (node,) = json.loads(get("/info")[1])["nodes"]
    assert (node["name"], node["version"], node["schema"], node["config"]) == ("a", "1", "0020", "abc")
    assert 200 < node["clock_ahead_seconds"] < 400


def test_info_answers_while_the_store_is_away(get, store, monkeypatch) -> None:
    def away() -> None:
        raise TryLater("away")

    monkeypatch.setattr(store, "read", away)
    assert json.loads(get("/info")[1])["nodes"] is None


def test_health_is_well_where_everything_is(get) -> None:
    status, body = get("/health")
    assert (status, json.loads(body)["ok"]) == (200, True)
    assert json.loads(body)["imap"]["accounts"][HELPDESK]["waiting"] == 3


def test_health_is_red_from_a_mail_that_could_not_be_stored_until_any_process_stores_one(get, observer) -> None:
    observer.counts.of(0).refused("mailbox")
    assert json.loads(get("/health")[1])["intake"] == {"ok": True}
    observer.counts.of(0).refused("failure")
    assert (get("/health")[0], json.loads(get("/health")[1])["intake"]) == (503, {"ok": False})
    observer.counts.of(1).accepted(500, 0.02)
    assert (get("/health")[0], json.loads(get("/health")[1])["intake"]) == (200, {"ok": True})


def test_health_turns_when_a_mail_waits_too_long_or_a_worker_falls_silent(get, store, observer, clock) -> None:
    made.put(store)
    clock.now = made.NOW + timedelta(minutes=20)
    for own in (observer.counts.of(0), observer.counts.of(1)):
        for worker in WORKERS:
            own.turned(worker)
    body = json.loads(get("/health")[1])
    assert get("/health")[0] == 503
    assert body["spool"] == {"ok": False, "waiting": 1, "oldest_seconds": 1200}
    clock.now = datetime.now(UTC) + timedelta(minutes=6)
    assert json.loads(get("/health")[1])["workers"]["silent"] == ["intake"]


def test_health_turns_without_space_or_store(get, observer, store) -> None:
    object.__setattr__(observer, "free_bytes", lambda: 1000)
    store.engine.dispose()
    store._path.unlink()
    store._path.mkdir()
    status, body = get("/health")
    told = json.loads(body)
    assert (status, told["store"]["ok"], told["free_space"]["ok"]) == (503, False, False)
    assert value(get, "store_up") == 0


def test_metrics_tell_of_the_store_and_of_every_process(get, store, observer) -> None:
    made.put(store)
    made.opened(store)
    for number in (0, 1):
        observer.counts.of(number).accepted(500, 0.02)
    observer.watched.hours = {HELPDESK: Hour(3, 12.5)}
    assert value(get, "spool_mails") == 1
    assert value(get, "accepted_mails_total") == 2
    assert value(get, "commit_seconds_count") == 2
    assert value(get, 'outbox_mails{state="ready"}') == 1
    assert value(get, f'mailbox_usual_hour_mails{{mailbox="{HELPDESK}"}}') == 12.5
    assert value(get, f'imap_up{{account="{HELPDESK}"}}') == 1
    assert value(get, "quarantine_mails") == 0


def test_S75_metrics_and_health_name_nobody_who_wrote(get, store) -> None:
    made.opened(store, what=made.reading("dora.secret@council.example", subject="a secret", text="a secret"))
    for path in ("/metrics", "/health", "/info"):
        assert "secret" not in get(path)[1]


def test_the_last_canarys_round_trip_is_told(get, store, clock) -> None:
    mail = canary.compose(HELPDESK, HELPDESK, Keys("a", {"a": b"k" * 32}), made.NOW)
    clock.now = made.NOW + timedelta(minutes=30)
    with store.write() as tx:
        outbox.queue(tx, [outbox.Queued(mail, None, made.NOW - timedelta(seconds=8), to_stranger=False)])
    assert value(get, f'canary_missing_seconds{{mailbox="{HELPDESK}"}}') == 1808
    made.applied(store, made.ignored(made.spooled(store), made.reading(message_id=mail.message_id)))
    assert value(get, f'canary_round_trip_seconds{{mailbox="{HELPDESK}"}}') == 8
    assert value(get, f'canary_missing_seconds{{mailbox="{HELPDESK}"}}') == 0


def test_a_client_that_says_nothing_holds_nobody_up(get, observer) -> None:
    server = Server("127.0.0.1", 0, pages(observer))
    server.start()
    silent = [socket.create_connection(server.server_address) for _ in range(5)]
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request("GET", "/ping")
    assert connection.getresponse().status == 200
    for each in silent:
        each.close()
    server.stop()


def test_a_client_that_sends_a_byte_now_and_then_does_not_keep_its_place(observer, monkeypatch) -> None:
    monkeypatch.setattr("mailgate.web.server.LONGEST_SECONDS", 0.3)
    server = Server("127.0.0.1", 0, pages(observer))
    server.start()
    with socket.create_connection(server.server_address, timeout=10) as dripping:
        dripping.sendall(b"GET /ping HTTP/1.1\r\n")
        assert dripping.recv(1) == b""  # hung up, well before the ten seconds that each piece may take
    server.stop()
