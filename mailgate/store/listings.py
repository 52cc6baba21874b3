"""Lists of open tickets for people who ask for them, in order of their due time."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from mailgate.model.facts import Listed, Listing
from mailgate.model.message import VERIFIED
from mailgate.model.people import Person
from mailgate.model.reading import Asking, Question, Reading
from mailgate.model.ticket import Ticket
from mailgate.store import rows, search
from mailgate.store.tables import outbox_mails, tickets

MOST_HANDED = 200
MOST_LISTED = 20  # with their buttons they stay below the 100 KB of E200


def asked(connection: Connection, reading: Reading, person: Person | None) -> Listing | None:
    """What the mail asks for; None where it asks for nothing, or its sender may not know."""
    if reading.question is None or reading.verdict not in VERIFIED or not reading.message.from_ok:
        return None
    return _listing(connection, reading.question, reading.sender, person)


def own_work(connection: Connection, agent: str) -> Listing:
    """The open tickets that *agent* has."""
    return _list(connection, tickets.c.assignee == agent, agent)


def all_of(connection: Connection, agent: str) -> tuple[Ticket, ...]:
    """What *agent* has, as much as one mail may hand to others."""
    query = select(tickets.c.id).where(tickets.c.assignee == agent, _IS_OPEN).order_by(tickets.c.id)
    return tuple(rows.by_id(connection, connection.scalars(query.limit(MOST_HANDED))).values())


def agents(connection: Connection) -> list[str]:
    """Everybody who has an open ticket."""
    query = select(tickets.c.assignee).where(_IS_OPEN, tickets.c.assignee.is_not(None)).distinct()
    return sorted(connection.scalars(query))


def _listing(connection: Connection, question: Question, sender: str, person: Person | None) -> Listing | None:
    if question.kind is Asking.STATUS:
        return _list(connection, tickets.c.requester == sender)
    teams = {*question.led, *([person.team] if person and person.team else [])}
    if question.kind is Asking.FIND:
        return _found(connection, question, sender, teams, person)
    if not teams:
        return None
    if question.kind is Asking.MINE:
        return own_work(connection, sender)
    return _list(connection, tickets.c.team.in_(sorted(teams)), sender)


def _found(
    connection: Connection, question: Question, sender: str, teams: Iterable[str], person: Person | None
) -> Listing | None:
    """What the words of *question* find among the work of *teams*, for who manages several among all there is.

    None for whoever does no work here. What of it the sender may see says ``questions.may_see``.
    """
    manages = person is not None and person.role.casefold() in question.roles
    own = sorted(teams)
    if not own and not manages:
        return None
    theirs = or_(tickets.c.team.in_(own), tickets.c.requester == sender, tickets.c.assignee == sender)
    ids = [
        row.id
        for row in search.found(connection, question.sought, question.refs, question.key, None if manages else theirs)
    ]
    known, serials = rows.by_id(connection, ids), _serials(connection, ids, sender)
    return Listing(tuple(Listed(known[each], serials.get(each, 0)) for each in ids))


_IS_OPEN = tickets.c.closed_at.is_(None)


def _list(connection: Connection, whose: ColumnElement[bool], agent: str = "") -> Listing:
    """The first of them; with the number of our last mail about each to *agent*, which a button answers (E186)."""
    ordered = select(tickets.c.id).where(whose, _IS_OPEN).order_by(tickets.c.due_at.is_(None), tickets.c.due_at)
    ids = connection.scalars(ordered.order_by(tickets.c.id).limit(MOST_LISTED)).all()
    count = connection.scalar(select(func.count()).select_from(tickets).where(whose, _IS_OPEN)) or 0
    known, serials = rows.by_id(connection, ids), _serials(connection, ids, agent)
    return Listing(tuple(Listed(known[each], serials.get(each, 0)) for each in ids), count - len(ids))


def _serials(connection: Connection, ids: Iterable[int], agent: str) -> Mapping[int, int]:
    mailed: Any = outbox_mails.c
    query = select(mailed.ticket_id, func.max(mailed.serial)).where(mailed.ticket_id.in_(ids))
    found = connection.execute(query.where(mailed.recipient == agent).group_by(mailed.ticket_id)) if agent else ()
    return {row[0]: row[1] for row in found}
