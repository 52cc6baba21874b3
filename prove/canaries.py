"""K12: words that stand in a mail and nowhere else, and secrets, are looked for wherever an operator looks (S75).

The gateway is whole; everything goes wrong, and whoever it speaks to quotes in his answer what he was sent. Read are
the log (both streams of all processes), the pages, what SMTP answers, what commands print, and the list of processes.
The environment of a process is its operator's own, and is not looked at: a secret can stand in a file instead.
"""

import random
import re
import shutil
import smtplib
import socket
import string
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from subprocess import run
from sys import executable

from mailgate.store.sqlite import library
from prove import quoting
from prove.outcome import Outcome
from prove.process import ROOT, Gateway, gateway, starter, wait_until
from tests.servers import free_port

MAILBOX = "northmere.enforcement@justice.example"
BREAKS = ("", "stumble", "upset", "topple", "crash")
"""Words in a subject: ``prove.gateway`` and the store fail over them, each in its way."""
IN_MAILS = ("sender", "name", "subject", "body", "case", "file", "attached", "header")
WAIT_SECONDS = 8.0
WRONG = b"the configuration is wrong"


@dataclass
class Canaries:
    """Of each kind a word by chance, and where it was found."""

    chance: random.Random
    words: dict[str, str] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    read: int = 0

    def __post_init__(self) -> None:
        words = (*IN_MAILS, "SMTP password", "IMAP password", "database password", "callback token", "query")
        self.words = {name: "canary" + "".join(self.chance.choices(string.ascii_lowercase, k=12)) for name in words}
        self.words["case"] = self.chance.choice(string.ascii_uppercase) + str(self.chance.randrange(10**5, 10**6))
        self.words["signing key"] = self.chance.randbytes(32).hex()
        self.words["Notify key"] = str(uuid.UUID(bytes=self.chance.randbytes(16), version=4))
        every = [(name, form) for name, word in self.words.items() for form in forms(word)]
        self._forms = {form.encode("latin-1"): name for name, form in every}
        self._any = re.compile(b"|".join(map(re.escape, self._forms)))

    def __getitem__(self, name: str) -> str:
        return self.words[name]

    def look(self, where: str, text: bytes) -> None:
        """Note each that *text* holds in any form."""
        self.read += len(text)
        for hit in set(self._any.findall(text)):
            begin = max(0, text.index(hit) - 60)
            self.found.append(f"{self._forms[hit]} in {where}: {text[begin : begin + 120]!r}")


def forms(word: str) -> Iterator[str]:
    """*word* as it may stand: plain, in base64 at each of three places, and byte by byte in hexadecimal digits."""
    yield word
    yield word.swapcase()
    for shift in range(3):
        coded = b64encode(b"x" * shift + word.encode()).decode().rstrip("=")
        yield coded[(0, 2, 3)[shift] : -1]
    digits = [f"{byte:02x}" for byte in word.encode()]
    for some in (digits, [digit.upper() for digit in digits]):
        for before in ("", "=", "%", r"\x"):
            yield before + before.join(some)


def canaries(folder: Path, seed: int, mails: int, commands: int, *, spoilt: bool = False) -> Outcome:
    """*mails* mails, and everything that can go wrong with them and around them; so many *commands*, by chance."""
    looked = Canaries(random.Random(seed))
    changes = ["hurried", "clumsy", *(["indiscreet"] if spoilt else [])]
    with (
        quoting.relay() as relay,
        quoting.notify(looked["Notify key"]) as notify,
        quoting.imap() as imap,
        starter(*changes) as starting,
    ):
        settings = _settings(folder, looked, relay.port, notify.port, imap.port)
        with gateway(starting, folder, "", None, **settings) as running:
            running.start()
            _upset_the_store(running)
            for number in range(mails):
                looked.look("an SMTP reply", _sent(running, looked, number))
            _wait(running)
            _look_at_pages(running, settings, looked)
            relay.refuses_logins = True
            for where, text in _commands(running, looked, commands):
                looked.look(where, text)
            _spoil_configuration(folder, looked)
            for pid in (running.pid, *running.children()):
                looked.look("the list of processes", Path(f"/proc/{pid}/cmdline").read_bytes())
            looked.look("an SMTP reply", _sent(running, looked, mails))
            wait_until(lambda: WRONG in (folder / "log").read_bytes(), 60, "the wrong configuration was not found")
            stopped = running.stop()
        asked = relay.asked + notify.asked + imap.asked
    log = (folder / "log").read_bytes()
    looked.look("the log", log)
    problems = looked.found + _not_provoked(log, asked)
    if stopped:
        problems.append("the gateway did not end by itself")
    counts = {"mails": mails, "lines of the log": log.count(b"\n"), "refusals that quote": asked}
    return Outcome(counts | {"bytes read": looked.read, "canaries": len(looked.words)}, problems)


def _settings(folder: Path, looked: Canaries, relay: int, notify: int, imap: int) -> dict[str, str]:
    """The environment of a gateway whose secrets are canaries, in files of their own."""
    config, keys = folder / "config", folder / "keys"
    shutil.copytree(ROOT / "config", config)
    keys.mkdir(mode=0o700)
    secret = {"send": "SMTP password", "imap": "IMAP password", "token": "callback token"}
    notify_key = f"canary-{uuid.uuid4()}-{looked['Notify key']}"
    for name, text in ({name: looked[each] for name, each in secret.items()} | {"notify": notify_key}).items():
        (folder / name).write_text(text)
    (keys / "ka").write_text(looked["signing key"])
    for file in (keys / "ka", *(folder / name for name in (*secret, "notify"))):
        file.chmod(0o600)
    with (config / "mailgate.yml").open("a") as operator:
        account = f"mailbox: {MAILBOX}, host: 127.0.0.1, port: {imap}, ssl: no, user: {MAILBOX}"
        operator.write(f"\nimap: [{{{account}, poll_seconds: 1, secret_file: {folder / 'imap'}}}]\n")
    return {
        "MAILGATE_CONFIG": str(config),
        "MAILGATE_SEND__VIA": f"smtp://operator:{looked['SMTP password']}@127.0.0.1:{relay}",
        "MAILGATE_SEND__USER": "operator",
        "MAILGATE_SEND__AUTH": "password",
        "MAILGATE_SEND__SECRET_FILE": str(folder / "send"),
        "MAILGATE_NOTIFY__API_KEY_FILE": str(folder / "notify"),
        "MAILGATE_NOTIFY__BASE_URL": f"http://127.0.0.1:{notify}",
        "MAILGATE_NOTIFY__CALLBACK_TOKEN_FILE": str(folder / "token"),
        "MAILGATE_WEB__LISTEN": f"127.0.0.1:{free_port()}",
        "MAILGATE_WORKERS__PROCESSES": "2",
    }


def _upset_the_store(running: Gateway) -> None:
    """From now on the database refuses a mail whose subject says "upset": its error has the values of the query."""
    connection = library().connect(running.reader.url.removeprefix("sqlite:///"), timeout=20)
    connection.execute(
        "CREATE TRIGGER upset BEFORE INSERT ON messages WHEN NEW.subject LIKE '%upset%'"
        " BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    connection.close()


def _mail(looked: Canaries, number: int) -> bytes:
    """Every canary in its place, and a word over which something breaks."""
    mail = EmailMessage()
    case = f" {looked['case']}" if number % 2 else ""  # one without is asked for it, by Notify as well
    mail["From"] = f'"{looked["name"]}" <{looked["sender"]}{number}@justice.example>'
    mail["To"] = MAILBOX
    mail["Subject"] = f"{BREAKS[number % len(BREAKS)]} {looked['subject']}{number} warning letter{case}"
    mail["Message-ID"] = f"<{looked['header']}.{number}@justice.example>"
    mail.set_content(f"Please send a warning letter to {looked['body']}{number},{case}.\n")
    mail.add_attachment(
        looked["attached"].encode(), maintype="application", subtype="octet-stream", filename=f"{looked['file']}.pdf"
    )
    return mail.as_bytes()


def _sent(running: Gateway, looked: Canaries, number: int) -> bytes:
    """All that SMTP answered to a mail, and to what is none."""
    said: list[bytes] = []
    with smtplib.SMTP("127.0.0.1", running.port, timeout=30) as client:
        for line in (
            "EHLO " + looked["header"],
            f"AUTH PLAIN {b64encode(looked['SMTP password'].encode()).decode()}",
            f"MAIL FROM:<{looked['sender']} x@justice.example>",
            f"MAIL FROM:<{looked['sender']}{number}@justice.example>",
            f"RCPT TO:<{looked['name']}@elsewhere.example>",
            f"RCPT TO:<{looked['name']}",
            f"RCPT TO:<{MAILBOX}>",
            f"VRFY {looked['sender']}",
            looked["body"],
        ):
            said.append(client.docmd(line)[1])
        said += [client.data(_mail(looked, number))[1]]
    return b"\n".join(said)


def _wait(running: Gateway) -> None:
    """Until every mail is decided and every answer was tried once, or long enough."""
    deadline = time.monotonic() + WAIT_SECONDS
    left = (
        "SELECT (SELECT count(*) FROM spool WHERE state = 'ready')"
        " + (SELECT count(*) FROM outbox WHERE state IN ('ready', 'sending') AND attempts = 0)"
    )
    while running.reader.rows(left) != [(0,)] and time.monotonic() < deadline:
        time.sleep(0.2)


def _look_at_pages(running: Gateway, settings: Mapping[str, str], looked: Canaries) -> None:
    port = int(settings["MAILGATE_WEB__LISTEN"].rpartition(":")[2])
    word, asked = looked["query"], "/notify/receipts"
    requests: list[tuple[str, str, dict[str, str]]]
    requests = [("GET", path, {}) for path in ("/metrics", "/health", "/health", "/info", "/ping", f"/{word}?{word}")]
    requests += [("POST", path, {"Authorization": f"Bearer {word}"}) for path in (asked, "/ping", f"/{word}")]
    requests += [("POST", asked, {"Authorization": f"Bearer {looked['callback token']}"}), (word.upper(), "/", {})]
    for method, path, headers in requests:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, body=word if method == "POST" else None, headers=headers)
        answer = connection.getresponse()
        looked.look(
            f"the answer to {method} {path[:9]}", str(answer.msg).encode() + answer.reason.encode() + answer.read()
        )
        connection.close()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
        raw.sendall(f"{word} {word}\r\n\r\n".encode())
        looked.look("the answer to what is no request", raw.recv(10_000))


def _commands(running: Gateway, looked: Canaries, count: int) -> Iterator[tuple[str, bytes]]:
    """What *count* commands print beside the gateway, and where the settings are wrong."""
    password, closed = looked["database password"], free_port()
    wrong: tuple[tuple[str, dict[str, str]], ...] = (
        ("doctor", {}),
        ("rules check", {}),
        ("doctor", {"MAILGATE_STORE__URL": f"postgresql+psycopg://mailgate:{password}@127.0.0.1:{closed}/mailgate"}),
        ("serve", {"MAILGATE_STORE__URL": f"postgresql+psycopg://mailgate:{password}@127.0.0.1:{closed}/mailgate"}),
        ("serve", {"MAILGATE_STORE__URL": f"mysql://mailgate:{password}@127.0.0.1/mailgate"}),
        ("serve", {"MAILGATE_STORE__URL": f"postgresql+psycopg://mailgate:{password}@127.0.0.1:x/mailgate"}),
        ("serve", {"MAILGATE_STORE__URL": f"://{password}"}),
        ("doctor", {"MAILGATE_SEND__VIA": f"smtps://operator:{password}@127.0.0.1"}),
        ("doctor", {"MAILGATE_SEND__VIA": f"smtp://operator:{password}@127.0.0.1:x"}),
        ("doctor", {"MAILGATE_NOTIFY__API_KEY": f"x{looked['Notify key']}"}),
        ("doctor", {"MAILGATE_NOTIFY__API_KEY_FILE": looked["Notify key"]}),
        ("doctor", {"MAILGATE_NOTIFY__APIKEY": looked["Notify key"]}),
        ("doctor", {"MAILGATE_SEND__SECRET_FILE": looked["SMTP password"]}),
    )
    for words, environment in looked.chance.sample(wrong, count):
        # On a terminal of its own: what else is wrong, such as a port that is taken, ends "serve" as well.
        done = run(
            [executable, "-m", "mailgate.cli.main", *words.split()],
            env=running.environment() | {"PYTHONPATH": str(ROOT)} | environment,
            cwd=running.folder,
            capture_output=True,
            timeout=600,
            check=False,
        )
        yield f"what {words} prints with {', '.join(environment) or 'nothing changed'}", done.stdout + done.stderr


def _spoil_configuration(folder: Path, looked: Canaries) -> None:
    """A mistake that quotes a person, for the running gateway to find."""
    (folder / "config" / "zz-wrong.yml").write_text(
        f"rules: [{{name: {looked['name']}, when: {looked['sender']}@x}}]\n"
    )


def _not_provoked(log: bytes, asked: int) -> list[str]:
    """What should have gone wrong and did not: nothing was proved about it."""
    wanted = {
        "a mail that cannot be read": b"waits in quarantine",
        "a session that fails": b"an SMTP session failed",
        "a crash": b"an error that nobody expected",
        "a library that warns": b"a library warned",
        "a relay that refuses": b'"mail not sent"',
        "an account that cannot be read": b"the mail server refuses the login",
        "a page that fails": b"a page could not be shown",
        "a wrong configuration": WRONG,
    }
    missing = [what for what, line in wanted.items() if line not in log]
    return [f"not provoked: {what}" for what in [*missing, *([] if asked else ["a refusal that quotes"])]]
