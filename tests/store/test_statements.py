"""What a batch of mails costs the database: the same few statements, however many mails it has."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import event

from mailgate.model.message import Verdict
from mailgate.store import spool
from mailgate.store.apply import Settled
from mailgate.store.engine import Store
from tests.store import made

REFS = ("MG-7K3F-99", "MG-2346-7T", "MG-234K-XM", "MG-2350-PQ")


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """Those that run in the block, as they run."""
    ran: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        ran.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def from_strangers(store: Store, refs: Sequence[str]) -> list[Settled]:
    """New tickets of senders for whom the caps of E136 hold, by mails that were claimed together."""
    for ref in refs:
        made.put(store, f"Subject: {ref}\r\n\r\nhello\r\n".encode())
    mails = spool.claim(store, len(refs), 60)
    readings = [made.reading(f"{ref}@mail.example".lower(), verdict=Verdict.NONE) for ref in refs]
    return [made.new_ticket(*each) for each in zip(mails, refs, readings, strict=True)]


def test_applying_a_batch_takes_as_many_statements_as_one_mail(store: Store) -> None:
    one, three = from_strangers(store, REFS[:1]), from_strangers(store, REFS[1:])
    with statements(store) as alone:
        made.applied(store, *one)
    with statements(store) as together:
        made.applied(store, *three)
    assert len(together) == len(alone)


def test_looking_up_a_batch_takes_as_many_statements_as_one_mail(store: Store) -> None:
    readings = [each.reading for each in from_strangers(store, REFS)]
    with statements(store) as alone:
        made.looked_up(store, readings[0])
    with statements(store) as together:
        made.looked_up(store, *readings)
    assert len(together) == len(alone)


def test_a_new_ticket_is_written_once(store: Store) -> None:
    with statements(store) as ran:
        made.applied(store, *from_strangers(store, REFS))
    assert [each for each in ran if each.startswith("UPDATE tickets")] == []
    assert [made.ticket(store, ref).last_serial for ref in REFS] == [1] * len(REFS)
