"""A new signing key under a running gateway (E225)."""

import os
import re
import secrets
import smtplib
import time
from email.message import EmailMessage, Message
from email.utils import parseaddr
from pathlib import Path

from tests.gateway import MAILBOX, Gateway, gateway, wait_until
from tests.journeys.test_watching import figure

ANN = "ann@justice.example"
A_DAY = 24 * 60 * 60


def wrote(running: Gateway, words: str, to: str = MAILBOX) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ANN, to, words
    mail["Message-ID"] = f"<{secrets.token_hex(8)}@justice.example>"
    mail.set_content(f"{words}, please.")
    with smtplib.SMTP("127.0.0.1", running.port, timeout=20) as client:
        client.sendmail(ANN, to, mail.as_bytes())


def acknowledged(running: Gateway, words: str) -> Message:
    """What *words* are answered with."""
    known = {str(mail["Message-ID"]) for mail in running.acknowledgements()}
    wrote(running, words)
    wait_until(lambda: len(running.acknowledgements()) == len(known) + 1)
    (new,) = (mail for mail in running.acknowledgements() if str(mail["Message-ID"]) not in known)
    return new


def letter(mail: Message) -> str:
    """Which key signed the address for answers."""
    found = re.search(r"-\d+-([a-z])[a-z2-7]{16}@", str(mail["Reply-To"]))
    assert found, mail["Reply-To"]
    return found[1]


def key(folder: Path, name: str, mode: int = 0o600, days_ago: float = 0) -> None:
    """Written beside its place and then moved there, as ``cp`` and ``mv`` do."""
    half = folder / "new"
    half.write_text(secrets.token_hex(32))
    half.chmod(mode)
    at = time.time() - days_ago * A_DAY
    os.utime(half, (at, at))
    half.rename(folder / name)


def tickets(running: Gateway) -> int:
    ((count,),) = running.rows("SELECT count(*) FROM tickets WHERE requester <> ''")
    return int(str(count))


def test_E225_a_new_key_signs_at_once_and_the_old_one_proves_for_its_time(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    with gateway(tmp_path) as running:
        first = acknowledged(running, "a warning letter")
        assert letter(first) == "a"

        key(keys, "kb")
        wait_until(lambda: running.log().count("a new configuration is in force") == 1)
        second = acknowledged(running, "a breach report")
        assert letter(second) == "b"
        wrote(running, "And it is urgent", to=parseaddr(str(first["Reply-To"]))[1])
        wait_until(running.is_idle)
        assert (tickets(running), figure(running, "mailgate_false_token_mails_total")) == (2, 0)

        key(keys, "kc", mode=0o644)  # others may read it: nothing changes, and people are told
        wait_until(lambda: "the configuration is wrong" in running.log())
        assert letter(acknowledged(running, "a court date")) == "b"
        (keys / "kc").unlink()

        os.utime(keys / "kb", (time.time() - 401 * A_DAY,) * 2)  # 401 days later
        wait_until(lambda: running.log().count("a new configuration is in force") == 2)
        wrote(running, "Is it done yet", to=parseaddr(str(first["Reply-To"]))[1])
        wait_until(lambda: figure(running, "mailgate_false_token_mails_total") == 1)
        assert secrets_in(running, keys) == []
    assert running.command("doctor").stdout.decode().count("ka has proved nothing since") == 1


def secrets_in(running: Gateway, keys: Path) -> list[str]:
    """The keys, and whole tokens, that stand in the log."""
    log = running.log()
    tokens = re.findall(r"[0-9a-z]{6}[-.]\d+[-.][a-z][a-z2-7]{16}", log)
    return [path.name for path in keys.iterdir() if path.read_text().strip() in log] + tokens
