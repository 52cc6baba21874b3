"""From a first mail to its acknowledgement, and what else a gateway does as a process."""

import os
import signal
import smtplib
import stat
import subprocess
from pathlib import Path

import pytest

from mailgate.store.locks import NamedLocks
from mailgate.workers.intake import LEASE_SECONDS
from tests.gateway import MAILBOX, ROOT, Gateway, gateway, wait_until
from tests.postfix import postfix

ANN = "ann@justice.example"


def mail(number: int = 1, sender: str = ANN) -> str:
    return (
        f"From: Ann <{sender}>\nTo: {MAILBOX}\nSubject: Warning letter {number}\n"
        f"Message-ID: <m{number}@justice.example>\n\nPlease send the warning letter for case number {number}.\n"
    )


def send(port: int, text: str, sender: str = ANN) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail(sender, [MAILBOX], text)


def answered(running: Gateway, count: int) -> bool:
    return len(running.acknowledgements()) >= count and running.is_idle()


def test_a_first_mail_becomes_a_ticket_and_its_sender_hears_the_reference(tmp_path):
    with gateway(tmp_path) as running:
        send(running.port, mail())
        wait_until(lambda: answered(running, 1))
        [reply] = running.acknowledgements()
        [(ref,)] = running.rows("SELECT ref FROM tickets")
        assert (reply["To"], reply["In-Reply-To"]) == (f"<{ANN}>", "<m1@justice.example>")
        assert f"[{ref}]" in reply["Subject"]
        assert reply["Auto-Submitted"] == "auto-replied"
        assert running.stop() == 0


def test_E151_one_mail_to_two_mailboxes_is_one_ticket_whether_in_one_session_or_in_two(tmp_path):
    other = "northmere.court@justice.example"
    both = mail().replace(f"To: {MAILBOX}", f"To: {MAILBOX}, {other}")
    with gateway(tmp_path) as running:
        with smtplib.SMTP("127.0.0.1", running.port) as client:
            client.sendmail(ANN, [MAILBOX, other], both)
        with smtplib.SMTP("127.0.0.1", running.port) as client:
            client.sendmail(ANN, [other], both)
        wait_until(lambda: answered(running, 1) and len(running.rows("SELECT id FROM messages")) == 2)
        assert len(running.acknowledgements()) == 1
        [(mailbox,)] = running.rows("SELECT mailbox FROM tickets")
        said = [data for (data,) in running.rows("SELECT data FROM events WHERE data LIKE '%mailboxes%'")]
        assert mailbox == MAILBOX
        assert [other in each for each in said] == [True, True]
        assert running.stop() == 0


def test_S78_what_the_gateway_writes_is_for_its_own_user_only(tmp_path):
    with gateway(tmp_path) as running:
        send(running.port, mail())
        wait_until(lambda: answered(running, 1))
        written = [running.database, running.outbox, *running.outbox.rglob("*"), *(tmp_path / "keys").iterdir()]
        assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in written} == {0}
        limits = Path(f"/proc/{running.process.pid}/limits").read_text()
        assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]


def test_S75_neither_addresses_nor_subjects_are_logged(tmp_path):
    with gateway(tmp_path) as running:
        send(running.port, mail())
        wait_until(lambda: answered(running, 1))
        said = [line for line in running.log().splitlines() if line.startswith("{")]
        assert len(said) >= 4
        assert not any("ann@" in line or "arning letter" in line for line in said)


def test_a_second_gateway_on_the_same_store_is_refused(tmp_path):
    with gateway(tmp_path) as running:
        second = Gateway(tmp_path)
        second.start(wait=False)
        assert second.process.wait(30) == 2
        assert "another gateway is running" in second.log()
        assert running.is_listening()


@pytest.mark.parametrize("role", ["smpt", ""])
def test_a_role_that_is_not_there_is_refused_in_a_sentence(tmp_path, role):
    refused = Gateway(tmp_path)
    refused.start("--role", role, wait=False)
    assert refused.process.wait(30) == 2
    assert f'there is no role "{role}"; there are: smtp, imap, worker, scheduler, web' in refused.log()
    assert "Traceback" not in refused.log()


def test_mail_taken_without_a_worker_is_handled_by_the_next_one(tmp_path):
    with gateway(tmp_path, "--role", "smtp") as running:
        send(running.port, mail())
        assert running.stop() == 0
        assert running.rows("SELECT state FROM spool") == [("ready",)]
        running.start()
        wait_until(lambda: answered(running, 1))


def test_several_processes_share_one_port_and_one_that_dies_is_replaced(tmp_path):
    with gateway(tmp_path, MAILGATE_WORKERS__PROCESSES="2") as running:
        for number in range(20):
            send(running.port, mail(number), f"person{number}@justice.example")
        wait_until(lambda: answered(running, 20))
        before = children(running)
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: len(children(running)) == 2 and before[0] not in children(running))
        for number in range(20, 40):
            send(running.port, mail(number), f"person{number}@justice.example")
        wait_until(lambda: answered(running, 40))
        assert running.stop() == 0


def test_what_a_dead_process_had_is_done_by_another_long_before_its_lease_ends(tmp_path):
    with gateway(tmp_path, MAILGATE_WORKERS__PROCESSES="2") as running:
        with NamedLocks(tmp_path / "mailgate.db.deciding").held([ANN], 10):
            send(running.port, mail())
            wait_until(lambda: running.rows("SELECT token FROM spool WHERE token IS NOT NULL"))
            [(token,)] = running.rows("SELECT token FROM spool")
            os.kill(int(token.split(".")[1]), signal.SIGKILL)
        wait_until(lambda: answered(running, 1), seconds=LEASE_SECONDS / 2)


def test_large_mails_become_tickets_and_their_files_stay(tmp_path):
    with gateway(tmp_path, MAILGATE_STORE__RAW="raw") as running:
        send(running.port, mail() + "A long line of a long mail.\n" * 40_000)
        wait_until(lambda: answered(running, 1))
        [(location,)] = running.rows("SELECT location FROM raw_mails")
        assert [file.name for file in (tmp_path / "raw").iterdir()] == [location]


def children(running: Gateway) -> list[int]:
    pid = running.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_postfix_hands_over_a_mail_and_gets_the_acknowledgement(tmp_path):
    with gateway(tmp_path) as running, postfix(relay_to=running.port) as server:
        send(server.port, mail())
        wait_until(lambda: answered(running, 1))
        assert running.acknowledgements()[0]["To"] == f"<{ANN}>"


def test_the_commands_it_prints_are_for_pasting(tmp_path):
    with gateway(tmp_path) as running:
        said = running.log()
        [command] = [line.strip() for line in said.splitlines() if "smtplib" in line]
        subprocess.run(command, shell=True, check=True, cwd=ROOT)
        wait_until(lambda: answered(running, 1))
    assert "ticket list" in said
