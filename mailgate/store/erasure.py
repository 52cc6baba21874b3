"""Erasing a person, a case or a ticket for good: from every row and file, and again from what a backup brings back.

First a tombstone is put up in ``store.raw``, where it outlives the database (docs/reliability.md G10), then everything
goes in one transaction that notes the tombstone too: one that the database does not know was not carried out in it.
What comes from them afterwards is new, and taken like any other mail.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from mailgate.errors import Refused, TryLater
from mailgate.store import emptying, erasing
from mailgate.store.columns import instant, microseconds
from mailgate.store.engine import Store
from mailgate.store.erasing import Target
from mailgate.store.tables import (
    contacts,
    messages,
    outbox_mails,
    participants,
    people,
    raw_mails,
    ticket_keys,
    tickets,
    tombstones,
)
from mailgate.tickets import tombstone
from mailgate.tickets.token import Keys
from mailgate.tickets.tombstone import Erased, Tombstone

RESTORED = "a restored backup"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was erased, without any of it: how many rows of which kind, and of which tickets the figures stay.

    *left*: why the files still hold it, "" where they do not; the same erasure once more does the rest.
    """

    what: Erased
    tombstone: str
    erased_at: datetime
    erased_by: str
    refs: tuple[str, ...]
    counts: Mapping[str, int]
    left: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def look(store: Store, target: Target) -> dict[str, int]:
    """What ``erase`` would take away, by what it is. Refused as there."""
    with store.read() as connection:
        found = _found(connection, store, target)
    return {
        "tickets": len(found.own_tickets),
        "mails": len(found.own_mails),
        "quarantined_mails": len(found.quarantined),
        "tickets_of_others": len(found.other_tickets),
        "mails_of_others": len(found.other_mails),
    }


def erase(store: Store, target: Target, keys: Keys, by: str, now: datetime) -> Certificate:
    """Erase *target* everywhere; Refused where nothing is held about it, or a legal hold keeps any of it.

    Of one that is erased already only the files are written anew.
    """
    with store.read() as connection:
        before = _erased_before(connection, target, keys)
        if before is None or not erasing.look(connection, store, target).is_nothing:
            _found(connection, store, target)
            before = None
    if before is not None:
        return Certificate(target.kind, before.name, instant(before.at), by, (), {}, _finished(store))
    made = tombstone.made(keys, target.kind, target.value, microseconds(now))
    store.objects.bury(made.name)
    with store.write() as tx:
        found = _found(tx, store, target)
        refs = _refs(tx, found.own_tickets)
        counts = erasing.erase(tx, store, target, found, by, now)
        _note(tx, made)
    return Certificate(target.kind, made.name, now, by, refs, counts, _finished(store))


def _finished(store: Store) -> str:
    """Why the files could not be written anew for now; "" where they were."""
    try:
        finish(store)
    except TryLater as error:
        return str(error)
    return ""


def _erased_before(connection: Connection, target: Target, keys: Keys) -> Tombstone | None:
    """The tombstone of *target* that this database knows."""
    known = filter(None, map(tombstone.read, connection.scalars(select(tombstones.c.name))))
    of_kind = (each for each in known if each.kind is target.kind and each.letter in keys.secrets)
    digests = {
        letter: tombstone.digest_of(secret, target.kind, target.value) for letter, secret in keys.secrets.items()
    }
    return next((each for each in of_kind if each.digest == digests[each.letter]), None)


def finish(store: Store) -> None:
    """Remove what no row names any more from every file: objects first, then pages of the database."""
    emptying.remove_unwanted(store)
    store.scrub()


def forget_again(store: Store, keys: Mapping[str, bytes], now: datetime) -> int:
    """After a restore, before anything is served: erase everybody anew whose erasure this database does not know of.

    *keys* are the secrets by their letters. The number of tombstones that were carried out; Refused where the key of
    one is not there. Holds are not asked: the erasure was lawful, whatever an older backup says.
    """
    with store.read() as connection:
        known = set(connection.scalars(select(tombstones.c.name)))
        missing = [
            each for name in sorted(store.objects.buried()) if name not in known and (each := tombstone.read(name))
        ]
        if lost := sorted({each.letter for each in missing} - keys.keys()):
            raise Refused(
                f"the key k{lost[0]} is not in the folder of keys: restore it, so that what was erased stays so"
            )
        values = {kind: _values(connection, kind) for kind in {each.kind for each in missing}}
    marks = {(each.letter, each.kind) for each in missing}
    by_digest = {
        tombstone.digest_of(keys[letter], kind, value): value for letter, kind in marks for value in values[kind]
    }
    for each in missing:
        target = by_digest.get(each.digest)
        with store.write() as tx:
            if target is not None:
                found = erasing.look(tx, store, Target(each.kind, target))
                erasing.erase(tx, store, Target(each.kind, target), found, RESTORED, now)
            _note(tx, each)
    if missing:
        finish(store)
    return len(missing)


def _found(connection: Connection, store: Store, target: Target) -> erasing.Found:
    found = erasing.look(connection, store, target)
    if found.is_nothing:
        raise Refused(f"nothing is held about this {target.kind}: see how it is written in mailgate ticket list")
    erasing.check(connection, found)
    return found


def _refs(connection: Connection, ids: Iterable[int]) -> tuple[str, ...]:
    queries = (select(tickets.c.ref).where(tickets.c.id.in_(some)) for some in emptying.portions(ids))
    return tuple(sorted(ref for query in queries for ref in connection.scalars(query)))


def _note(tx: Connection, each: Tombstone) -> None:
    tx.execute(insert(tombstones), {"name": each.name, "at": instant(each.at)})


def _values(connection: Connection, kind: Erased) -> set[str]:
    """Everything in the store that a tombstone of that kind may stand for."""
    columns: dict[Erased, tuple[Any, ...]] = {
        Erased.PERSON: (
            *(participants.c.address, tickets.c.requester, messages.c.sender, people.c.address, contacts.c.address),
            *(raw_mails.c.sender, outbox_mails.c.recipient),
        ),
        Erased.CASE: (ticket_keys.c.value,),
        Erased.TICKET: (tickets.c.ref,),
    }
    found: set[str] = set()
    for column in columns[kind]:
        each = connection.scalars(select(column).distinct())
        found.update(value.lower() if kind is Erased.PERSON else value for value in each if value)
    return found
