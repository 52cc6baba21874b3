"""A thousand generated mails in ten sessions at once: each is stored once, and each new ticket is answered once."""

import json
import smtplib
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from queue import Empty, SimpleQueue

from tests.gateway import ROOT, gateway, wait_until

COUNT, SESSIONS = 1000, 10
SILENT_MAILBOX, QUIET_PRIORITY = "dunholme.admin@justice.example", "low"


def test_a_thousand_mails_are_stored_sorted_and_answered_once(tmp_path: Path) -> None:
    truth = generated(tmp_path / "mail", tmp_path / "truth.jsonl")
    with gateway(tmp_path) as running:
        sent = send_all(running.port, tmp_path / "mail", truth)
        wait_until(running.is_idle)
        assert running.rows("SELECT count(*) FROM raw_mails") == [(sent,)]
        assert running.rows("SELECT count(*) FROM messages") == [(sent,)]
        assert running.rows("SELECT count(*) FROM spool WHERE state <> 'done'") == [(0,)]
        found = running.rows(
            "SELECT m.message_id, m.action, t.task, t.ref, t.priority, t.mailbox, t.status"
            " FROM messages m LEFT JOIN tickets t ON t.opened_by = m.id"
        )
        opened = {row[0]: row for row in found if row[1] == "new_ticket"}
        wanted = {entry["message_id"]: entry["task"] for entry in truth if entry["action"] == "new_ticket"}
        right = sum(opened[message_id][2] == task for message_id, task in wanted.items() if message_id in opened)
        assert right >= 0.95 * len(wanted)
        answers = Counter(mail["In-Reply-To"] for mail in running.acknowledgements() if is_about_a_new_ticket(mail))
        expected = Counter(message_id for message_id, row in opened.items() if is_answered(row))
        assert answers == expected


def is_answered(row: tuple[object, ...]) -> bool:
    """Not in a mailbox that only observes; quiet priorities are only asked for what is missing."""
    *_, priority, mailbox, status = row
    return mailbox != SILENT_MAILBOX and (priority != QUIET_PRIORITY or status == "waiting")


def is_about_a_new_ticket(mail: object) -> bool:
    subject = mail["Subject"]
    return "We have received your request" in subject or "We need more information" in subject


def generated(folder: Path, truth: Path) -> list[dict[str, str]]:
    command = [sys.executable, ROOT / "examples/generate_mail.py", "--count", str(COUNT), "--seed", "11"]
    subprocess.run([*command, "--out", folder, "--truth", truth], check=True)
    return [json.loads(line) for line in truth.read_text().splitlines()]


def send_all(port: int, folder: Path, truth: list[dict[str, str]]) -> int:
    """Hand all mails over, each file once to its mailbox; how many different ones there were."""
    waiting: SimpleQueue[dict[str, str]] = SimpleQueue()
    for entry in truth:
        waiting.put(entry)
    different: set[tuple[str, str, bytes]] = set()

    def session() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            while True:
                try:
                    entry = waiting.get_nowait()
                except Empty:
                    return
                raw = (folder / entry["file"]).read_bytes()
                different.add((entry["from"], entry["mailbox"], raw))
                client.sendmail(entry["from"], [entry["mailbox"]], raw)

    threads = [threading.Thread(target=session) for _ in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting.empty()
    return len(different)
