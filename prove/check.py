"""Holds what the senders heard against what is in the store and in the Maildir (G1-G5)."""

import email
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from mailgate.store.sqlite import library
from prove.ledger import Ledger, address

EXAMPLES = 3
SOON_MICROSECONDS = 10_000_000
SETTLED = {"sent", "cancelled", "observed"}


class Reader:
    """The store as it lies there, by a connection of our own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if self.is_sqlite:
            connection = library().connect(self.url.removeprefix("sqlite:///"), timeout=20)
        else:
            import psycopg

            connection = psycopg.connect(self.url.replace("+psycopg", ""))
        try:
            return list(connection.execute(query).fetchall())
        finally:
            connection.close()

    def is_idle(self) -> bool:
        """Whether every mail is decided and every answer sent, but those to staff that wait for their time (E137)."""
        soon = waits(SOON_MICROSECONDS)  # the connection takes a moment, in which things happen
        waiting = (
            "SELECT (SELECT count(*) FROM spool WHERE state = 'ready')"
            f" + (SELECT count(*) FROM outbox WHERE state = 'sending' OR state = 'ready' AND NOT {soon})"
        )
        return self.rows(waiting) == [(0,)]


def waits(microseconds: int = 0) -> str:
    """What holds for a mail in the outbox that waits for its time, and for so long at least."""
    return f"(attempts = 0 AND run_at > {time.time_ns() // 1000 + microseconds})"


def canary_of(sender: object) -> int:
    """The canary in an address of ``ledger.address``; 0 where it is none of those."""
    digits = str(sender).partition("@")[0].removeprefix("person")
    return int(digits) if digits.isdecimal() else 0


def stored_problems(ledger: Ledger, reader: Reader, folder: Path, bytes_of: Callable[[int], bytes]) -> list[str]:
    """What is wrong with the mails that were taken, whether or not the workers have come to them."""
    found = Problems()
    if reader.is_sqlite:
        for (words,) in reader.rows("PRAGMA integrity_check"):
            if words != "ok":
                found.add(f"the database is damaged: {words}")
    kept: Counter[int] = Counter()
    damaged = set()
    for sender, content, location in reader.rows("SELECT sender, content, location FROM raw_mails"):
        canary = canary_of(sender)
        if not canary:
            continue  # a mail of the gateway to itself
        kept[canary] += 1
        file = folder / "raw" / str(location)
        raw = content if not location else file.read_bytes() if file.exists() else b""
        if not raw.endswith(bytes_of(canary)):
            damaged.add(canary)
    found.mails("taken but lost", ledger.taken() - set(kept))
    found.mails("stored twice", (canary for canary, times in kept.items() if times > 1))
    found.mails("damaged", damaged)
    found.mails("stored but never sent", set(kept) - set(ledger.heard))
    return found.told


def problems(
    ledger: Ledger, reader: Reader, folder: Path, bytes_of: Callable[[int], bytes], *, refusals: bool = False
) -> list[str]:
    """Everything that is wrong once all is quiet; nothing, if the gateway kept its promises.

    *refusals*: whether senders that gave up, or were refused for good, were to be expected.
    """
    found = Problems(stored_problems(ledger, reader, folder, bytes_of))
    if not refusals:
        found.mails(
            "refused for good", (canary for canary, codes in ledger.heard.items() if any(c[0] == "5" for c in codes))
        )
    found.told += ticket_problems(ledger, reader)
    _check_outbox(found, reader, folder / "outbox")
    return found.told


def ticket_problems(ledger: Ledger, reader: Reader) -> list[str]:
    """Whether each mail that was taken is in one message and one ticket, or in quarantine, once all is quiet."""
    found = Problems()
    state = dict(reader.rows("SELECT id, state FROM spool"))
    canaries = {mail: canary_of(sender) for mail, sender in reader.rows("SELECT id, sender FROM raw_mails")}
    messages = Counter(canaries.get(mail, 0) for (mail,) in reader.rows("SELECT id FROM messages WHERE ticket_id > 0"))
    aside = {canaries[mail] for mail, how in state.items() if how == "quarantined"}
    opened = [canary_of(who) for (who,) in reader.rows("SELECT requester FROM tickets WHERE requester <> ''")]
    told = "SELECT 1 FROM events WHERE ticket_id = tickets.id AND what = 'alert'"  # of the gateway itself
    ((unreadable,),) = reader.rows(f"SELECT count(*) FROM tickets WHERE requester = '' AND NOT EXISTS ({told})")
    tickets = Counter(opened)
    taken = ledger.taken()
    found.mails("not decided", (canaries[mail] for mail, how in state.items() if how == "ready"))
    found.mails("without a ticket", taken - set(tickets) - aside)
    found.mails("with two tickets", (canary for canary, times in tickets.items() if times > 1))
    found.mails("with two messages", (canary for canary, times in messages.items() if times > 1))
    found.mails("in quarantine and in a ticket", aside & set(tickets))
    if messages != tickets:
        found.mails("with a message but no ticket of its own", set(messages - tickets) | set(tickets - messages))
    if unreadable != len(aside):
        found.add(f"{len(aside)} mails in quarantine, but {unreadable} tickets for them")
    return found.told


def _check_outbox(found: "Problems", reader: Reader, outbox: Path) -> None:
    for how, count in reader.rows(f"SELECT state, count(*) FROM outbox WHERE NOT {waits()} GROUP BY state"):
        if how not in SETTLED:
            found.add(f"{count} outgoing mails are {how}")
    written = [path.read_bytes() for path in sorted((outbox / "new").glob("*"))]
    whole = {bytes(content) for (content,) in reader.rows("SELECT content FROM outbox_mails")}
    broken = sum(raw.partition(b"\r\n")[2] not in whole for raw in written)
    if broken:
        found.add(f"{broken} mails in the Maildir are not as they were written")
    replies = [email.message_from_bytes(raw) for raw in written]
    thanked = Counter(canary_of(str(each["To"]).strip("<>")) for each in replies if each["Auto-Submitted"])
    asked = {canary_of(who) for (who,) in reader.rows("SELECT requester FROM tickets WHERE requester <> ''")}
    found.mails("without an acknowledgement", asked - set(thanked))
    found.mails("acknowledged twice", (canary for canary in asked if thanked[canary] > 1))


class Problems:
    """Sentences for people, with a few examples each."""

    def __init__(self, told: Iterable[str] = ()) -> None:
        self.told = list(told)

    def add(self, sentence: str) -> None:
        self.told.append(sentence)

    def mails(self, what: str, canaries: Iterable[int]) -> None:
        self.named(f"mails {what}", [address(canary) for canary in sorted(set(canaries))])

    def named(self, what: str, names: Collection[str]) -> None:
        if names:
            self.add(f"{len(names)} {what}: {', '.join(list(names)[:EXAMPLES])}")
