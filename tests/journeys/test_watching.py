"""The whole gateway, watched: figures of all its processes, pages that intake never waits for, doctor and reconcile."""

import json
import os
import smtplib
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from mailgate.app import clock, context_of
from mailgate.settings import load
from mailgate.store.engine import open_store
from mailgate.workers.alerts import Alerts
from mailgate.workers.canary import Canaries
from tests.certificates import make_certificate
from tests.dovecot import dovecot
from tests.gateway import MAILBOX, ROOT, Gateway, gateway, wait_until
from tests.postfix import postfix

MAIL = (
    "From: ann@justice.example\nTo: {to}\nSubject: warning letter {n}\nMessage-ID: <{n}@justice.example>\n\nPlease.\n"
)


def sent(running: Gateway, number: int) -> None:
    with smtplib.SMTP("127.0.0.1", running.port, timeout=20) as client:
        client.sendmail("ann@justice.example", MAILBOX, MAIL.format(to=MAILBOX, n=number))


def page(running: Gateway, name: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{running.web_port}/{name}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def figure(running: Gateway, name: str) -> float:
    return sum(float(line.split()[-1]) for line in page(running, "metrics")[1].splitlines() if line.startswith(name))


def command(running: Gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mailgate.cli.main", *arguments],
        env=running.environment,
        cwd=running.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_figures_of_all_processes_come_out_right_and_outlive_a_child(tmp_path: Path) -> None:
    with gateway(tmp_path, MAILGATE_WORKERS__PROCESSES="3") as running:
        wait_until(lambda: "web" in running.log())
        for number in range(12):
            sent(running, number)
        wait_until(running.is_idle)
        assert figure(running, "mailgate_accepted_mails_total") == 12
        wait_until(lambda: figure(running, "mailgate_decided_mails_total") == 12)
        os.kill(children(running.process.pid)[-1], 9)
        wait_until(lambda: "a process died" in running.log() and len(children(running.process.pid)) == 3)
        sent(running, 12)
        assert figure(running, "mailgate_accepted_mails_total") == 13
        assert json.loads(page(running, "health")[1])["ok"]
        assert running.stop() == 0


def test_intake_goes_on_where_the_pages_cannot_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
        with gateway(tmp_path, MAILGATE_WEB__LISTEN=address) as running:
            sent(running, 1)
            wait_until(running.is_idle)
            assert "the pages are not served" in running.log()


def test_doctor_and_reconcile_say_what_is_well(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        sent(running, 1)
        wait_until(running.is_idle)
        examined = command(running, "doctor", "--json")
        found = {each["what"]: each["level"] for each in json.loads(examined.stdout)}
        assert examined.returncode == 0, examined.stdout + examined.stderr
        assert found["smtp.vouches"] == found["canary"] == "warning"
        assert found["smtp.listen"] == found["web.listen"] == found["store"] == found["keys"] == "ok"
        compared = command(running, "reconcile", "--json")
        assert (compared.returncode, json.loads(compared.stdout)["differences"]) == (0, [])
        log = tmp_path / "mail.log"
        line = (
            "2026-11-22T10:00:00+00:00 relay postfix/smtp[1]: AAAAAAA: to=<a@b>, status=sent (250 2.0.0 queued as {})"
        )
        log.write_text(line.format("0" * 16))
        compared = command(running, "reconcile", "--relay-log", str(log))
        assert (compared.returncode, "AAAAAAA" in compared.stdout) == (1, True)


def test_doctor_fails_where_something_is_wrong_and_says_what_to_do(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        (tmp_path / "keys" / "ka").chmod(0o644)
        running.environment |= {"MAILGATE_SEND__VIA": "smtp://127.0.0.1:1"}
        examined = command(running, "doctor", "--json")
        wrong = {each["what"]: each["says"] for each in json.loads(examined.stdout) if each["level"] == "failure"}
        assert examined.returncode == 1
        assert "chmod go=" in wrong["keys"]
        assert "127.0.0.1:1 cannot be reached" in str(wrong)
    broken = subprocess.run(
        [sys.executable, "-m", "mailgate.cli.main", "--config", str(tmp_path), "doctor"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (broken.returncode, "no configuration here" in broken.stdout) == (1, True)


def test_an_accounts_folders_are_compared_with_the_store(tmp_path: Path) -> None:
    with dovecot() as server:
        account = server.account()
        (tmp_path / "imap").mkdir()
        (tmp_path / "imap" / "mailgate.yml").write_text(
            f"imap: [{{mailbox: {MAILBOX}, ssl: no, host: {account.host}, port: {account.port}, user: {account.user}, "
            f"secret_file: {account.secret_file}, poll_seconds: 1}}]\n"
        )
        laid_over = ("--config", str(ROOT / "config"), "--config", str(tmp_path / "imap"))
        server.deliver(*(MAIL.format(to=MAILBOX, n=number).replace("\n", "\r\n").encode() for number in (1, 2)))
        with gateway(tmp_path, *laid_over) as running:
            wait_until(lambda: server.counts("Processed") == {"Processed": 2})
            assert figure(running, "mailgate_imap_up") == 1
            assert json.loads(page(running, "health")[1])["imap"]["accounts"][MAILBOX]["ok"]
            assert command(running, "reconcile", *laid_over).returncode == 0
            examined = json.loads(command(running, "doctor", "--json", *laid_over).stdout)
            accounts = {each["what"]: each for each in examined if each["what"].startswith("imap 0")}
            assert [each["level"] for each in accounts.values()] == ["ok", "ok"]
            assert "says reading, last listed 20" in accounts["imap 0 health"]["says"]
            with server.client() as client:  # one is lost by us, one is taken away there
                client.append("Processed", "", "", MAIL.format(to=MAILBOX, n=3).encode())
                client.select("Processed")
                client.store("1", "+FLAGS", "\\Deleted")
                client.expunge()
            found = json.loads(command(running, "reconcile", "--json", *laid_over).stdout)["differences"]
            assert [(each["side"], each["which"]) for each in found] == [
                (f"account {MAILBOX}", "folder Processed, UID 3"),
                ("store", "mail 1"),
            ]


def test_a_canary_goes_through_the_relay_and_comes_back(tmp_path: Path) -> None:
    running = Gateway(tmp_path)
    with postfix(running.port) as relay:
        running.environment |= {"MAILGATE_SEND__VIA": f"smtp://127.0.0.1:{relay.port}"}
        running.start()
        send_canaries(running)
        live = len(running.rows("SELECT id FROM outbox_mails WHERE message = 'canary'"))
        wait_until(lambda: running.rows("SELECT count(*) FROM messages WHERE action = 'ignore'") == [(live,)])
        assert live > 0
        assert running.rows("SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM outbox)") == [(0, live)]
        trips = [line for line in page(running, "metrics")[1].splitlines() if "canary_round_trip_seconds{" in line]
        assert len(trips) == live
        log = relay.root / "log" / "mail.log"
        wait_until(lambda: log.read_text().count("queued as") >= live)
        assert command(running, "reconcile", "--relay-log", str(log)).returncode == 0
        assert running.stop() == 0


def test_a_certificate_that_ends_soon_is_told_by_a_ticket_once_and_by_doctor(tmp_path: Path) -> None:
    shown = make_certificate(tmp_path, "gate.example")  # for two days
    files = {"MAILGATE_SMTP__TLS__CERTIFICATE": str(shown.file), "MAILGATE_SMTP__TLS__KEY": str(shown.key)}
    with gateway(tmp_path, **files) as running:
        for _ in range(2):
            wait_until(lambda: "a certificate or secret ends soon" in running.log())
            wait_until(lambda: running.rows("SELECT subject FROM tickets") == [("A certificate or secret ends soon",)])
            assert running.stop() == 0
            (tmp_path / "log").unlink()
            running.start()
        found = json.loads(command(running, "doctor", "--json").stdout)
        assert [each["level"] for each in found if each["what"] == "smtp.tls ends"] == ["warning"]


def send_canaries(running: Gateway) -> None:
    """What the scheduler does each hour, now."""
    config = load([ROOT / "config"], running.environment)
    store = open_store(config.operator)
    context = context_of(config, store)
    Canaries(store, context, Alerts(store, context), clock).turn()
    store.close()
