"""Sealing the histories that have grown: what is written costs as much as what has changed, not as what there is."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, text, update

from mailgate.store import forgotten
from mailgate.store.columns import microseconds
from mailgate.store.engine import Store
from mailgate.store.tables import UNSEALED, sealed_heads, seals, tickets
from mailgate.tickets.seal import FIRST_BEFORE, Covered, Seal, SealedHead, mac_of, seal

MOST_TICKETS = 1000  # of one seal: nobody decides meanwhile
NOTE = update(tickets).where(tickets.c.id == bindparam("ticket")).values(sealed=bindparam("count"))


def last(connection: Connection) -> Seal | None:
    """The newest seal; None before the first."""
    found = connection.execute(select(seals).order_by(seals.c.number.desc()).limit(1)).first()
    return Seal(*found) if found else None


def seal_all(store: Store, keys: Mapping[str, bytes], at: datetime, most: int) -> Iterator[Seal]:
    """Seal what has changed since the last seal, at *most* so many seals; each is durable when it is yielded."""
    for _ in range(most):
        made = _seal_some(store, keys, at)
        if made is None:
            return
        yield made
        if made.tickets < MOST_TICKETS:
            return


def _seal_some(store: Store, keys: Mapping[str, bytes], at: datetime) -> Seal | None:
    letter = max(keys)
    columns = (tickets.c.id, tickets.c.events, tickets.c.head)
    waiting = select(*columns).where(text(UNSEALED)).order_by(tickets.c.id).limit(MOST_TICKETS)
    with store.deciding(["the seals"]) as connection:
        deleted = forgotten.head(connection)  # first: a history may begin anew once the record of the old one is there
        # A ticket that somebody is at now is left for the next seal: whoever waits for two may wait for ever.
        changed = connection.execute(waiting.with_for_update(skip_locked=True, key_share=True)).all()
        if not changed:
            return None
        before = last(connection)
        number, end = (before.number + 1, before.seal) if before else (1, FIRST_BEFORE)
        heads = [SealedHead(row.id, row.events, mac_of(keys[letter], *row)) for row in changed]
        covered = Covered(end, heads, deleted.count, deleted.hash)
        made = seal(keys[letter], letter, number, microseconds(at), covered)
        with store.writing(connection) as tx:
            tx.execute(insert(seals), asdict(made))
            tx.execute(insert(sealed_heads), [{"seal": number, **asdict(each)} for each in heads])
            tx.execute(NOTE, [{"ticket": each.ticket_id, "count": each.events} for each in heads])
    return made
