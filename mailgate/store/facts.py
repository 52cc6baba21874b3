"""What the store knows about mails that are about to be decided, by a few queries for all of them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    CompoundSelect,
    Connection,
    Select,
    TextClause,
    bindparam,
    func,
    select,
    text,
    tuple_,
    union_all,
)

from mailgate.errors import TryLater
from mailgate.model.facts import Evidence, Facts, Known, Ordered
from mailgate.model.message import BOUNCES, VERIFIED
from mailgate.model.people import Person
from mailgate.model.reading import Reading, Token
from mailgate.model.ticket import ORDERED, Ticket
from mailgate.store import awaited, commissions, contacts, floods, levels, listings, people, pingpong, rows
from mailgate.store import known as knowledge
from mailgate.store.columns import Instant, Name, instant
from mailgate.store.evidence import BOUNCE_TOKEN, Found, evidence_of, mails_answered, mails_named, of_whole
from mailgate.store.tables import events, messages, outbox_mails, receipts, ticket_keys, tickets

RESENT_WITHIN = timedelta(days=7)  # E153
CLOSED_WITHIN = timedelta(days=60)  # longer than any duplicates_within that makes sense; decide applies the exact one
MOST_COUNTED = 100  # acknowledgements of a day: no cap is higher, and counting on would cost more with every mail
JOINED = "duplicate"  # the message of ours that says so
WORKLISTS = frozenset({"worklist", "found"})  # the messages that list tickets for who works on them
CANARY_TOKEN = "canary"
ORDERS_BY = 2  # the weakest evidence by which an order may run (E186)
DAY, HOUR, TEN_MINUTES, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=10), timedelta(minutes=1)

WITHIN = {"day": DAY, "hour": HOUR, "ten_minutes": TEN_MINUTES}
"""The times within which automatic mails to one sender are counted (E136)."""

Wanted = Iterable[str]

# The statements are made once: to make one takes as long as to run it.
_WANTED: Any = bindparam("wanted", expanding=True)
_SENT_COLUMNS = (
    *(outbox_mails.c.ticket_id, outbox_mails.c.serial),
    *(outbox_mails.c.recipient, outbox_mails.c.message, outbox_mails.c.automatic, outbox_mails.c.queued_at),
    outbox_mails.c.cause,
)
TAKEN = select(tickets.c.ref).where(tickets.c.ref.in_(_WANTED))
REFS = select(tickets.c.ref, tickets.c.id).where(tickets.c.ref.in_(_WANTED))
SENT_BY_ID = union_all(
    select(outbox_mails.c.message_id, *_SENT_COLUMNS).where(outbox_mails.c.message_id.in_(_WANTED)),
    # what a relay made of our Message-ID (E124)
    select(receipts.c.id, *_SENT_COLUMNS)
    .join(receipts, receipts.c.mail_id == outbox_mails.c.id)
    .where(receipts.c.id.in_(_WANTED)),
)
SENT_BY_SERIAL = select(*_SENT_COLUMNS).where(tuple_(outbox_mails.c.ticket_id, outbox_mails.c.serial).in_(_WANTED))
_CLOSED_AFTER = bindparam("closed_after", type_=Instant())
CASES = (
    select(ticket_keys.c.value, ticket_keys.c.ticket_id)
    .join(tickets, tickets.c.id == ticket_keys.c.ticket_id)
    .where(ticket_keys.c.value.in_(_WANTED))
    # those that are open too; in words for which there is no index, as the few tickets of a case are found by their ids
    .where(func.coalesce(tickets.c.closed_at, _CLOSED_AFTER) >= _CLOSED_AFTER)
    .order_by(ticket_keys.c.ticket_id)
)
ORDERS = (
    select(events.c.ticket_id, events.c.at, events.c.data, events.c.personal)
    .where(events.c.ticket_id.in_(_WANTED), events.c.what == ORDERED)
    .order_by(events.c.ticket_id, events.c.serial)
)
TO_STRANGERS = (
    select(func.count())
    .select_from(outbox_mails)
    .where(text("automatic AND to_stranger"))
    .where(outbox_mails.c.queued_at > bindparam("after"), outbox_mails.c.queued_at <= bindparam("at"))
)


def _stored_by(indexed: Column[str]) -> Select[Any]:
    mail = messages.c
    columns = (indexed, mail.id, mail.ticket_id, mail.fingerprint, mail.sender, mail.verdict, mail.received_at)
    return select(*columns).where(indexed.in_(_WANTED)).order_by(mail.id)


STORED_BY_ID, STORED_BY_CONTENT = _stored_by(messages.c.message_id), _stored_by(messages.c.content)


@lru_cache(maxsize=256)
def _to_senders(count: int) -> TextClause:
    """How many automatic mails so many senders got in each time of ``WITHIN``: (number of the sender, mails, ...).

    In the shortest time those of one mailbox count alone.
    """
    asked = ", ".join(f"({number}, :sender{number}, :mailbox{number})" for number in range(count))
    of_mailbox = "AND (mailbox = '' OR mailbox = (SELECT mailbox FROM tickets WHERE tickets.id = ticket_id))"
    counts = ", ".join(
        f"""(SELECT count(*) FROM (
            SELECT id FROM outbox_mails
            WHERE recipient = address AND automatic AND queued_at > :{after} AND queued_at <= :at
            {of_mailbox if after == "ten_minutes" else ""} LIMIT {MOST_COUNTED}
        ) AS counted)"""  # noqa: S608 - nothing but numbers and names of ours is put in
        for after in WITHIN
    )
    counting = text(f"WITH asked (number, address, mailbox) AS (VALUES {asked}) SELECT number, {counts} FROM asked")  # noqa: S608
    names = (bindparam(f"{what}{number}", type_=Name()) for number in range(count) for what in ("sender", "mailbox"))
    times = (bindparam(name, type_=Instant()) for name in ("at", *WITHIN))
    return counting.bindparams(*times, *names)


def look_up(
    connection: Connection,
    readings: Sequence[Reading],
    checks: Callable[[Token], bool],
    now: Sequence[datetime],
    teams: Wanted = (),
    outlived: frozenset[str] = frozenset(),
) -> list[Facts]:
    """The facts about each of *readings*, to be decided at the instant of *now* in its place.

    *checks* tells whether a token's MAC is right, *teams* are those whose work is shared out, *outlived* the
    letters of keys by which no order runs any more (E225). Each mail's facts are those before any of the others
    is applied: mails that might be about one request go one after the other.
    """
    if not readings:
        return []
    good = {token for reading in readings for token in reading.tokens if checks(token)}
    found = _find(connection, readings, good, min(now))
    openings = floods.opened(connection, readings, max(now))
    known = rows.by_id(connection, (*_ticket_ids(found), *openings.collecting.values()))
    wholes = rows.wholes(connection, known)
    senders = people.by_address(connection, {reading.sender for reading in readings})
    evidences = [
        tuple(of_whole(each, wholes) for each in evidence_of(reading, good, found, known)) for reading in readings
    ]
    members = people.members(connection, {each.ticket.team for told in evidences for each in told if each.ticket.team})
    workers = people.workers(connection, teams)
    joined = knowledge.joined(connection, {cause for told in evidences for cause in _duplicates(told)})
    to_sender, to_strangers = _acknowledged(connection, readings, now)
    ordered = {ticket.id for told in evidences for ticket in _ordered_about(told)}
    orders, parts = _orders(connection, ordered), rows.parts(connection, ordered)
    answers = awaited.answers(connection, (reading.message.message_id for reading in readings), min(now))
    posts = knowledge.posts(connection, _mails_ordered_about(readings, evidences, orders))
    to_nobody = dict.fromkeys(WITHIN, 0)
    in_force = levels.in_force(connection)
    begun = commissions.known(connection, (each.part or each.ticket for told in evidences for each in told))
    returned = [_came_back(reading, good, found) for reading in readings]
    had = [to_sender.get((_asker(reading), at), to_nobody) for reading, at in zip(readings, now, strict=True)]
    return [
        Facts(
            now=at,
            sender=senders.get(reading.sender),
            same_id=_known(found.stored_ids.get(reading.message.message_id, ()), reading, known, wholes),
            same_content=_resent(found.same_content.get(reading.content, ()), reading, at, known, wholes),
            evidence=evidence,
            same_case=_same_case(reading, found, wholes),
            colleagues=_colleagues(evidence, members),
            acknowledged=mails["day"],
            acknowledged_lately=mails["hour"],
            acknowledged_just_now=mails["ten_minutes"],
            acknowledged_to_strangers=to_strangers[at],
            opened_by_sender=openings.by_sender.get(reading.sender, 0),
            opened_by_domain=openings.by_domain.get(reading.sender_domain, 0),
            flood=known.get(openings.collecting.get(reading.sender_domain, 0)),
            answers_ours_automatically=any(
                mail.automatic for mail in map(found.sent_ids.get, mails_answered(reading)) if mail
            ),
            is_own=reading.message.message_id in found.sent_ids,
            answers_list=_answers_list(reading, found),
            came_back=failed,
            lost=contacts.lost(connection, failed, at, lasting=reading.message.is_lasting_failure),
            at_return_path=any(token.purpose == BOUNCE_TOKEN for token in reading.tokens if token in good),
            canary=next((each for each in reading.tokens if each.purpose == CANARY_TOKEN and each in good), None),
            workers=workers,
            outlived_keys=outlived,
            ordered={each.id: orders[each.id] for each in _ordered_about(evidence) if each.id in orders},
            parts={each.id: parts[each.id] for each in _ordered_about(evidence) if each.id in parts},
            own_work=listings.all_of(connection, reading.sender) if reading.tells_absence else (),
            listing=listings.asked(connection, reading, senders.get(reading.sender)),
            asked_again=next((joined[cause] for cause in _duplicates(evidence) if cause in joined), None),
            posts=posts if any(_ordered_about(evidence)) else {},
            answers=answers.get(reading.message.message_id, ()),
            levels=in_force,
            commissions=begun,
            sent_lately=pingpong.sent_lately(connection, reading.sender, at)
            if mails["hour"] >= pingpong.ENOUGH and (evidence or not reading.is_new)
            else (),
            named={ref: wholes[found.refs[ref]] for ref in reading.named if ref in found.refs},
        )
        for reading, evidence, at, mails, failed in zip(readings, evidences, now, had, returned, strict=True)
    ]


def free_references(connection: Connection, count: int, make: Callable[[], str]) -> list[str]:
    """*count* different references from *make* that no ticket has; the unique key is the last word (E222)."""
    free: dict[str, None] = {}
    for _ in range(20):
        made = {make() for _ in range(count - len(free))}
        taken = set(connection.scalars(TAKEN, {"wanted": sorted(made)}))
        free |= dict.fromkeys(sorted(made - taken))
        if len(free) == count:
            return list(free)
    raise TryLater("hardly any references are left: set another prefix")


def _find(connection: Connection, readings: Sequence[Reading], good: set[Token], earliest: datetime) -> Found:
    ids = {each for reading in readings for each in (reading.message.message_id, *mails_named(reading))} - {""}
    written = {ref for reading in readings for ref in (*reading.refs, *reading.named)}
    ref_ids = _refs(connection, written | {token.ref for token in good})
    return Found(
        sent_ids={row.message_id: row for row in _rows(connection, SENT_BY_ID, ids)},
        sent_serials=_sent_serials(connection, good, ref_ids),
        stored_ids=_stored(connection, STORED_BY_ID, ids),
        same_content=_stored(connection, STORED_BY_CONTENT, {reading.content for reading in readings} - {""}),
        refs=ref_ids,
        cases=_cases(connection, {key for reading in readings for key in reading.keys}, earliest),
    )


def _rows(
    connection: Connection, query: Select[Any] | CompoundSelect[Any], wanted: Iterable[Any], **others: Any
) -> Sequence[Any]:
    """What *query* finds; it is not asked where nothing is *wanted*."""
    sought = sorted(wanted)
    return connection.execute(query, {"wanted": sought, **others}).all() if sought else ()


def _refs(connection: Connection, refs: Wanted) -> dict[str, int]:
    return {row.ref: row.id for row in _rows(connection, REFS, refs)}


def _sent_serials(connection: Connection, good: set[Token], ref_ids: Mapping[str, int]) -> dict[tuple[str, int], Any]:
    """The mails that tokens name, by (ref, serial)."""
    wanted = {(ref_ids[token.ref], token.serial): token for token in good if token.ref in ref_ids}
    found = {(row.ticket_id, row.serial): row for row in _rows(connection, SENT_BY_SERIAL, wanted)}
    return {(token.ref, token.serial): found[place] for place, token in wanted.items() if place in found}


def _stored(connection: Connection, query: Select[Any], wanted: Wanted) -> dict[str, list[Any]]:
    """The stored mails whose indexed column has one of the values, by that value, the oldest first."""
    found: dict[str, list[Any]] = {}
    for row in _rows(connection, query, wanted):
        found.setdefault(row[0], []).append(row)
    return found


def _cases(connection: Connection, keys: Wanted, earliest: datetime) -> dict[str, list[int]]:
    """The tickets with one of *keys* that are open or were closed lately, by the key."""
    found: dict[str, list[int]] = {}
    for key, ticket_id in _rows(connection, CASES, keys, closed_after=earliest - CLOSED_WITHIN):
        found.setdefault(key, []).append(ticket_id)
    return found


def _asker(reading: Reading) -> tuple[str, str]:
    """Who asks, and at which mailbox; "" for an answer to ``send_from``."""
    return reading.sender, reading.mailbox or ""


def _acknowledged(
    connection: Connection, readings: Sequence[Reading], now: Sequence[datetime]
) -> tuple[dict[tuple[tuple[str, str], datetime], Mapping[str, int]], dict[datetime, int]]:
    """How many automatic mails each sender got ``WITHIN``, and strangers in the minute before, each instant."""
    to_sender: dict[tuple[tuple[str, str], datetime], Mapping[str, int]] = {}
    to_strangers: dict[datetime, int] = {}
    for at in set(now):
        senders = sorted({_asker(reading) for reading, when in zip(readings, now, strict=True) if when == at})
        named = {f"sender{number}": sender for number, (sender, _) in enumerate(senders)}
        named |= {f"mailbox{number}": mailbox for number, (_, mailbox) in enumerate(senders)}
        times = {name: at - within for name, within in WITHIN.items()}
        counted = connection.execute(_to_senders(len(senders)), {"at": at, **times, **named})
        to_sender |= {(senders[number], at): dict(zip(WITHIN, mails, strict=True)) for number, *mails in counted}
        to_strangers[at] = connection.execute(TO_STRANGERS, {"after": at - MINUTE, "at": at}).scalar_one()
    return to_sender, to_strangers


def _ticket_ids(found: Found) -> Iterator[int]:
    lists = (*found.stored_ids.values(), *found.same_content.values())
    sent = (*found.sent_ids.values(), *found.sent_serials.values())
    yield from (row.ticket_id for row in (*sent, *(row for each in lists for row in each)) if row.ticket_id)
    yield from found.refs.values()
    yield from (ticket_id for ids in found.cases.values() for ticket_id in ids)


def _ordered_about(evidence: Sequence[Evidence]) -> Iterator[Ticket]:
    """The tickets that a mail of this evidence may give an order to."""
    for each in evidence:
        if each.rank <= ORDERS_BY:
            yield from (each.ticket, each.part) if each.part else (each.ticket,)


def _mails_ordered_about(
    readings: Sequence[Reading], evidences: Sequence[Sequence[Evidence]], orders: Mapping[int, Sequence[Ordered]]
) -> set[int]:
    """The numbers of the mails that an order may be about, or the last one was."""
    named = {reading.names_mail for reading, told in zip(readings, evidences, strict=True) if any(_ordered_about(told))}
    return (named | {ran[-1].mail for ran in orders.values()}) - {0}


def _orders(connection: Connection, ticket_ids: Iterable[int]) -> dict[int, tuple[Ordered, ...]]:
    """The orders that ran on each ticket, the oldest first."""
    found: dict[int, tuple[Ordered, ...]] = {}
    for row in _rows(connection, ORDERS, ticket_ids):
        said, personal = json.loads(row.data), json.loads(row.personal) if row.personal else {}
        order = Ordered(
            do=said["do"],
            by=personal.get("from", ""),
            at=instant(row.at),
            details=(
                *(said.get("to") or personal.get("to"), said.get("until")),
                *([f"mail {said['mail']}"] if said.get("mail") else []),
            ),
            serial=said.get("answers", 0),
            before={**said.get("before", {}), **personal.get("before", {})},
            mail=said.get("mail", 0),
        )
        found[row.ticket_id] = (*found.get(row.ticket_id, ()), order)
    return found


def _stored_with(row: Any, known: Mapping[int, Ticket], wholes: Mapping[int, Ticket]) -> Known:
    own, whole = known.get(row.ticket_id), wholes.get(row.ticket_id)
    return Known(row.fingerprint, whole, own if own and whole and own.id != whole.id else None)


def _known(
    stored: Sequence[Any], reading: Reading, known: Mapping[int, Ticket], wholes: Mapping[int, Ticket]
) -> Known | None:
    """The first of the *stored* mails with the same content, else the first of them."""
    same = next((row for row in stored if row.fingerprint == reading.fingerprint), stored[0] if stored else None)
    return None if same is None else _stored_with(same, known, wholes)


def _resent(
    stored: Sequence[Any], reading: Reading, at: datetime, known: Mapping[int, Ticket], wholes: Mapping[int, Ticket]
) -> Known | None:
    """The last of the *stored* mails that the same sender sent within the week before.

    A forged copy that came first does not stand in for the genuine mail.
    """
    for row in reversed(stored):
        is_proved = row.verdict in VERIFIED or reading.verdict not in VERIFIED
        if row.sender == reading.sender and is_proved and row.received_at > at - RESENT_WITHIN:
            return _stored_with(row, known, wholes)
    return None


def _answers_list(reading: Reading, found: Found) -> bool:
    mails = filter(None, map(found.sent_ids.get, reading.message.in_reply_to))
    return any(mail.message in WORKLISTS and mail.recipient == reading.sender for mail in mails)


def _came_back(reading: Reading, good: set[Token], found: Found) -> tuple[str, ...]:
    """Who did not get a mail of ours, where the report proves by its address or by what it names that it was ours."""
    if reading.message.kind not in BOUNCES:
        return ()
    tokens = [token for token in reading.tokens if token.purpose == BOUNCE_TOKEN and token in good]
    by_path = [mail.recipient for each in tokens if (mail := found.sent_serials.get((each.ref, each.serial)))]
    mailed = {mail.recipient for mail in map(found.sent_ids.get, mails_named(reading)) if mail}
    return tuple(dict.fromkeys(by_path or [each for each in reading.message.bounce_recipients if each in mailed]))


def _same_case(reading: Reading, found: Found, wholes: Mapping[int, Ticket]) -> tuple[Ticket, ...]:
    ids = {wholes[ticket_id].id: ticket_id for key in reading.keys for ticket_id in found.cases.get(key, ())}
    return tuple(wholes[ids[whole_id]] for whole_id in sorted(ids))


def _duplicates(evidence: Sequence[Evidence]) -> list[str]:
    """The mails that its sender was told to be duplicates, by the mails of ours that it answers."""
    return [each.cause for each in evidence if each.answers == JOINED]


def _colleagues(evidence: Sequence[Evidence], members: Mapping[str, tuple[Person, ...]]) -> tuple[Person, ...]:
    """Who works in the teams of the tickets that the mail may belong to."""
    teams = dict.fromkeys(each.ticket.team for each in evidence if each.ticket.team)
    return tuple(person for team in teams for person in members[team])
