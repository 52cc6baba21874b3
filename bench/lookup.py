"""P18: what is looked up for a mail, its thread and its duplicates, with a million tickets against a thousand; CPU."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import text

from bench.table import Row
from mailgate.model.message import Address, Envelope, Message, Verdict
from mailgate.model.operator import Operator
from mailgate.model.operator import Store as Place
from mailgate.model.reading import Reading, Token
from mailgate.store.columns import microseconds
from mailgate.store.engine import Store, open_store
from mailgate.store.facts import look_up
from mailgate.store.schema import upgrade

FEW, MANY, ROUNDS, MAILS = 1_000, 1_000_000, 5, 150
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
COUNTED = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
FILLED = (
    """
    INSERT INTO tickets (id, ref, opening_id, mailbox, status, requester, subject, team, keys, fields, missing, tags,
        marking, received_at, changed_at, last_serial, events, head)
    SELECT i, printf('MG-%07d', i), '<' || i || '@mail.example>', 'help@desk.example', 'open',
        'p' || i || '@desk.example', 'a', 'desk', '[]', '{}', '[]', '[]', '', :at, :at, 1, 0, zeroblob(32) FROM n
    """,
    """
    INSERT INTO messages (id, ticket_id, action, kind, verdict, mailbox, message_id, fingerprint, content, sender,
        subject, text, reply_text, received_at, decided_at, defects, trace, silent_because, config_version)
    SELECT i, i, 'new_ticket', 'human', 'internal', 'help@desk.example', '<' || i || '@mail.example>', 'print ' || i,
        'content ' || i, 'p' || i || '@desk.example', 'a', 'a', 'a', :at, :at, '[]', '[]', '', 'v1' FROM n
    """,
    """
    INSERT INTO outbox_mails (id, ticket_id, serial, message, recipient, cause, message_id, automatic, to_stranger,
        queued_at, sender, subject, content)
    SELECT i, i, 1, 'received', 'p' || i || '@desk.example', 'cause', '<mg.' || i || '@desk.example>', 1, 0, :at, '',
        'a', zeroblob(0) FROM n
    """,
    "INSERT INTO ticket_keys (value, ticket_id) SELECT 'A' || i, i FROM n",
    """
    INSERT INTO participants (ticket_id, address, role) SELECT i, 'p' || i || '@desk.example', 'requester' FROM n
    """,
)


def measure() -> list[Row]:
    with _store(FEW) as few, _store(MANY) as many:
        _looked_up(few, FEW, 0)  # what is made once
        rounds = [(*_twice(few, FEW, turn), *_twice(many, MANY, turn)) for turn in range(ROUNDS)]
    ratio = statistics.median(large / small for _, small, _, large in rounds)
    _, small, cold, large = (statistics.median(each) * 1e6 / MAILS for each in zip(*rounds, strict=True))
    compared = f"{large:.0f} us of CPU a mail, with {FEW:,} {small:.0f} us; of pages not read lately {cold:.0f} us"
    return [
        Row("P18", f"thread and duplicates of a mail, {MANY:,} tickets", f"{ratio:.2f} x", "1.2 x", "1.1 x", compared)
    ]


@contextmanager
def _store(count: int) -> Iterator[Store]:
    """One with so many tickets, each with its mail, its acknowledgement and its key."""
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as folder:
        store = open_store(Operator(store=Place(url=f"sqlite:///{folder}/mailgate.db", raw=f"{folder}/raw")))
        upgrade(store)
        values = {"count": count, "at": microseconds(AT)}
        with store.write() as tx:
            for each in FILLED:
                statement = text(COUNTED + each)
                tx.execute(statement, {name: values[name] for name in statement.compile().params})
        yield store
        store.close()


def _twice(store: Store, count: int, turn: int) -> tuple[float, float]:
    """With pages that nobody has read lately, as for an old ticket; and at once again: the work alone."""
    return _looked_up(store, count, turn), _looked_up(store, count, turn)


def _looked_up(store: Store, count: int, turn: int) -> float:
    """The seconds of CPU for mails that each answer one ticket in every way, and repeat another."""
    places = [(turn * 2 * MAILS + place) * 7919 % count + 1 for place in range(2 * MAILS)]  # all over the store
    readings = [_reading(*pair, turn) for pair in zip(places[::2], places[1::2], strict=True)]
    begun = time.process_time()
    with store.read() as connection:
        facts = [look_up(connection, [each], lambda _: True, [AT])[0] for each in readings]
    seconds = time.process_time() - begun
    assert all(len(each.evidence) >= 4 and each.same_content for each in facts), "not everything was found"
    return seconds


def _reading(number: int, other: int, turn: int) -> Reading:
    ref, sender = f"MG-{number:07}", f"p{other}@desk.example"
    message = Message(
        f"<new.{number}.{turn}@mail.example>",
        from_=Address(sender),
        in_reply_to=(f"<mg.{number}@desk.example>",),
        references=(f"<{number}@mail.example>",),
    )
    return Reading(
        message,
        Envelope(sender, ("help@desk.example",), AT),
        "help@desk.example",
        Verdict.INTERNAL,
        fingerprint="another",
        content=f"content {other}",
        keys=(f"A{other}",),
        refs=(ref,),
        tokens=(Token(ref, 1, "reply", "mac"),),
    )
