"""Tickets by what people know of them: a reference, a number of the case, an address, words of their mails."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, or_, select, text

from mailgate.store.tables import messages, ticket_keys, tickets

MOST_FOUND = 50
MOST_WORDS = 12  # of one search
MOST_MAILS = 500  # the newest that have the words: a ticket has several
_WORD = re.compile(r"[^\W_]+")

# The index stands in migration 0012: a table of SQLite's FTS5, a function and a GIN index of PostgreSQL.
_IN_WORDS = {
    "sqlite": text("SELECT rowid FROM message_words WHERE message_words MATCH :asked ORDER BY rowid DESC LIMIT :most"),
    "postgresql": text(
        "SELECT id FROM messages WHERE message_words(subject, sender, reply_text)"
        " @@ to_tsquery('pg_catalog.simple', :asked) ORDER BY id DESC LIMIT :most"
    ),
}


def found(
    connection: Connection,
    asked: str,
    refs: Sequence[str] = (),
    key: str = "",
    among: ColumnElement[bool] | None = None,
) -> list[Any]:
    """The newest ``MOST_FOUND`` rows of ``tickets`` that fit, the newest first, or none; of those *among* alone.

    One fits that has a reference of *refs*, is about the case *key*, or has a mail with every word of *asked*, in any
    order, each as the beginning of a word; the parts of an address or a number stand together. Capitals do not
    matter; for letters beyond ASCII that is up to the locale of a PostgreSQL database.
    """
    fits = [tickets.c.ref.in_(refs)]
    if key:
        fits.append(tickets.c.id.in_(select(ticket_keys.c.ticket_id).where(ticket_keys.c.value == key)))
    if mails := _mails(connection, asked):
        fits.append(tickets.c.id.in_(select(messages.c.ticket_id).where(messages.c.id.in_(mails))))
        fits.append(tickets.c.opened_by.in_(mails))  # one mail may have opened several tickets; it belongs to the first
    query = (
        select(tickets)
        .where(or_(*fits), *([] if among is None else [among]))
        .order_by(tickets.c.id.desc())
        .limit(MOST_FOUND)
    )
    return list(connection.execute(query))


def _mails(connection: Connection, asked: str) -> list[int]:
    groups = [found for said in asked.split() if (found := _WORD.findall(said))][:MOST_WORDS]
    if not groups:
        return []
    engine = connection.dialect.name
    query: TextClause = _IN_WORDS[engine]
    wanted = _for_sqlite(groups) if engine == "sqlite" else _for_postgresql(groups)
    return list(connection.scalars(query, {"asked": wanted, "most": MOST_MAILS}))


def _for_sqlite(groups: Iterable[Sequence[str]]) -> str:
    """Phrases of FTS5, whose last word may go on."""
    return " ".join(f'"{" ".join(words)}"*' for words in groups)


def _for_postgresql(groups: Iterable[Sequence[str]]) -> str:
    return " & ".join("(" + " <-> ".join((*words[:-1], f"{words[-1]}:*")) + ")" for words in groups)
