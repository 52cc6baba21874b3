"""docs/operations.md is followed word for word in a fresh Debian, then what docs/exchange.md says of Postfix.

The commands are those of the blocks marked ``sh walk``. Between them mails come in, and what must have survived is
compared with what was there before. The control forgets the first command of each block.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prove.debian import Debian, debian
from prove.outcome import Outcome

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("operations.md", "exchange.md")
BEFORE = "cce58f9"  # before the first tag: a state whose tables were at 0013
WALKED = re.compile(r"^(?:## (?P<heading>[^\n]*)|(?P<indent> *)```sh walk\n(?P<lines>.*?)^(?P=indent)```)", re.M | re.S)
PAUSE_SECONDS = 4.0  # nobody types faster, and a gateway needs a moment to start
SWAKS = "swaks --server 127.0.0.1{way} --from imran.castellane@justice.example --to {to}@justice.example --data @{file}"
MAILS = "/srv/mailgate/examples/mail/"
ENVIRONMENT = "/etc/mailgate/environment"


def blocks(document: str) -> dict[tuple[str, int], list[str]]:
    """The commands to follow: of each block, by the heading above it and its number there."""
    heading, number, found = "", 0, {}
    for match in WALKED.finditer(document):
        if match["heading"]:
            heading, number = match["heading"], 0
        else:
            lines = match["lines"].replace("\\\n", " ").splitlines()
            found[heading, number] = [" ".join(line.split()) for line in lines]
            number += 1
    return found


class Reader:
    """Somebody at the machine who has nothing but the documents."""

    def __init__(self, machine: Debian, values: dict[str, str]) -> None:
        self._machine, self.values = machine, values
        self.counts, self.problems = dict.fromkeys(("commands", "mails", "tickets compared"), 0), list[str]()
        self.kept: dict[str, Any] = {}

    def do(self, command: str) -> str:
        """What *command* says; no further one is done once one fails."""
        if self.problems:
            return ""
        for name, value in self.values.items():
            command = re.sub(rf"\b{name}\b", value, command)
        done = self._machine.run(command)
        time.sleep(PAUSE_SECONDS)
        if done.returncode:
            self.problems.append(f"{command}: {done.returncode}, {(done.stderr or done.stdout).strip()[-500:]}")
        return done.stdout

    def follow(self, name: str, spoilt: bool = False) -> None:
        """Every block of docs/*name*, with what somebody else does before and after it."""
        for place, lines in blocks((ROOT / "docs" / name).read_text("utf-8")).items():
            before, after = AROUND.get(place, (_nothing, _nothing))
            before(self)
            for line in lines[spoilt:]:
                self.do(line)
                self.counts["commands"] += not self.problems
            after(self)

    def send(self, file: str, way: str = ":8025", to: str = "northmere.enforcement") -> None:
        self.do(SWAKS.format(way=way, to=to, file=MAILS + file))
        self.counts["mails"] += 1

    def shown(self, *command: str) -> Any:
        said = self.do(f"mailgate-admin {' '.join(command)} --json")
        return [] if self.problems else json.loads(said)

    def account(self) -> dict[str, Any]:
        """The tickets with their histories, and the keys."""
        refs = [ticket["ref"] for ticket in self.shown("ticket", "list")]
        tickets = {ref: self.shown("ticket", "show", ref) for ref in refs}
        kept = {ref: (each["subject"], each["status"], _history(each)) for ref, each in tickets.items() if each}
        return kept | {"keys": self.do("sha256sum /var/lib/mailgate/var/keys/*")}

    def compare(self) -> None:
        """What is here now with what was *kept*."""
        now = self.account()
        self.counts["tickets compared"] += len(self.kept) - 1
        self.wants(now == self.kept, f"was {self.kept}, is {now}")

    def wants(self, holds: bool, otherwise: str) -> None:
        if not (holds or self.problems):
            self.problems.append(otherwise)


def _history(ticket: dict[str, Any]) -> list[Any]:
    return [[event[name] for name in ("at", "what", "actor", "data")] for event in ticket["events"]]


def walk(folder: Path, *, spoilt: bool = False) -> Outcome:
    with debian(folder) as machine:
        _publish(folder / "clone", machine.root / "srv/mailgate.git")
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        reader = Reader(machine, {"ADDRESS": "/srv/mailgate.git", "VERSION": "before", "DATE": today})
        reader.follow("operations.md", spoilt)
        if not spoilt:
            reader.follow("exchange.md")
    return Outcome(reader.counts, reader.problems, is_last=True)


def _publish(clone: Path, repository: Path) -> None:
    """What is committed, and the release before it, as *repository* with the tags "before" and "now"."""

    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=prove", "-c", "user.email=prove@localhost", *words]
        return subprocess.run(command, cwd=clone, check=True, capture_output=True, text=True).stdout

    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    git("tag", "now")
    tags = git("tag", "--merged", "HEAD~1", "--sort=creatordate").split()
    git("checkout", "--quiet", "--detach", tags[-1] if tags else BEFORE)
    git("checkout", "now", "--", "deploy/mailgate-admin")  # a release from before it is installed in the same way
    git("commit", "--quiet", "--allow-empty", "--message", "before")
    git("tag", "before")
    git("clone", "--quiet", "--bare", str(clone), str(repository))


def _nothing(reader: Reader) -> None:
    """Nobody does anything."""


def _has_one_ticket(reader: Reader) -> None:
    reader.wants(len(reader.shown("ticket", "list")) == 1, "the first mail has no ticket")


def _leave_an_answer_waiting(reader: Reader) -> None:
    reader.do(f"echo MAILGATE_SEND__VIA=smtp://127.0.0.1:9 > {ENVIRONMENT} && systemctl restart mailgate")
    reader.send("02-breach-pack.eml")
    reader.wants(_unsent(reader) != [], "no answer waits for the upgrade")
    reader.kept = reader.account()
    reader.do(f"> {ENVIRONMENT}")  # the relay is there again, but the gateway does not know it yet
    reader.values["VERSION"] = "now"


def _everything_is_here_and_the_answer_leaves(reader: Reader) -> None:
    reader.compare()
    for mail in _unsent(reader):
        reader.do(f"mailgate-admin outbox retry {mail['id']} || true")  # it may have left meanwhile
    reader.wants(_unsent(reader) == [], "an answer from before the upgrade did not leave")
    reader.kept = reader.account()


def _unsent(reader: Reader) -> list[dict[str, Any]]:
    return [mail for mail in reader.shown("outbox", "list") if mail["state"] != "sent"]


def _one_mail_is_not_in_the_copy(reader: Reader) -> None:
    reader.send("05-psr-request.eml")
    reader.wants(len(reader.account()) == len(reader.kept) + 1, "a mail after the copy has no ticket")


def _everything_is_as_copied_and_goes_on(reader: Reader) -> None:
    reader.compare()
    reader.send("05-psr-request.eml")
    reader.wants(len(reader.account()) == len(reader.kept) + 1, "a mail after the restore has no ticket")


def _change_what_is_marked(reader: Reader) -> None:
    reader.do("printf 'lmtp:\n  listen: unix:/run/mailgate/lmtp\n' >> /etc/mailgate/mailgate.yml")
    names = (
        "s/^relay_domains = .*/relay_domains = justice.example/; s/^myhostname = .*/myhostname = relay.justice.example/"
    )
    reader.do(f"sed -i '{names}' /etc/postfix/main.cf && mkdir /etc/postfix/tls")
    where = "-keyout /etc/postfix/tls/key.pem -out /etc/postfix/tls/certificate.pem"
    reader.do(f"openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=relay.justice.example {where}")


def _postfix_hands_over(reader: Reader) -> None:
    before = len(reader.account())
    reader.send("13-recall-urgent.eml", way=" --tls")
    reader.wants(len(reader.account()) == before + 1, "what Postfix took has no ticket")
    refused = reader.do(SWAKS.format(way=" --tls", to="nobody", file=MAILS + "01-warning-letter.eml") + " || true")
    reader.wants("550 5.1.1" in refused, "Postfix takes mail to an address that is no mailbox")


Happens = Callable[[Reader], None]
AROUND: dict[tuple[str, int], tuple[Happens, Happens]] = {  # the heading, and which block below it
    ("The first mail", 0): (_nothing, _has_one_ticket),
    ("Upgrading", 0): (_leave_an_answer_waiting, _everything_is_here_and_the_answer_leaves),
    ("Backup, restore", 0): (_nothing, _one_mail_is_not_in_the_copy),
    ("Backup, restore", 1): (_nothing, _everything_is_as_copied_and_goes_on),
    ("B. Handing over through a connector", 0): (_nothing, _change_what_is_marked),
    ("B. Handing over through a connector", 1): (_nothing, _postfix_hands_over),
}
